//! What a file says of the training that it holds.

use std::any;
use std::collections::BTreeMap;
use std::str::FromStr;

use wgrad_core::{HostTensor, TensorType};

use crate::checkpoint::MARK;
use crate::error::Error;
use crate::files::TensorFile;
use crate::tensor::Tensor;
use crate::trainer::counts::Counts;
use crate::trainer::numbers::Overrides;
use crate::trainer::{Options, Trainer};

/// What names a file as a training, and how it is laid out.
const FORMAT: &str = "training 2";
/// An empty batch, whose shape and type are those of the model's inputs.
const INPUT: &str = "input";
/// The learning rates that were set, one for each optimizer in their order.
const LEARNING_RATE: &str = "learning_rate";
/// Those that there were when the schedule was set, likewise.
const BASE: &str = "base_learning_rate";
/// The updates and epochs that there were when the schedule was set.
const SINCE: &str = "schedule_since";
/// The weight decays that were set, likewise.
const WEIGHT_DECAY: &str = "weight_decay";
/// The momenta that were set, likewise.
const MOMENTUM: &str = "momentum";
/// The norm that was set for gradients to be clipped at.
const CLIP_NORM: &str = "set_clip_norm";
/// Whether a schedule has moved the momentum of optimizers that were made without one.
const MOVES_MOMENTUM: &str = "moves_momentum";
/// Which optimizer changes which parameters.
const GROUPS: &str = "groups";
/// More steps than anybody has time for.
pub(super) const MOST_STEPS: u64 = 1 << 53;
/// Stands for what was not set for an optimizer.
const NOT_SET: &str = "-";

/// How far a training was, and what it takes.
#[derive(Clone, Debug)]
pub(super) struct Description {
    pub counts: Counts,
    pub overrides: Overrides,
    /// One input of the model.
    pub input: TensorType,
    /// Whether a schedule has moved the momentum of optimizers that were made without one.
    pub moves_momentum: bool,
}

impl Trainer {
    /// What has to be the same where a training goes on.
    fn identity(&self) -> [(&'static str, String); 8] {
        let Options { seed, batch_size, accumulation, clip_norm, precision, .. } = self.options;
        [
            ("loss", format!("{:?}", self.objective.loss)),
            ("optimizers", format!("{:?}", self.objective.optimizers.list())),
            ("schedule", format!("{:?}", self.numbers.schedule())),
            ("seed", seed.to_string()),
            ("batch_size", batch_size.to_string()),
            ("accumulation", accumulation.to_string()),
            ("clip_norm", format!("{clip_norm:?}")),
            ("precision", format!("{precision:?}")),
        ]
    }

    /// A file that says what training it is of, and how far it is.
    pub(super) fn described(&self) -> Result<TensorFile, Error> {
        let parameters = &self.model()?.parameters;
        let mut file = TensorFile::new();
        file.set_text(MARK, FORMAT);
        file.set_text("version", env!("CARGO_PKG_VERSION"));
        file.set_text("model", format!("{:?}", self.network));
        for (name, text) in self.identity() {
            file.set_text(name, text);
        }
        file.set_text(GROUPS, parameters.groups());
        for (name, count) in self.counts.named() {
            file.set_text(name, count);
        }
        file.set_text(MOVES_MOMENTUM, self.numbers.moves_momentum());
        let Overrides { learning_rates, bases, since: [updates, epochs], weight_decays, momenta, clip_norm } =
            self.numbers.overrides();
        file.set_text(SINCE, format!("{updates} {epochs}"));
        let sets = [(LEARNING_RATE, learning_rates), (BASE, bases), (WEIGHT_DECAY, weight_decays), (MOMENTUM, momenta)];
        for (name, set) in sets {
            let word = |group| set.get(&group).map_or(NOT_SET.to_owned(), |number| format!("{number:?}"));
            let words: Vec<String> = (0..self.objective.optimizers.count()).map(word).collect();
            file.set_text(name, words.join(" "));
        }
        if let Some(norm) = clip_norm {
            file.set_text(CLIP_NORM, format!("{norm:?}"));
        }
        let TensorType { shape, dtype } = &parameters.input;
        let empty = TensorType::new(*dtype, [&[0], shape.dims()].concat());
        file.set_tensor(INPUT, &Tensor::from_host(HostTensor::zeros(&empty).into()));
        Ok(file)
    }

    /// What a file says; as text, why this training cannot go on from it.
    pub(super) fn description_in(&self, file: &TensorFile) -> Result<Description, String> {
        let format = file.text(MARK).unwrap_or("a file without that mark");
        if format != FORMAT {
            return Err(format!("wanted a file that Trainer::save has written, marked {FORMAT}; got {format}"));
        }
        let differences = self.identity().into_iter().filter_map(|(name, wanted)| {
            let got = file.text(name).unwrap_or("nothing");
            (got != wanted).then(|| format!("{name}: wanted {wanted}, got {got}"))
        });
        let differences: Vec<String> = differences.collect();
        if !differences.is_empty() {
            return Err(format!("it is of another training: {}", differences.join("; ")));
        }
        let set = |name| set_in(file, name, self.objective.optimizers.count());
        let clip_norm = file.text(CLIP_NORM).map(|text| parsed(CLIP_NORM, text)).transpose()?;
        let (learning_rates, bases) = (set(LEARNING_RATE)?, set(BASE)?);
        let (weight_decays, momenta, since) = (set(WEIGHT_DECAY)?, set(MOMENTUM)?, since_in(file)?);
        let overrides = Overrides { learning_rates, bases, since, weight_decays, momenta, clip_norm };
        overrides.check().map_err(|error| error.to_string())?;
        let moves_momentum = parsed(MOVES_MOMENTUM, file.text(MOVES_MOMENTUM).unwrap_or("nothing"))?;
        Ok(Description { counts: counts_in(file)?, overrides, input: input_in(file)?, moves_momentum })
    }

    /// Fails where other optimizers change the model's parameters than in the training of a file.
    pub(super) fn check_groups(&self, file: &TensorFile) -> Result<(), Error> {
        let (wanted, got) = (self.model()?.parameters.groups(), file.text(GROUPS).unwrap_or("nothing"));
        if wanted == got {
            return Ok(());
        }
        Err(Error::Checkpoint { message: format!("it is of another training: {GROUPS}: wanted {wanted}, got {got}") })
    }
}

/// The numbers of this name that were set, by the optimizers' places.
fn set_in(file: &TensorFile, name: &str, optimizers: usize) -> Result<BTreeMap<usize, f64>, String> {
    let words: Vec<&str> = file.text(name).unwrap_or_default().split_whitespace().collect();
    if words.len() != optimizers {
        return Err(format!("{name}: wanted one for each of {optimizers} optimizers, got {}", words.len()));
    }
    let set = words.into_iter().enumerate().filter(|(_, word)| *word != NOT_SET);
    set.map(|(group, word)| Ok((group, parsed(name, word)?))).collect()
}

/// The updates and epochs that there were when the schedule was set.
fn since_in(file: &TensorFile) -> Result<[u64; 2], String> {
    let text = file.text(SINCE).unwrap_or("nothing");
    let counts: Option<Vec<u64>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
    let counts = counts.and_then(|counts| counts.try_into().ok());
    counts.ok_or_else(|| format!("{SINCE}: wanted two whole numbers, got {text}"))
}

fn counts_in(file: &TensorFile) -> Result<Counts, String> {
    let mut counts = Counts::default();
    for (name, count) in counts.named_mut() {
        let text = file.text(name).unwrap_or("nothing");
        let known = text.parse().ok().filter(|count| *count <= MOST_STEPS);
        *count = known.ok_or_else(|| format!("{name}: wanted a whole number from 0 to {MOST_STEPS}, got {text}"))?;
    }
    Ok(counts)
}

fn input_in(file: &TensorFile) -> Result<TensorType, String> {
    match file.tensors(INPUT).into_iter().find(|(rest, _)| rest.is_empty()) {
        Some((_, Ok(batch))) if batch.shape().rank() > 0 => {
            let TensorType { shape, dtype } = batch.kind();
            Ok(TensorType::new(dtype, shape.dims()[1..].to_vec()))
        }
        _ => Err(format!("{INPUT}: wanted an empty batch of inputs, got none")),
    }
}

fn parsed<T: FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{name}: wanted a {}, got {text}", any::type_name::<T>()))
}
