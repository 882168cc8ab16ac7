//! Windows as a view that any operation may read, not only the kernels of convolutions.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use wgrad::core::op::AdapterClass;
use wgrad::core::plan::{Target, plan};
use wgrad::core::{Array, Case, Graph, HostTensor, Lowering, Op, ShapeError, TensorType, Tolerance, View, WindowAxis, Windows};
use wgrad::executor::{Checks, Choice, Device, Executor};
use wgrad::ops;
use wgrad::reference::{Oracle, compare};

/// Images `[n, 5, 6, c]` as a matrix of their windows of 3 x 2 pixels.
#[derive(Debug)]
struct Unfold;

impl Unfold {
    fn windows() -> Windows {
        let y = WindowAxis { pixels: 5, windows: 3, taps: 3, start: -1, stride: 2, step: 1, spread: 1 };
        Windows { axes: [y, WindowAxis { pixels: 6, windows: 5, taps: 2, start: 0, stride: 1, ..y }] }
    }
}

impl Op for Unfold {
    fn name(&self) -> &'static str {
        "unfold"
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>, ShapeError> {
        match inputs[0].shape.dims() {
            &[images, 5, 6, channels] => Ok(vec![TensorType::f32(Self::windows().shape(images, channels))]),
            _ => Err(ShapeError::new("images f32[n, 5, 6, c]", inputs)),
        }
    }

    fn lowering(&self, _: &[TensorType]) -> Lowering {
        Lowering::View(vec![View::Windows(Self::windows())])
    }

    fn flops(&self, _: &[TensorType]) -> u64 {
        0
    }

    fn reference(&self, inputs: &[Array], outputs: &mut [Array]) {
        let (channels, columns) = (inputs[0].kind.shape.columns(), outputs[0].kind.shape.columns());
        for (index, element) in outputs[0].data.iter_mut().enumerate() {
            let from = Self::windows().element(channels, index / columns, index % columns);
            *element = from.map_or(0.0, |from| inputs[0].data[from]);
        }
    }

    fn cases(&self) -> Vec<Case> {
        Vec::new()
    }
}

fn images(channels: usize) -> HostTensor {
    let elements = 2 * 5 * 6 * channels;
    HostTensor::F32([2, 5, 6, channels].into(), (0..elements).map(|index| (index * 37 % 101) as f32 / 50.0 - 1.0).collect())
}

/// Windows that are stored, read by a pointwise operation, and by a product, of images as they are and of computed ones.
fn graph(channels: usize) -> Result<Graph> {
    let mut graph = Graph::new();
    let input = graph.state("images", images(channels))?;
    let half = graph.scalar(0.5);
    let shifted = ops::add(&mut graph, input, half)?;
    let unfold: Arc<dyn Op> = Arc::new(Unfold);
    for (name, images) in [("plain", input), ("computed", shifted)] {
        // The first is stored, since it is an output; readers of the second look through it.
        let [stored, read] = [(); 2].map(|()| graph.apply_shared(Arc::clone(&unfold), &[images]));
        let (stored, read) = (stored?[0], read?[0]);
        let active = ops::tanh(&mut graph, read)?;
        let product = ops::matmul(&mut graph, read, read, true, false)?;
        for (what, value) in [("windows", stored), ("active", active), ("product", product)] {
            graph.set_output(format!("{name} {what}"), value);
        }
    }
    Ok(graph)
}

#[test]
fn any_operation_may_read_windows() -> Result<()> {
    let device = Device::request_blocking(&Choice::Auto)?;
    for channels in [1, 3, 4] {
        let graph = graph(channels)?;
        let wanted = Oracle::new(&graph)?.step()?;
        for (class, fuse) in [(AdapterClass::Software, true), (AdapterClass::Gpu, true), (AdapterClass::Gpu, false)] {
            let plan = plan("windows", &graph, &Target { class, fuse, ..device.target() })?;
            plan.verify()?;
            let mut executor = Executor::new(device.clone(), Checks::Guarded);
            let loaded = executor.load_blocking(&plan)?;
            executor.run_blocking(&[(&loaded, 1)])?;
            executor.check_guards_blocking()?;
            for (name, wanted) in &wanted {
                let got = executor.read_output_blocking(&loaded, name)?;
                let tolerance = Tolerance { absolute: 1e-4, ..Tolerance::default() };
                compare(&got, wanted, tolerance).with_context(|| format!("{name}, {channels} channels, {class:?}, {fuse}"))?;
            }
            ensure!(wanted.len() == 6, "{} outputs", wanted.len());
        }
    }
    Ok(())
}
