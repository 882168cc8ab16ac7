//! What a trainer has loaded, as text.

use wgrad_core::Graph;
use wgrad_core::plan::Plan;

use crate::trainer::Trainer;

impl Trainer {
    /// The plans that were loaded so far; none on the CPU.
    pub fn plans(&self) -> impl Iterator<Item = &Plan> {
        self.loaded.iter().filter_map(|loaded| self.backend.plan(loaded.program))
    }

    /// The graphs that were loaded so far, each with its name, such as `train 64` for steps on 64 examples.
    pub fn graphs(&self) -> impl Iterator<Item = (String, &Graph)> {
        self.loaded.iter().map(|loaded| (loaded.task.to_string(), loaded.graph.as_ref()))
    }

    /// The graphs and plans that were loaded so far, as tables: after [`Trainer::prepare`], those of training and
    /// evaluation. On the CPU there are only graphs.
    pub fn plan_text(&self) -> String {
        let texts = self.loaded.iter().map(|loaded| match self.backend.plan(loaded.program) {
            Some(plan) => format!("graph {}\n{}\n{plan}", loaded.task, loaded.graph),
            None => format!("graph {}\n{}", loaded.task, loaded.graph),
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    /// The WGSL of every dispatch that was loaded so far, each with a name for its file, such as
    /// `train_64_03_matmul_add_relu.wgsl`. On the CPU there are none.
    pub fn shaders(&self) -> Vec<(String, String)> {
        let shaders = self.plans().flat_map(|plan| {
            plan.dispatches.iter().enumerate().map(|(index, dispatch)| {
                let shader = &plan.shaders[dispatch.shader];
                let name = format!("{} {index:02} {}", plan.name, shader.label);
                (format!("{}.wgsl", file_stem(&name)), shader.source.clone())
            })
        });
        shaders.collect()
    }
}

fn file_stem(label: &str) -> String {
    label.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}
