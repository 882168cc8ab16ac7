//! How far a training is.

/// What the host counts of a training. The device's clock counts the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// The steps taken so far.
    pub steps: u64,
    /// The updates among them, and those that an optimizer's state has from before.
    pub updates: u64,
    /// The passes over the data that were completed.
    pub epochs: u64,
    /// The steps of whole epochs, interrupted ones included: which examples are next.
    pub position: u64,
    /// How many steps those epochs had.
    pub epoch_steps: u64,
    /// And how many examples.
    pub epoch_examples: u64,
    /// The step and epoch in which the loss was no longer finite.
    pub stopped: Option<(u64, Option<usize>)>,
}

impl Counts {
    /// Counts steps more, of which `accumulation` make an update.
    pub fn advance(&mut self, steps: u64, accumulation: u32) {
        let accumulation = u64::from(accumulation);
        self.updates += (self.steps + steps) / accumulation - self.steps / accumulation;
        self.steps += steps;
    }

    /// Goes back to a number of steps, where those behind it turned out not to have changed anything.
    pub fn back_to(&mut self, steps: u64, accumulation: u32) {
        let (steps, accumulation) = (steps.min(self.steps), u64::from(accumulation));
        self.updates = self.updates.saturating_sub(self.steps / accumulation - steps / accumulation);
        self.position = self.position.saturating_sub(self.steps - steps);
        self.steps = steps;
    }

    /// The counts with their names in files.
    pub fn named(&self) -> [(&'static str, u64); 6] {
        let mut counts = *self;
        counts.named_mut().map(|(name, count)| (name, *count))
    }

    /// The same, to be changed.
    pub fn named_mut(&mut self) -> [(&'static str, &mut u64); 6] {
        let Self { steps, updates, epochs, position, epoch_steps, epoch_examples, stopped: _ } = self;
        [
            ("steps", steps),
            ("updates", updates),
            ("epochs", epochs),
            ("position", position),
            ("epoch_steps", epoch_steps),
            ("epoch_examples", epoch_examples),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Updates that an optimizer's state has from before stay, and those of steps that are taken back go with them.
    #[test]
    fn updates_go_with_steps() {
        let mut counts = Counts { steps: 4, updates: 101, position: 4, ..Counts::default() };
        counts.advance(1, 3);
        assert_eq!((counts.steps, counts.updates), (5, 101));
        counts.advance(5, 3);
        assert_eq!((counts.steps, counts.updates), (10, 103));
        counts.position += 6;
        counts.back_to(7, 3);
        assert_eq!((counts.steps, counts.updates, counts.position), (7, 102, 7));
        counts.back_to(100, 3);
        assert_eq!((counts.steps, counts.updates, counts.position), (7, 102, 7));
    }
}
