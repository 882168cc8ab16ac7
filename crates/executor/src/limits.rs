//! What is asked of an adapter, and what its device then allows a plan.

use wgpu::{Features, Limits};
use wgrad_core::op::AdapterClass;
use wgrad_core::plan::Target;

/// WebGPU's default limits, with as much storage as the adapter has. Of buffers there is a limit of those in storage, and
/// one of wgpu's own of all together.
///
/// Where an adapter has less than a default, it is asked for what it has: most defaults are about drawing.
pub(crate) fn wanted(adapter: &Limits) -> Limits {
    Limits {
        max_buffer_size: adapter.max_buffer_size,
        max_storage_buffer_binding_size: adapter.max_storage_buffer_binding_size,
        max_storage_buffers_per_shader_stage: adapter.max_storage_buffers_per_shader_stage,
        max_buffers_and_acceleration_structures_per_shader_stage: adapter
            .max_buffers_and_acceleration_structures_per_shader_stage,
        ..Limits::default().or_worse_values_from(adapter)
    }
}

/// The features that are asked for where the adapter has them.
pub(crate) fn features() -> Features {
    Features::TIMESTAMP_QUERY
}

/// What kernels rely on, which WebGPU's defaults give.
fn needed() -> Limits {
    let defaults = Limits::default();
    Limits {
        max_uniform_buffers_per_shader_stage: 1,
        // No kernel has more dims than fit into so many bytes.
        max_uniform_buffer_binding_size: 1 << 10,
        // What a training has whatever its model: the rows of its schedules.
        max_storage_buffer_binding_size: 1 << 14,
        max_bind_groups: 1,
        max_bindings_per_bind_group: 1 + defaults.max_storage_buffers_per_shader_stage,
        ..defaults
    }
}

/// The limits that kernels rely on.
fn relevant(limits: &Limits) -> [(&'static str, u64); 11] {
    [
        ("max_storage_buffers_per_shader_stage", limits.max_storage_buffers_per_shader_stage.into()),
        ("max_uniform_buffers_per_shader_stage", limits.max_uniform_buffers_per_shader_stage.into()),
        ("max_uniform_buffer_binding_size", limits.max_uniform_buffer_binding_size),
        ("max_storage_buffer_binding_size", limits.max_storage_buffer_binding_size),
        ("max_bind_groups", limits.max_bind_groups.into()),
        ("max_bindings_per_bind_group", limits.max_bindings_per_bind_group.into()),
        ("max_compute_invocations_per_workgroup", limits.max_compute_invocations_per_workgroup.into()),
        ("max_compute_workgroup_size_x", limits.max_compute_workgroup_size_x.into()),
        ("max_compute_workgroup_size_y", limits.max_compute_workgroup_size_y.into()),
        ("max_compute_workgroup_storage_size", limits.max_compute_workgroup_storage_size.into()),
        ("max_compute_workgroups_per_dimension", limits.max_compute_workgroups_per_dimension.into()),
    ]
}

/// Those that are too low.
pub(crate) fn missing(got: &Limits) -> Vec<String> {
    let both = relevant(&needed()).into_iter().zip(relevant(got));
    let too_low = both.filter(|((_, needed), (_, got))| got < needed);
    too_low.map(|((name, needed), (_, got))| format!("{name} of {needed} (got {got})")).collect()
}

/// What a plan for a device with these limits may use.
pub(crate) fn target(class: AdapterClass, limits: &Limits) -> Target {
    let uniform = 1;
    let bindings = limits.max_bindings_per_bind_group.min(limits.max_buffers_and_acceleration_structures_per_shader_stage);
    Target {
        class,
        cooperative: None,
        storage_buffers: limits.max_storage_buffers_per_shader_stage.min(bindings.saturating_sub(uniform)),
        binding_bytes: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        workgroups: limits.max_compute_workgroups_per_dimension,
        fuse: true,
        choices: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_is_raised_and_all_else_stays_at_or_below_the_defaults() {
        let adapter = Limits {
            max_storage_buffers_per_shader_stage: 1_000_000,
            max_buffers_and_acceleration_structures_per_shader_stage: u32::MAX,
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

    /// What an application has raised the one limit of, but not the other.
    #[test]
    fn the_limit_of_all_buffers_leaves_room_for_the_uniform() {
        let lent = Limits { max_storage_buffers_per_shader_stage: 64, ..Limits::default() };
        assert_eq!(lent.max_buffers_and_acceleration_structures_per_shader_stage, 28);
        assert_eq!(target(AdapterClass::Gpu, &lent).storage_buffers, 27);
        let adapter = Limits { max_buffers_and_acceleration_structures_per_shader_stage: 65, ..lent };
        assert_eq!(target(AdapterClass::Gpu, &wanted(&adapter)).storage_buffers, 64);
    }

    #[test]
    fn all_limits_that_are_too_low_are_listed() {
        assert!(missing(&Limits::default()).is_empty());
        let low = Limits { max_bind_groups: 0, ..Limits::downlevel_webgl2_defaults() };
        let missing = missing(&low);
        assert!(missing.contains(&"max_storage_buffers_per_shader_stage of 8 (got 0)".to_owned()), "{missing:?}");
        assert!(missing.contains(&"max_bind_groups of 1 (got 0)".to_owned()), "{missing:?}");
        assert_eq!(missing.len(), 8, "{missing:?}");
    }
}
