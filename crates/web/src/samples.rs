//! Ten drawings, one of each digit, which the page's test draws.

use crate::drawing::{Drawing, Point};

const FILE: &str = include_str!("../drawings.txt");

/// The digits, and how somebody may draw them in a square whose sides are 1.
pub fn drawings() -> Vec<(u8, Drawing)> {
    FILE.lines().filter(|line| !line.starts_with('#')).filter_map(drawing).collect()
}

/// A line such as `7: 20,20 80,20 40,90 / 30,50 70,50`: strokes between slashes, in hundredths.
fn drawing(line: &str) -> Option<(u8, Drawing)> {
    let (digit, strokes) = line.split_once(':')?;
    let stroke = |words: &str| words.split_whitespace().map(point).collect::<Option<Vec<Point>>>();
    let strokes = strokes.split('/').map(stroke).collect::<Option<Vec<_>>>()?;
    Some((digit.parse().ok()?, Drawing::new(strokes)))
}

fn point(word: &str) -> Option<Point> {
    let (x, y) = word.split_once(',')?;
    Some([x.parse::<f32>().ok()? / 100.0, y.parse::<f32>().ok()? / 100.0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_drawing_of_each_digit() {
        let drawings = drawings();
        let digits: Vec<u8> = drawings.iter().map(|(digit, _)| *digit).collect();
        assert_eq!(digits, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        for (digit, drawing) in &drawings {
            let inside = |point: &Point| point.iter().all(|place| (0.0..=1.0).contains(place));
            assert!(drawing.strokes().iter().flatten().all(inside), "{digit}");
            assert!(drawing.strokes().iter().all(|stroke| stroke.len() > 3), "{digit}");
        }
    }

    #[test]
    fn what_is_no_drawing_is_left_out() {
        assert_eq!(drawing("x: 1,2 3,4"), None);
        assert_eq!(drawing("1: 1,2 3"), None);
        assert_eq!(drawing("1: 50,0 / 0,100"), Some((1, Drawing::new(vec![vec![[0.5, 0.0]], vec![[0.0, 1.0]]]))));
    }
}
