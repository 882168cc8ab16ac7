//! Plans as tables.

use std::fmt;

use super::{Plan, Role};

impl fmt::Display for Plan {
    /// One line a dispatch: level, operations, workgroups, bindings, bytes and FLOPs; then the memory.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let width = self.dispatches.iter().map(|dispatch| dispatch.label.len()).max().unwrap_or(0).max(8);
        writeln!(formatter, "plan {}: {} dispatches on {} levels", self.name, self.dispatches.len(), self.levels())?;
        writeln!(
            formatter,
            "level  {:width$}  {:>14}  {:>8}  {:>10}  {:>8}",
            "dispatch", "workgroups", "bindings", "bytes", "MFLOP"
        )?;
        for dispatch in &self.dispatches {
            let [x, y, z] = dispatch.workgroups;
            writeln!(
                formatter,
                "{:>5}  {:width$}  {:>14}  {:>8}  {:>10}  {:>8.3}",
                dispatch.level,
                dispatch.label,
                format!("{x} x {y} x {z}"),
                dispatch.bindings.len(),
                dispatch.work.bytes,
                dispatch.work.flops as f64 / 1e6,
            )?;
        }
        let total = self.work();
        writeln!(
            formatter,
            "{:>5}  {:width$}  {:>14}  {:>8}  {:>10}  {:>8.3}",
            "",
            "total",
            "",
            "",
            total.bytes,
            total.flops as f64 / 1e6
        )?;
        writeln!(formatter, "buffer       bytes  role      holds")?;
        for (index, buffer) in self.buffers.iter().enumerate() {
            let role = match buffer.role {
                Role::Input(..) => "input",
                Role::State(..) => "state",
                Role::Constant(_) => "constant",
                Role::Scratch | Role::Pack => "scratch",
            };
            writeln!(formatter, "{index:>6}  {:>10}  {role:<8}  {}", buffer.bytes, buffer.label)?;
        }
        Ok(())
    }
}
