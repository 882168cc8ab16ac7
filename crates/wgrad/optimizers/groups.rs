//! Which optimizer changes which parameters.

use std::{any, fmt};

use crate::error::Error;
use crate::optimizers::{At, Optimizer};

/// One optimizer for all parameters, or several for groups of them. Any [`Optimizer`] is one for all.
///
/// ```
/// # use wgrad::optimizers::Optimizers;
/// # use wgrad::prelude::*;
/// let model = Sequential::new().add(Linear::new(4, 8)).add(ReLU).add(Linear::new(8, 3));
/// let optimizers = Optimizers::new(Adam::new(1e-3)).group("2", SGD::new(0.1)).freeze("0.bias");
/// # let options = Options::default();
/// let trainer = Trainer::new(&Device::cpu(), model, CrossEntropyLoss, optimizers, options)?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Optimizers {
    list: Vec<Box<dyn Optimizer>>,
    /// Some parameters, and their optimizers' places; none for what is frozen.
    groups: Vec<(Selection, Option<usize>)>,
}

/// Some of a model's parameters.
enum Selection {
    /// The parameter of this name, or all within the layer of this name.
    Named(String),
    /// Those whose names a function takes.
    Where {
        takes: Box<dyn Fn(&str) -> bool + Send>,
        /// The function's type.
        kind: &'static str,
    },
}

impl Selection {
    fn of(takes: impl Fn(&str) -> bool + Send + 'static) -> Self {
        Self::Where { kind: any::type_name_of_val(&takes), takes: Box::new(takes) }
    }

    fn has(&self, parameter: &str) -> bool {
        match self {
            Self::Named(name) => {
                parameter.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }
            Self::Where { takes, .. } => takes(parameter),
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Named(name) => formatter.write_str(name),
            Self::Where { kind, .. } => write!(formatter, "those of {kind}"),
        }
    }
}

impl fmt::Debug for Selection {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Optimizers {
    /// One optimizer for all parameters.
    pub fn new(optimizer: impl Optimizer + 'static) -> Self {
        Self { list: vec![Box::new(optimizer)], groups: Vec::new() }
    }

    /// The same with another optimizer for the parameter called `name`, or all within the layer of that name. What was
    /// said last holds.
    pub fn group(self, name: impl Into<String>, optimizer: impl Optimizer + 'static) -> Self {
        self.add(Selection::Named(name.into()), optimizer)
    }

    /// The same with another optimizer for all parameters whose names `takes` takes. What was said last holds.
    ///
    /// ```
    /// # use wgrad::optimizers::Optimizers;
    /// # use wgrad::prelude::*;
    /// let without_decay = AdamW::new(1e-3).weight_decay(0.0);
    /// let optimizers = Optimizers::new(AdamW::new(1e-3)).group_where(|name| name.ends_with("bias"), without_decay);
    /// # let model = Linear::new(4, 3);
    /// # let mut trainer = Trainer::new(&Device::cpu(), model, CrossEntropyLoss, optimizers, Options::default())?;
    /// # trainer.build(&[4])?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn group_where(self, takes: impl Fn(&str) -> bool + Send + 'static, optimizer: impl Optimizer + 'static) -> Self {
        self.add(Selection::of(takes), optimizer)
    }

    fn add(mut self, selection: Selection, optimizer: impl Optimizer + 'static) -> Self {
        self.groups.push((selection, Some(self.list.len())));
        self.list.push(Box::new(optimizer));
        self
    }

    /// The same where the parameter called `name`, or all within the layer of that name, never change.
    pub fn freeze(mut self, name: impl Into<String>) -> Self {
        self.groups.push((Selection::Named(name.into()), None));
        self
    }

    /// The same where all parameters whose names `takes` takes never change.
    pub fn freeze_where(mut self, takes: impl Fn(&str) -> bool + Send + 'static) -> Self {
        self.groups.push((Selection::of(takes), None));
        self
    }

    /// The place of the optimizer of a parameter; none where it is frozen.
    pub(crate) fn of(&self, parameter: &str) -> Option<usize> {
        let group = self.groups.iter().rev().find(|(selection, _)| selection.has(parameter));
        group.map_or(Some(0), |(_, optimizer)| *optimizer)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        self.list.iter().try_for_each(|optimizer| optimizer.check())
    }

    /// Fails where a group has none of these parameters, or later groups have all of its own.
    pub(crate) fn check_names<'a>(&self, parameters: impl Iterator<Item = &'a str> + Clone) -> Result<(), Error> {
        for (place, (selection, _)) in self.groups.iter().enumerate() {
            let mut own = parameters.clone().filter(|parameter| selection.has(parameter)).peekable();
            if own.peek().is_none() {
                let known: Vec<&str> = parameters.collect();
                return Err(Error::mismatch(
                    "group of parameters",
                    format!("one of, or a layer around: {}", known.join(", ")),
                    selection,
                ));
            }
            let is_taken = |parameter: &str| self.groups[place + 1..].iter().any(|(later, _)| later.has(parameter));
            if own.all(is_taken) {
                return Err(Error::mismatch("group of parameters", "one that later groups leave something", selection));
            }
        }
        Ok(())
    }

    /// Whether one of them has momentum only where a schedule moves it.
    pub(crate) fn lack_momentum(&self) -> bool {
        self.list.iter().any(|optimizer| optimizer.lacks_momentum())
    }

    pub(crate) fn get(&self, index: usize) -> &dyn Optimizer {
        self.list[index].as_ref()
    }

    /// Where an optimizer's numbers begin in a row.
    pub(crate) fn first_number(&self, index: usize) -> usize {
        self.list[..index].iter().map(|optimizer| width(optimizer.as_ref())).sum()
    }

    /// How many numbers an update has.
    pub(crate) fn width(&self) -> usize {
        self.first_number(self.count())
    }

    /// The numbers of an update, given what each optimizer is to make its own of, by its place.
    pub(crate) fn numbers(&self, at: impl Fn(usize) -> At) -> Vec<f32> {
        self.list.iter().enumerate().flat_map(|(index, optimizer)| optimizer.numbers(at(index))).collect()
    }

    /// All optimizers, by their places.
    pub(crate) fn list(&self) -> &[Box<dyn Optimizer>] {
        &self.list
    }

    /// How many optimizers there are.
    pub(crate) fn count(&self) -> usize {
        self.list.len()
    }

    /// Fails where there is no optimizer at this place.
    pub(crate) fn check_index(&self, index: usize) -> Result<(), Error> {
        if index < self.count() {
            return Ok(());
        }
        let named = self.groups.iter().filter_map(|(selection, optimizer)| Some(format!("{} ({selection})", (*optimizer)?)));
        let known: Vec<String> = ["0 (all others)".to_owned()].into_iter().chain(named).collect();
        Err(Error::mismatch("group of parameters", format!("one of {}", known.join(", ")), index))
    }
}

fn width(optimizer: &dyn Optimizer) -> usize {
    optimizer.numbers(At { update: 1, learning_rate: optimizer.learning_rate(), weight_decay: 0.0, momentum: 0.0 }).len()
}

impl<O: Optimizer + 'static> From<O> for Optimizers {
    fn from(optimizer: O) -> Self {
        Self::new(optimizer)
    }
}
