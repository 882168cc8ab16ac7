//! Results of commands that an application submits, on their way to the host.
//!
//! A copy to a buffer is recorded behind the commands, and has the buffer mapped when they are submitted. So nothing
//! needs to be submitted, polled or awaited here: results land while the application drives its device.

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use web_time::Instant;
use wgpu::{BufferUsages, CommandEncoder, MapMode};
use wgrad_core::{HostTensor, TensorType};

use crate::device::Device;
use crate::error::ExecutorError;
use crate::faults::lock;
use crate::pack;
use crate::tensor_buffer::TensorBuffer;

/// The size of two timestamps.
const SPAN_BYTES: u64 = 2 * wgpu::QUERY_SIZE as u64;

/// Buffers that results have landed in, to be used again.
#[derive(Debug, Default)]
pub(crate) struct Landings {
    slots: Vec<Arc<Slot>>,
}

/// A buffer that results land in.
#[derive(Debug)]
struct Slot {
    device: Device,
    buffer: wgpu::Buffer,
    stage: Mutex<Stage>,
    timing: Option<Timing>,
}

#[derive(Debug)]
enum Stage {
    /// Nobody waits for anything.
    Idle,
    /// The copy is recorded. Its callback holds the token's other end until it was called, or never will be.
    Recorded(Weak<()>),
    /// The buffer is mapped, since that moment.
    Landed(Instant),
    /// The buffer cannot be mapped.
    Failed(String),
}

/// What measures the time of recorded commands on the device.
#[derive(Debug)]
pub(crate) struct Timing {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
}

/// Tensors on their way from commands that were recorded, which land once the application has submitted them and they
/// have run.
#[derive(Debug)]
pub struct Landing {
    slot: Arc<Slot>,
    tensors: Vec<TensorType>,
    /// The bytes that are mapped.
    bytes: u64,
    recorded: Instant,
    /// The nanoseconds of a timestamp's unit, where the commands are timed.
    period: Option<f32>,
}

/// What has landed.
#[derive(Clone, Debug, PartialEq)]
pub struct Landed {
    /// The tensors, in the order in which they were asked for.
    pub tensors: Vec<HostTensor>,
    /// What is known of the time that the commands took.
    pub took: Took,
}

/// What is known of the time that commands took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Took {
    /// Their time on the device.
    OnDevice(Duration),
    /// When they were recorded, and when what they left has landed: between the two they also waited.
    Between(Instant, Instant),
}

impl Took {
    /// The time on the device where it is known, otherwise all that has passed.
    pub fn elapsed(self) -> Duration {
        match self {
            Self::OnDevice(elapsed) => elapsed,
            Self::Between(recorded, landed) => landed.saturating_duration_since(recorded),
        }
    }
}

impl Landings {
    /// A place for so many bytes, and what times the commands that they come from.
    ///
    /// # Errors
    /// Where the device has no room.
    fn free(&mut self, device: &Device, bytes: u64) -> Result<Arc<Slot>, ExecutorError> {
        let is_free = |slot: &Arc<Slot>| Arc::strong_count(slot) == 1 && slot.buffer.size() >= bytes + SPAN_BYTES;
        if let Some(slot) = self.slots.iter().find(|slot| is_free(slot)) {
            slot.release();
            return Ok(slot.clone());
        }
        self.slots.retain(|slot| Arc::strong_count(slot) > 1);
        let failed = |message| ExecutorError::Allocation { label: LABEL.to_owned(), bytes, message };
        let slot = device.catch_at_once(|| Slot::create(device, (bytes + SPAN_BYTES).next_power_of_two()), failed)?;
        let slot = Arc::new(slot);
        self.slots.push(slot.clone());
        Ok(slot)
    }

    /// Has `commands` recorded, which get the queries that time their passes and say whether they have used them, and then
    /// what they leave in `tensors` brought to the host. Queries that nothing has written are not read: some drivers would
    /// wait for them for ever.
    ///
    /// # Errors
    /// Where the device has no room.
    pub(crate) fn record(
        &mut self,
        device: &Device,
        encoder: &mut CommandEncoder,
        tensors: &[TensorBuffer],
        commands: impl FnOnce(&mut CommandEncoder, Option<&Timing>) -> bool,
    ) -> Result<Landing, ExecutorError> {
        let bytes = tensors.iter().map(|tensor| pack::copied_range(tensor.kind(), 0).0.end).sum();
        let slot = self.free(device, bytes)?;
        let is_timed = commands(encoder, slot.timing.as_ref());
        let mut end = SPAN_BYTES;
        if let Some(Timing { queries, resolved }) = slot.timing.as_ref().filter(|_| is_timed) {
            encoder.resolve_query_set(queries, 0..2, resolved, 0);
            encoder.copy_buffer_to_buffer(resolved, 0, &slot.buffer, 0, SPAN_BYTES);
        }
        for tensor in tensors {
            let range = pack::copied_range(tensor.kind(), 0).0;
            encoder.copy_buffer_to_buffer(tensor.buffer(), tensor.offset(), &slot.buffer, end, range.end);
            end += range.end;
        }
        slot.map_on_submit(encoder, end);
        let period = is_timed.then(|| device.queue().get_timestamp_period());
        let tensors = tensors.iter().map(|tensor| tensor.kind().clone()).collect();
        Ok(Landing { slot, tensors, bytes: end, recorded: Instant::now(), period })
    }
}

const LABEL: &str = "results for the host";

impl Slot {
    fn create(device: &Device, bytes: u64) -> Self {
        let wgpu = device.wgpu();
        let buffer = |label, size, usage| {
            wgpu.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false })
        };
        let has_timestamps = wgpu.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        let timing = has_timestamps.then(|| Timing {
            queries: wgpu.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("time of a frame's steps"),
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            }),
            resolved: buffer("time of a frame's steps", SPAN_BYTES, BufferUsages::QUERY_RESOLVE.union(BufferUsages::COPY_SRC)),
        });
        let usage = BufferUsages::MAP_READ.union(BufferUsages::COPY_DST);
        Self { device: device.clone(), buffer: buffer(LABEL, bytes, usage), stage: Mutex::new(Stage::Idle), timing }
    }

    fn map_on_submit(self: &Arc<Self>, encoder: &CommandEncoder, bytes: u64) {
        let token = Arc::new(());
        *lock(&self.stage) = Stage::Recorded(Arc::downgrade(&token));
        let slot = self.clone();
        encoder.map_buffer_on_submit(&self.buffer, MapMode::Read, ..bytes, move |result| {
            *lock(&slot.stage) = match result {
                Ok(()) => Stage::Landed(Instant::now()),
                Err(error) => Stage::Failed(error.to_string()),
            };
            drop(token);
        });
    }

    /// Makes it ready for the next copy.
    fn release(&self) {
        let mut stage = lock(&self.stage);
        if matches!(*stage, Stage::Landed(_)) {
            self.buffer.unmap();
        }
        *stage = Stage::Idle;
    }
}

impl Timing {
    /// What a pass writes, where the first of a frame begins the time and the last ends it.
    pub(crate) fn writes(&self, is_first: bool, is_last: bool) -> Option<wgpu::ComputePassTimestampWrites<'_>> {
        (is_first || is_last).then_some(wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: is_first.then_some(0),
            end_of_pass_write_index: is_last.then_some(1),
        })
    }
}

impl Landing {
    /// What has landed; none as long as it has not. It does not wait: the application that polls its device, or submits
    /// to it, has it land.
    ///
    /// # Errors
    /// [`ExecutorError::NotSubmitted`] where the encoder was dropped; where the device is lost.
    pub fn landed(&self) -> Result<Option<Landed>, ExecutorError> {
        let stage = lock(&self.slot.stage);
        match &*stage {
            Stage::Recorded(token) if token.strong_count() == 0 => {
                Err(self.slot.device.explain(ExecutorError::NotSubmitted { what: "recorded steps".to_owned() }))
            }
            Stage::Idle | Stage::Recorded(_) => Ok(None),
            // Nothing else keeps the buffer from being mapped.
            Stage::Failed(reason) => Err(self.slot.device.lose(reason)),
            Stage::Landed(at) => self.read(*at).map(Some),
        }
    }

    fn read(&self, landed: Instant) -> Result<Landed, ExecutorError> {
        let failed = ExecutorError::during("reading what recorded steps gave");
        let view = self.slot.buffer.get_mapped_range(..self.bytes).map_err(|error| failed(error.to_string()))?;
        let took = match self.period {
            Some(period) => {
                let span: Vec<u64> = bytemuck::pod_collect_to_vec(&view[..SPAN_BYTES as usize]);
                let ticks = span[1].saturating_sub(span[0]);
                Took::OnDevice(Duration::from_secs_f64(ticks as f64 * f64::from(period) * 1e-9))
            }
            None => Took::Between(self.recorded, landed),
        };
        let mut begin = SPAN_BYTES as usize;
        let mut tensors = Vec::with_capacity(self.tensors.len());
        for kind in &self.tensors {
            tensors.push(pack::unpack(kind, &view[begin..]));
            begin += pack::copied_range(kind, 0).0.end as usize;
        }
        Ok(Landed { tensors, took })
    }
}
