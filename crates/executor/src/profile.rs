//! How long each dispatch takes.

use std::sync::atomic::Ordering;
use std::time::Duration;

use wgpu::BufferUsages;
use wgrad_core::op::Work;

use crate::buffers;
use crate::error::ExecutorError;
use crate::executor::Executor;
use crate::loaded::{Command, LoadedPlan};

/// Dispatches that one set of queries has room for: each takes two.
const DISPATCHES: usize = wgpu::QUERY_SET_MAX_QUERIES as usize / 2;
/// The size of two timestamps.
const SPAN_BYTES: usize = 2 * wgpu::QUERY_SIZE as usize;

/// What one dispatch of a plan costs.
#[derive(Clone, Debug, PartialEq)]
pub struct DispatchTime {
    /// Operation and node.
    pub label: String,
    /// The time of one dispatch on average, which includes that of a pass of its own.
    pub nanoseconds: f64,
    /// What it loads, stores and computes at least.
    pub work: Work,
}

/// When a dispatch ran on the device.
#[derive(Clone, Debug, PartialEq)]
pub struct DispatchSpan {
    /// Operation and node.
    pub label: String,
    /// Its step, from 0.
    pub step: u32,
    /// When it began, since the first dispatch did.
    pub begin: Duration,
    /// How long it took, in a pass of its own.
    pub took: Duration,
    /// What it loads, stores and computes at least.
    pub work: Work,
}

/// Where timestamps are written and collected.
struct Timestamps {
    queries: Vec<wgpu::QuerySet>,
    resolved: wgpu::Buffer,
}

impl Executor {
    /// Runs steps of a plan (at least one), each dispatch in a pass of its own, and measures them on the device.
    ///
    /// The steps change the states as any others do; a first one is run and not measured. Natively, the future ends
    /// only when somebody polls the device.
    ///
    /// # Errors
    /// [`ExecutorError::NoTimestamps`] where the device has none; on errors and loss of the device.
    pub async fn profile(&mut self, plan: &LoadedPlan, steps: u32) -> Result<Vec<DispatchTime>, ExecutorError> {
        self.check_timestamps()?;
        self.run(&[(plan, 1)]).await?;
        self.finish().await?;
        let step = [(plan, self.timestamps(plan).await?)];
        let mut ticks = vec![0u64; plan.commands.len()];
        for _ in 0..steps.max(1) {
            let spans = self.measure(&step).await?;
            ticks
                .iter_mut()
                .zip(spans.into_iter().flatten())
                .for_each(|(total, [begin, end])| *total += end.saturating_sub(begin));
        }
        let period = f64::from(self.device.queue().get_timestamp_period()) / f64::from(steps.max(1));
        let time = |(command, ticks): (&Command, u64)| DispatchTime {
            label: command.label.clone(),
            nanoseconds: ticks as f64 * period,
            work: command.work,
        };
        Ok(plan.commands.iter().zip(ticks).map(time).collect())
    }

    /// Runs steps of plans, one plan after another, each dispatch in a pass of its own, all in one submission, and tells when
    /// each dispatch ran. Natively, the future ends only when somebody polls the device.
    ///
    /// # Errors
    /// As [`Executor::profile`].
    pub async fn timeline(&mut self, work: &[(&LoadedPlan, u32)]) -> Result<Vec<DispatchSpan>, ExecutorError> {
        self.check_timestamps()?;
        self.finish().await?;
        let mut steps: Vec<(&LoadedPlan, Timestamps)> = Vec::new();
        for plan in work.iter().flat_map(|&(plan, count)| std::iter::repeat_n(plan, count as usize)) {
            steps.push((plan, self.timestamps(plan).await?));
        }
        let spans = self.measure(&steps).await?;
        let period = f64::from(self.device.queue().get_timestamp_period()) * 1e-9;
        let first = spans.iter().flatten().map(|[begin, _]| *begin).min().unwrap_or_default();
        let time = |ticks: u64| Duration::from_secs_f64(ticks as f64 * period);
        let dispatches = (0..).zip(steps.iter().zip(&spans)).flat_map(|(step, ((plan, _), spans))| {
            plan.commands.iter().zip(spans).map(move |(command, [begin, end])| DispatchSpan {
                label: command.label.clone(),
                step,
                begin: time(begin - first),
                took: time(end.saturating_sub(*begin)),
                work: command.work,
            })
        });
        Ok(dispatches.collect())
    }

    fn check_timestamps(&self) -> Result<(), ExecutorError> {
        match self.device.wgpu().features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            true => Ok(()),
            false => Err(ExecutorError::NoTimestamps { adapter: self.device.info().clone() }),
        }
    }

    async fn timestamps(&self, plan: &LoadedPlan) -> Result<Timestamps, ExecutorError> {
        let label = format!("{} timestamps", plan.name);
        let create = || {
            let query_set = |commands: &[Command]| {
                self.device.wgpu().create_query_set(&wgpu::QuerySetDescriptor {
                    label: Some(&label),
                    ty: wgpu::QueryType::Timestamp,
                    count: 2 * commands.len() as u32,
                })
            };
            plan.commands.chunks(DISPATCHES).map(query_set).collect()
        };
        let queries = self.device.catch(create, ExecutorError::during(&*label)).await?;
        let usage = BufferUsages::QUERY_RESOLVE.union(BufferUsages::COPY_SRC);
        let bytes = (plan.commands.len().max(1) * SPAN_BYTES) as u64;
        Ok(Timestamps { queries, resolved: buffers::allocate(&self.device, &label, bytes, usage).await? })
    }

    /// Runs steps in one submission; the ticks at which each dispatch of each of them began and ended.
    async fn measure(&self, steps: &[(&LoadedPlan, Timestamps)]) -> Result<Vec<Vec<[u64; 2]>>, ExecutorError> {
        let device = &self.device;
        let submit = || {
            let mut encoder = device.wgpu().create_command_encoder(&Default::default());
            steps.iter().for_each(|(plan, timestamps)| timestamps.record(plan, &mut encoder));
            device.queue().submit([encoder.finish()]);
        };
        device.catch(submit, ExecutorError::during("profiling")).await?;
        self.counters.submissions.fetch_add(1, Ordering::Relaxed);
        let mut spans = Vec::with_capacity(steps.len());
        for (plan, timestamps) in steps {
            let bytes = (plan.commands.len() * SPAN_BYTES) as u64;
            let bytes = self.read_bytes("timestamps", &timestamps.resolved, 0..bytes).await?;
            spans.push(bytemuck::pod_collect_to_vec(&bytes));
        }
        Ok(spans)
    }
}

impl Timestamps {
    fn record(&self, plan: &LoadedPlan, encoder: &mut wgpu::CommandEncoder) {
        for (set, (queries, commands)) in self.queries.iter().zip(plan.commands.chunks(DISPATCHES)).enumerate() {
            for (begin, command) in (0..).step_by(2).zip(commands) {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                    label: Some(&command.label),
                    timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                        query_set: queries,
                        beginning_of_pass_write_index: Some(begin),
                        end_of_pass_write_index: Some(begin + 1),
                    }),
                });
                command.dispatch(&mut pass);
            }
            let offset = (set * DISPATCHES * SPAN_BYTES) as u64;
            encoder.resolve_query_set(queries, 0..queries.count(), &self.resolved, offset);
        }
    }
}
