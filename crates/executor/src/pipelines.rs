//! Compiled kernels, each once for all plans of a device that are loaded one after another.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use wgpu::{BindGroupLayout, BindGroupLayoutEntry, BindingType, BufferBindingType, ComputePipeline, ShaderModule};
use wgrad_core::plan::Shader;

use crate::device::Device;
use crate::error::ExecutorError;
use crate::faults::lock;

/// Whether kernels are guarded while they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checks {
    /// Accesses out of bounds and endless loops are made harmless, at up to a hundred times the cost: for a user's own
    /// WGSL and for tests.
    Checked,
    /// Nothing is guarded: for kernels that are known to stay in bounds, to end, never to divide integers by zero,
    /// and to write workgroup memory before they read it.
    Unchecked,
    /// As [`Checks::Unchecked`], but every buffer lies between guard words, for [`Executor::check_guards`] to find what
    /// was written outside of it, and begins as NaN, so that whoever reads what nobody has written shows it: for tests.
    /// Inputs have to be written before they are read, and buffers may be no larger than 256 bytes less than the
    /// device binds.
    ///
    /// [`Executor::check_guards`]: crate::Executor::check_guards
    Guarded,
}

/// A kernel that is ready to be dispatched.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    pub(crate) pipeline: ComputePipeline,
    pub(crate) layout: BindGroupLayout,
}

/// How many pipelines are kept for plans to come: those of several networks. Each takes a megabyte or more on a software
/// adapter, so that an application which makes one network after another would run out of memory. Plans keep their own.
const MOST: usize = 256;

/// A device's pipelines by what they were made from, those that plans have asked for last.
pub(crate) type PipelineCache = Arc<Mutex<Recent<(Arc<Shader>, Checks), Pipeline, MOST>>>;

/// At most so many values by key. What was asked for longest ago makes room for what is new.
#[derive(Debug)]
pub(crate) struct Recent<K, V, const MOST: usize> {
    /// Each with the number of the call that asked for it last.
    values: HashMap<K, (V, u64)>,
    calls: u64,
}

impl<K, V, const MOST: usize> Default for Recent<K, V, MOST> {
    fn default() -> Self {
        Self { values: HashMap::new(), calls: 0 }
    }
}

impl<K: Clone + Eq + Hash, V: Clone, const MOST: usize> Recent<K, V, MOST> {
    fn get(&mut self, key: &K) -> Option<V> {
        self.calls += 1;
        let (value, asked) = self.values.get_mut(key)?;
        *asked = self.calls;
        Some(value.clone())
    }

    fn insert(&mut self, key: K, value: V) {
        self.calls += 1;
        if self.values.len() >= MOST {
            let oldest = self.values.iter().min_by_key(|(_, (_, asked))| *asked).map(|(key, _)| key.clone());
            oldest.map(|key| self.values.remove(&key));
        }
        self.values.insert(key, (value, self.calls));
    }
}

/// The kernel's pipeline, made now unless the device has it.
///
/// # Errors
/// Where the WGSL is invalid, or differs from the shader's entry point or bindings.
pub(crate) async fn pipeline(device: &Device, shader: &Arc<Shader>, checks: Checks) -> Result<Pipeline, ExecutorError> {
    let checks = if checks == Checks::Guarded { Checks::Unchecked } else { checks };
    let key = (shader.clone(), checks);
    if let Some(known) = lock(&device.pipelines).get(&key) {
        return Ok(known);
    }
    let failed = |message| ExecutorError::Shader { label: shader.label.clone(), message };
    let pipeline = device.catch(|| create(device.wgpu(), shader, checks), failed).await?;
    lock(&device.pipelines).insert(key, pipeline.clone());
    Ok(pipeline)
}

fn create(device: &wgpu::Device, shader: &Shader, checks: Checks) -> Pipeline {
    let label = Some(shader.label.as_str());
    let layout = bind_group_layout(device, shader);
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label,
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label,
        layout: Some(&pipeline_layout),
        module: &shader_module(device, shader, checks),
        entry_point: Some(&shader.entry),
        compilation_options: wgpu::PipelineCompilationOptions {
            zero_initialize_workgroup_memory: checks == Checks::Checked,
            ..Default::default()
        },
        cache: None,
    });
    Pipeline { pipeline, layout }
}

/// The dims at binding 0, then the storage.
fn bind_group_layout(device: &wgpu::Device, shader: &Shader) -> BindGroupLayout {
    let storage = shader.writes.iter().map(|writes| BufferBindingType::Storage { read_only: !writes });
    let types = std::iter::once(BufferBindingType::Uniform).chain(storage);
    let entries: Vec<BindGroupLayoutEntry> = (0..)
        .zip(types)
        .map(|(binding, ty)| BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        })
        .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(&shader.label), entries: &entries })
}

fn shader_module(device: &wgpu::Device, shader: &Shader, checks: Checks) -> ShaderModule {
    let descriptor = wgpu::ShaderModuleDescriptor {
        label: Some(&shader.label),
        source: wgpu::ShaderSource::Wgsl(shader.source.as_str().into()),
    };
    match checks {
        Checks::Checked => device.create_shader_module(descriptor),
        Checks::Unchecked | Checks::Guarded => create_unchecked(device, descriptor),
    }
}

#[allow(unsafe_code)]
fn create_unchecked(device: &wgpu::Device, descriptor: wgpu::ShaderModuleDescriptor) -> ShaderModule {
    // SAFETY: whoever asks for `Checks::Unchecked` answers for the kernels: they stay in bounds, their loops end and
    // their divisors are not zero. wgrad's own are tested with and without checks, between guard words.
    unsafe { device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_longest_ago_makes_room() {
        let mut recent = Recent::<u32, char, 3>::default();
        [(1, 'a'), (2, 'b'), (3, 'c')].into_iter().for_each(|(key, value)| recent.insert(key, value));
        assert_eq!(recent.get(&1), Some('a'));
        recent.insert(4, 'd');
        assert_eq!([1, 2, 3, 4].map(|key| recent.get(&key)), [Some('a'), None, Some('c'), Some('d')]);
        recent.insert(2, 'e');
        assert_eq!([1, 2, 3, 4].map(|key| recent.get(&key)), [None, Some('e'), Some('c'), Some('d')]);
    }
}
