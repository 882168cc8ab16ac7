//! From a plan to buffers, pipelines and bind groups.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use wgrad_core::HostTensor;
use wgrad_core::plan::{Buffer, BufferId, Dispatch, Plan, Role};

use crate::buffers::{self, Region, TENSOR};
use crate::error::ExecutorError;
use crate::executor::{Executor, Shared, Source};
use crate::guards::Guarded;
use crate::loaded::{Command, LoadedPlan, Output};
use crate::pack;
use crate::pipelines::{self, Checks, Pipeline};
use crate::uniforms::Uniforms;

/// What a plan brings along while it is being loaded.
struct Loading<'a> {
    executor: &'a Executor,
    plan: &'a Plan,
    /// Inputs and states that no earlier plan has. They become the executor's only when all else has worked.
    new: BTreeMap<String, Shared>,
    /// One for each of the plan's.
    regions: Vec<Region>,
    /// Those that are new and lie between guard words.
    guarded: Vec<Guarded>,
}

impl Executor {
    /// Makes all that the plan needs on the device, and runs nothing.
    ///
    /// Inputs and states that other plans have already loaded keep their values; new states get their initial ones,
    /// new inputs zeros.
    ///
    /// # Errors
    /// Where there is no room for a buffer, a kernel does not compile, a name is taken by something else, or the
    /// device would reject a dispatch. Nothing is kept then.
    pub async fn load(&mut self, plan: &Plan) -> Result<LoadedPlan, ExecutorError> {
        self.device.check()?;
        let mut loading = Loading { executor: self, plan, new: BTreeMap::new(), regions: Vec::new(), guarded: Vec::new() };
        for buffer in &plan.buffers {
            let region = loading.region(buffer).await?;
            loading.regions.push(region);
        }
        let loaded = LoadedPlan {
            name: plan.name.clone(),
            commands: loading.commands().await?,
            outputs: loading.outputs()?,
            pace: Arc::new(Mutex::default()),
            latency: Mutex::default(),
        };
        loading.rehearse(&loaded).await?;
        let Loading { new, guarded, .. } = loading;
        self.shared.extend(new);
        self.guarded.extend(guarded);
        Ok(loaded)
    }
}

impl Loading<'_> {
    async fn region(&mut self, buffer: &Buffer) -> Result<Region, ExecutorError> {
        match &buffer.role {
            Role::Input(name, kind) => self.shared(buffer, name, Source::Input(kind.clone()), None).await,
            Role::State(name, initial) => self.shared(buffer, name, Source::State(initial.kind()), Some(initial)).await,
            Role::Constant(tensor) => self.allocate(buffer, Some(tensor)).await,
            Role::Scratch | Role::Pack => self.allocate(buffer, None).await,
        }
    }

    async fn shared(
        &mut self,
        buffer: &Buffer,
        name: &str,
        source: Source,
        initial: Option<&HostTensor>,
    ) -> Result<Region, ExecutorError> {
        if let Some(known) = self.executor.shared.get(name).or_else(|| self.new.get(name)) {
            if known.source != source || known.region.bytes() != buffer.bytes {
                return Err(ExecutorError::Conflict {
                    name: name.to_owned(),
                    known: describe(&known.source, known.region.bytes()),
                    plan: self.plan.name.clone(),
                    got: describe(&source, buffer.bytes),
                });
            }
            return Ok(known.region.clone());
        }
        let created = self.allocate(buffer, initial).await?;
        self.new.insert(name.to_owned(), Shared { region: created.clone(), source });
        Ok(created)
    }

    async fn allocate(&mut self, buffer: &Buffer, tensor: Option<&HostTensor>) -> Result<Region, ExecutorError> {
        let device = &self.executor.device;
        let region = match self.executor.checks {
            Checks::Checked | Checks::Unchecked => {
                let created = buffers::allocate(device, &buffer.label, buffer.bytes, TENSOR).await?;
                Region { buffer: created, guard: 0 }
            }
            Checks::Guarded => {
                let known = self.executor.guarded.len() + self.guarded.len();
                let guarded = Guarded::allocate(device, buffer, known as u32).await?;
                let region = guarded.region.clone();
                self.guarded.push(guarded);
                region
            }
        };
        if let Some(tensor) = tensor {
            region.write(device, &buffer.label, &pack::pack(&buffer.label, tensor)?)?;
        }
        Ok(region)
    }

    async fn commands(&self) -> Result<Vec<Command>, ExecutorError> {
        let (device, checks) = (&self.executor.device, self.executor.checks);
        let mut pipelines = Vec::with_capacity(self.plan.shaders.len());
        for shader in &self.plan.shaders {
            pipelines.push(pipelines::pipeline(device, shader, checks).await?);
        }
        let uniforms = Uniforms::create(device, self.plan).await?;
        let mut commands = Vec::with_capacity(self.plan.dispatches.len());
        for (index, dispatch) in self.plan.dispatches.iter().enumerate() {
            let pipeline = pipelines.get(dispatch.shader).ok_or_else(|| {
                let (wanted, count) = (dispatch.shader, pipelines.len());
                self.invalid(format!("{}: shader {wanted} of {count}", dispatch.label))
            })?;
            let dims = uniforms.binding(index, dispatch);
            commands.push(self.command(dispatch, pipeline, dims).await?);
        }
        Ok(commands)
    }

    async fn command(
        &self,
        dispatch: &Dispatch,
        pipeline: &Pipeline,
        dims: wgpu::BufferBinding<'_>,
    ) -> Result<Command, ExecutorError> {
        let mut entries = vec![wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(dims) }];
        for (binding, storage) in (1..).zip(&dispatch.bindings) {
            let region = self.resolve(storage.buffer, &dispatch.label)?;
            entries.push(wgpu::BindGroupEntry { binding, resource: region.binding() });
        }
        let descriptor = wgpu::BindGroupDescriptor { label: Some(&dispatch.label), layout: &pipeline.layout, entries: &entries };
        let device = &self.executor.device;
        let bind_group = device.catch(|| device.wgpu().create_bind_group(&descriptor), |message| self.invalid(message));
        Ok(Command {
            label: dispatch.label.clone(),
            pipeline: pipeline.pipeline.clone(),
            bind_group: bind_group.await?,
            workgroups: dispatch.workgroups,
            work: dispatch.work,
        })
    }

    fn outputs(&self) -> Result<BTreeMap<String, Output>, ExecutorError> {
        let mut outputs = BTreeMap::new();
        for (name, location) in &self.plan.outputs {
            let region = self.resolve(location.buffer, name)?.clone();
            let (range, _) = pack::copied_range(&location.kind, location.offset);
            if range.end > region.bytes() {
                let (kind, size, offset) = (&location.kind, region.bytes(), location.offset);
                return Err(self.invalid(format!("output {name}: {kind} at {offset} in a buffer of {size} bytes")));
            }
            outputs.insert(name.clone(), Output { region, offset: location.offset, kind: location.kind.clone() });
        }
        Ok(outputs)
    }

    /// Records a step and throws it away, so that all that a device finds wrong with a dispatch is found now and not
    /// in an encoder that somebody else may have lent.
    async fn rehearse(&self, loaded: &LoadedPlan) -> Result<(), ExecutorError> {
        let device = &self.executor.device;
        let rehearse = || {
            let mut encoder = device.wgpu().create_command_encoder(&Default::default());
            loaded.record(&mut encoder, 1);
            drop(encoder.finish());
        };
        device.catch(rehearse, |message| self.invalid(message)).await
    }

    fn resolve(&self, id: BufferId, user: &str) -> Result<&Region, ExecutorError> {
        let count = self.regions.len();
        self.regions.get(id.0 as usize).ok_or_else(|| self.invalid(format!("{user}: buffer {} of {count}", id.0)))
    }

    fn invalid(&self, message: String) -> ExecutorError {
        ExecutorError::Plan { plan: self.plan.name.clone(), message }
    }
}

fn describe(source: &Source, bytes: u64) -> String {
    match source {
        Source::Input(kind) => format!("an input {kind} of {bytes} bytes"),
        Source::State(kind) => format!("a state {kind} of {bytes} bytes"),
    }
}
