//! What is asked of an adapter, and what its device then allows a plan.

use wgpu::{Features, Limits};
use wgrad_core::op::AdapterClass;
use wgrad_core::plan::Target;

/// WebGPU's default limits, with as much storage as the adapter has.
///
/// Where an adapter has less than a default, it is asked for what it has: most defaults are about drawing.
pub(crate) fn wanted(adapter: &Limits) -> Limits {
    Limits {
        max_buffer_size: adapter.max_buffer_size,
        max_storage_buffer_binding_size: adapter.max_storage_buffer_binding_size,
        max_storage_buffers_per_shader_stage: adapter.max_storage_buffers_per_shader_stage,
        ..Limits::default().or_worse_values_from(adapter)
    }
}

/// The features that are asked for where the adapter has them.
pub(crate) fn features() -> Features {
    Features::TIMESTAMP_QUERY
}

/// What a plan for a device with these limits may use.
pub(crate) fn target(class: AdapterClass, limits: &Limits) -> Target {
    let uniform = 1;
    Target {
        class,
        storage_buffers: limits
            .max_storage_buffers_per_shader_stage
            .min(limits.max_bindings_per_bind_group.saturating_sub(uniform)),
        binding_bytes: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        workgroups: limits.max_compute_workgroups_per_dimension,
        fuse: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_is_raised_and_all_else_stays_at_or_below_the_defaults() {
        let adapter = Limits {
            max_storage_buffers_per_shader_stage: 1_000_000,
            max_storage_buffer_binding_size: 4 << 30,
            max_buffer_size: 2 << 30,
            max_compute_workgroup_size_x: 1024,
            max_texture_dimension_3d: 512,
            ..Limits::default()
        };
        let wanted = wanted(&adapter);
        assert_eq!(wanted.max_compute_workgroup_size_x, 256);
        assert_eq!(wanted.max_texture_dimension_3d, 512);
        let target = target(AdapterClass::Gpu, &wanted);
        assert_eq!(target.storage_buffers, 999);
        assert_eq!(target.binding_bytes, 2 << 30);
        assert_eq!(target.workgroups, 65_535);
    }
}
