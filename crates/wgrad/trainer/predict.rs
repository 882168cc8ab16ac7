//! A model's outputs.

use crate::error::Error;
use crate::graphs::{Feed, Pick};
use crate::inputs::Inputs;
use crate::tensor::Tensor;
use crate::trainer::Trainer;
use crate::trainer::tasks::Task;

/// The examples that are predicted at once, at most.
const BATCH: usize = 1000;

impl Trainer {
    /// The model's outputs for `inputs`, in evaluation mode: one row for each example.
    ///
    /// # Errors
    /// Where there are no inputs, or they do not fit the model; on errors of the device.
    pub fn predict(&mut self, inputs: impl Into<Inputs>) -> Result<Tensor, Error> {
        let inputs = inputs.into();
        self.accept_inputs(&inputs)?;
        if inputs.rows() <= BATCH {
            return self.predict_batch(&inputs);
        }
        let indices: Vec<usize> = (0..inputs.rows()).collect();
        let batches = indices.chunks(BATCH).map(|indices| self.predict_batch(&inputs.pick(indices)));
        let outputs = batches.collect::<Result<Vec<_>, Error>>()?;
        let elements = outputs.iter().flat_map(Tensor::to_vec).collect();
        Tensor::f32([&[inputs.rows()], self.model()?.parameters.output.dims()].concat(), elements)
    }

    fn predict_batch(&mut self, inputs: &Inputs) -> Result<Tensor, Error> {
        let feed = Feed::of_inputs("predict", inputs, Pick::All);
        let loaded = self.load_task(Task::Predict(feed.clone()))?;
        self.write(&feed.inputs_name(), inputs.tensor().host())?;
        self.backend.run(&[(loaded.program, 1)])?;
        Ok(Tensor::from_host(self.backend.read_output(loaded.program, "output")?))
    }
}
