//! Graphs whose variables are evaluated where they are asked for.

use wgrad_core::Value;
use wgrad_executor::Checks;

use crate::backend;
use crate::device::Device;
use crate::error::Error;
use crate::tensor::Tensor;
use crate::trace::{Origin, Registry, Trace};
use crate::var::Var;

impl Trace {
    /// A graph whose variables `device` computes where they are asked for, by [`Var::item`], [`Var::evaluate`] and
    /// [`Trace::evaluate`]. Layers have the weights that they start with. States and inputs belong to programs: see
    /// [`Session`](crate::Session).
    ///
    /// ```
    /// # use wgrad::prelude::*;
    /// let graph = Trace::on(&Device::cpu());
    /// let x = graph.scalar(3.0);
    /// let y = x.square() + 1.0;
    /// assert_eq!((y.item()?, y.gradient(&x).item()?), (10.0, 6.0));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn on(device: &Device) -> Self {
        let trace = Self::new(0, Registry::new(Origin::Drawn));
        trace.0.borrow_mut().device = Some(device.clone());
        trace
    }

    /// What variables of this graph are, computed together: cheaper than one by one where they share a computation. Each
    /// time all that they depend on is computed anew.
    ///
    /// ```
    /// # use wgrad::prelude::*;
    /// let graph = Trace::on(&Device::cpu());
    /// let x = graph.constant([4.0, 9.0]);
    /// let [square, root] = graph.evaluate([&x.square(), &x.sqrt()])?;
    /// assert_eq!((square, root), ([16.0, 81.0].into(), [2.0, 3.0].into()));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// What went wrong in the graph since it was evaluated last: shapes that do not go together, for example. Where the
    /// graph was not made by [`Trace::on`]; on errors of the device.
    pub fn evaluate<const N: usize>(&self, vars: [&Var; N]) -> Result<[Tensor; N], Error> {
        let device = self.0.borrow().device.clone();
        let device = device.ok_or_else(|| Error::mismatch("evaluation", "a graph made by Trace::on", "one of a program"))?;
        let values: Option<Vec<Value>> = vars.iter().map(|var| self.own(var)).collect();
        self.checked(Ok(()))?;
        let values =
            values.ok_or_else(|| Error::mismatch("evaluation", "a variable with a value", "one that an error left without"))?;
        let graph = self.as_graph().asked_for(&values);
        let mut backend = backend::new(&device, Checks::Unchecked, true);
        let program = backend::at_once(backend.load("evaluation", &graph))?;
        backend.run(&[(program, 1)])?;
        backend::outputs(&mut *backend, program)
    }

    /// Whether it was made by [`Trace::on`].
    pub(super) fn is_on_demand(&self) -> bool {
        self.0.borrow().device.is_some()
    }

    /// Fails where a graph is evaluated on demand, for what only programs have.
    pub(super) fn check_program(&self, what: &str, name: &str) -> Result<(), Error> {
        match self.is_on_demand() {
            true => Err(Error::mismatch(format!("{what} {name}"), "a program of a Session", "a graph made by Trace::on")),
            false => Ok(()),
        }
    }
}

impl Var {
    /// What it is, computed now: see [`Trace::evaluate`].
    ///
    /// # Errors
    /// As [`Trace::evaluate`].
    pub fn evaluate(&self) -> Result<Tensor, Error> {
        let [tensor] = self.trace().evaluate([self])?;
        Ok(tensor)
    }

    /// The number that it is, computed now: see [`Trace::evaluate`].
    ///
    /// # Errors
    /// As [`Trace::evaluate`], and where it has more than one element.
    pub fn item(&self) -> Result<f32, Error> {
        self.evaluate()?.item()
    }
}
