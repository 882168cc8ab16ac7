//! Sequences of tokens whose class depends on their order alone.

use crate::DataError;
use crate::random::Random;
use crate::synthetic::check_samples;

/// Sequences of tokens of one length, and the class of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequences {
    tokens: Vec<u32>,
    labels: Vec<u32>,
    length: usize,
}

impl Sequences {
    /// The tokens, of shape (sequences, length).
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// The class of each sequence.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The tokens in a sequence: at least 1.
    pub fn length(&self) -> usize {
        self.length
    }
}

/// Sequences in which two markers, the last two tokens of the vocabulary, are each at one place, by chance: class 0
/// where the first of them comes first, class 1 where the second does. All other tokens are drawn evenly from the rest.
///
/// Both classes hold the same tokens equally often, so that a model without a sense of position can only guess.
///
/// # Errors
/// Where there are no samples or too many, less than two tokens in a sequence, or less than three in the vocabulary.
pub fn marker_order(samples: usize, length: usize, vocabulary: usize, seed: u32) -> Result<Sequences, DataError> {
    check_samples(samples, length)?;
    if length < 2 {
        return Err(DataError::setting("length", "2 at least, for both markers", length));
    }
    if !(3..=u32::MAX as usize).contains(&vocabulary) {
        return Err(DataError::setting("vocabulary", "3 at least, two of them markers", vocabulary));
    }
    let mut random = Random::new(seed, 0);
    let (mut tokens, mut labels) = (Vec::with_capacity(samples * length), Vec::with_capacity(samples));
    for _ in 0..samples {
        let start = tokens.len();
        tokens.extend((0..length).map(|_| random.below(vocabulary - 2) as u32));
        let first = random.below(length);
        let second = (first + 1 + random.below(length - 1)) % length;
        tokens[start + first] = vocabulary as u32 - 2;
        tokens[start + second] = vocabulary as u32 - 1;
        labels.push(u32::from(second < first));
    }
    Ok(Sequences { tokens, labels, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_tells_which_marker_comes_first() {
        let sequences = marker_order(5000, 64, 50, 1).unwrap();
        assert_eq!((sequences.tokens().len(), sequences.length()), (5000 * 64, 64));
        for (tokens, &label) in sequences.tokens().chunks(64).zip(sequences.labels()) {
            let places: Vec<usize> = (0..64).filter(|&place| tokens[place] >= 48).collect();
            assert_eq!(places.len(), 2);
            let order = [tokens[places[0]], tokens[places[1]]];
            assert_eq!(order, if label == 0 { [48, 49] } else { [49, 48] });
        }
        let ones: u32 = sequences.labels().iter().sum();
        assert!((2350..2650).contains(&ones), "{ones}");
    }

    #[test]
    fn markers_are_everywhere_and_all_other_tokens_occur() {
        let sequences = marker_order(5000, 8, 6, 2).unwrap();
        for marker in [4, 5] {
            let mut counts = [0; 8];
            let places = sequences.tokens().iter().enumerate().filter(|(_, token)| **token == marker);
            places.for_each(|(index, _)| counts[index % 8] += 1);
            assert!(counts.iter().all(|count| (500..750).contains(count)), "{counts:?}");
        }
        assert!((0..4).all(|token| sequences.tokens().contains(&token)));
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        let error = |samples, length, vocabulary| marker_order(samples, length, vocabulary, 0).unwrap_err().to_string();
        assert!(error(0, 64, 50).starts_with("samples"));
        assert_eq!(error(1, 1, 50), "length: wanted 2 at least, for both markers, got 1");
        assert_eq!(error(1, 64, 2), "vocabulary: wanted 3 at least, two of them markers, got 2");
    }
}
