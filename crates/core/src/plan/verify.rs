//! Proves on the CPU that a plan computes what its dispatches say, whatever order a level's dispatches run in.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use crate::graph::Value;

use super::{BufferId, Dispatch, Location, Plan, Role, Tensor};

/// What is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The dispatch's label.
    pub dispatch: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{}: {}", self.dispatch, self.what)
    }
}

impl std::error::Error for Violation {}

impl Plan {
    /// Checks that every dispatch keeps the target's limits and binds no buffer twice; that whatever it reads was
    /// written on an earlier level and not overwritten since; that dispatches of one level leave each other's memory
    /// alone; and that no level could be left out.
    ///
    /// # Errors
    /// The first violation.
    pub fn verify(&self) -> Result<(), Violation> {
        let mut contents = self.sources();
        let mut before: &[Dispatch] = &[];
        for level in self.dispatches.chunk_by(|left, right| left.level == right.level) {
            for (index, dispatch) in level.iter().enumerate() {
                let fail = |what: String| Err(Violation { dispatch: dispatch.label.clone(), what });
                if let Some(what) = self.broken_limit(dispatch).or_else(|| self.unbound(dispatch)) {
                    return fail(what);
                }
                if let Some(read) = dispatch.reads.iter().find(|read| !is_there(&contents, read)) {
                    return fail(format!("reads {} from buffer {}, which does not hold it", read.value, read.location.buffer.0));
                }
                if let Some(other) = level[index + 1..].iter().find(|other| conflict(dispatch, other)) {
                    return fail(format!("is on one level with {}, but shares memory that one of them writes", other.label));
                }
                if dispatch.level > 0 && !before.iter().any(|earlier| needs(dispatch, earlier)) {
                    return fail(format!("is on level {}, but needs nothing of the level before", dispatch.level));
                }
            }
            for write in level.iter().flat_map(|dispatch| &dispatch.writes) {
                overwrite(&mut contents, write);
            }
            before = level;
        }
        Ok(())
    }

    /// What buffers hold before the first dispatch.
    fn sources(&self) -> Contents {
        let is_source =
            |tensor: &&Tensor| !matches!(self.buffers[tensor.location.buffer.0 as usize].role, Role::Scratch | Role::Pack);
        let mut contents = Contents::new();
        let mut written: Vec<Value> = Vec::new();
        for dispatch in &self.dispatches {
            for read in dispatch.reads.iter().filter(is_source).filter(|read| !written.contains(&read.value)) {
                contents.entry(read.location.buffer).or_default().push((range(&read.location), read.value));
            }
            written.extend(dispatch.writes.iter().map(|write| write.value));
        }
        contents
    }

    fn broken_limit(&self, dispatch: &Dispatch) -> Option<String> {
        let target = &self.target;
        let over = |buffer: BufferId| self.buffers[buffer.0 as usize].bytes > target.binding_bytes;
        if dispatch.bindings.len() > target.storage_buffers as usize {
            return Some(format!("binds {} buffers of {} at most", dispatch.bindings.len(), target.storage_buffers));
        }
        if dispatch.workgroups.iter().any(|&count| count > target.workgroups) {
            return Some(format!("has {:?} workgroups of {} at most", dispatch.workgroups, target.workgroups));
        }
        if dispatch.bindings.iter().any(|binding| over(binding.buffer)) {
            return Some(format!("binds more than {} bytes", target.binding_bytes));
        }
        let twice = |(index, binding): (usize, &super::Binding)| {
            dispatch.bindings[..index].iter().any(|other| other.buffer == binding.buffer)
        };
        dispatch.bindings.iter().enumerate().any(twice).then(|| "binds one buffer twice".to_owned())
    }

    /// A tensor that is not bound as it is used, or lies outside its buffer.
    fn unbound(&self, dispatch: &Dispatch) -> Option<String> {
        let bound = |tensor: &Tensor, writes: bool| {
            let buffer = tensor.location.buffer;
            let fits = range(&tensor.location).end <= self.buffers[buffer.0 as usize].bytes;
            fits && dispatch.bindings.iter().any(|binding| binding.buffer == buffer && (binding.writes || !writes))
        };
        let read = dispatch.reads.iter().find(|tensor| !bound(tensor, false));
        let found = read.or_else(|| dispatch.writes.iter().find(|tensor| !bound(tensor, true)));
        found.map(|tensor| format!("does not bind {} as it uses it", tensor.value))
    }
}

type Contents = HashMap<BufferId, Vec<(Range<u64>, Value)>>;

/// The bytes that a tensor takes.
fn range(location: &Location) -> Range<u64> {
    let start = (location.offset * location.kind.dtype.bytes()) as u64;
    start..start + location.kind.bytes() as u64
}

fn overlap(left: &Range<u64>, right: &Range<u64>) -> bool {
    left.start < right.end && right.start < left.end
}

fn is_there(contents: &Contents, read: &Tensor) -> bool {
    let held = contents.get(&read.location.buffer).map_or(&[][..], Vec::as_slice);
    held.iter().any(|(held, value)| *held == range(&read.location) && *value == read.value)
}

fn overwrite(contents: &mut Contents, write: &Tensor) {
    let held = contents.entry(write.location.buffer).or_default();
    held.retain(|(held, _)| !overlap(held, &range(&write.location)));
    held.push((range(&write.location), write.value));
}

/// Whether a dispatch has to come after an earlier one. What is empty lies nowhere, and is passed on and overwritten all the
/// same.
fn needs(dispatch: &Dispatch, earlier: &Dispatch) -> bool {
    let is_passed_on = earlier.writes.iter().any(|write| dispatch.reads.iter().any(|read| read.value == write.value));
    let is_overwritten = earlier.reads.iter().any(|read| dispatch.writes.iter().any(|write| read.location == write.location));
    is_passed_on || is_overwritten || conflict(earlier, dispatch)
}

/// Whether one of two dispatches writes what the other touches.
fn conflict(left: &Dispatch, right: &Dispatch) -> bool {
    let meet = |one: &[Tensor], other: &[Tensor]| {
        one.iter().any(|one| {
            other.iter().any(|other| {
                one.location.buffer == other.location.buffer && overlap(&range(&one.location), &range(&other.location))
            })
        })
    };
    meet(&left.writes, &right.writes) || meet(&left.writes, &right.reads) || meet(&left.reads, &right.writes)
}
