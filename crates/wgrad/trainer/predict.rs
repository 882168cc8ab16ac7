//! A model's outputs.

use crate::error::Error;
use crate::graphs::{Feed, Pick};
use crate::inputs::Inputs;
use crate::tensor::Tensor;
use crate::trainer::Trainer;
use crate::trainer::tasks::Task;

impl Trainer {
    /// The model's outputs for `inputs`, in evaluation mode: one row for each example.
    ///
    /// # Errors
    /// Where there are no inputs, or they do not fit the model; on errors of the device.
    pub fn predict(&mut self, inputs: impl Into<Inputs>) -> Result<Tensor, Error> {
        let inputs = inputs.into();
        self.accept_inputs(&inputs)?;
        let outputs = loop {
            match self.predict_batches(&inputs, self.largest_batch) {
                Err(error) if self.halves_batch(&error) => {}
                outputs => break outputs?,
            }
        };
        let [output] = &*outputs else {
            let elements = outputs.iter().flat_map(Tensor::to_vec).collect();
            return Tensor::f32([&[inputs.rows()], self.model()?.parameters.output.dims()].concat(), elements);
        };
        Ok(output.clone())
    }

    fn predict_batches(&mut self, inputs: &Inputs, batch: usize) -> Result<Vec<Tensor>, Error> {
        if inputs.rows() <= batch {
            return Ok(vec![self.predict_batch(inputs)?]);
        }
        let indices: Vec<usize> = (0..inputs.rows()).collect();
        indices.chunks(batch).map(|indices| self.predict_batch(&inputs.pick(indices))).collect()
    }

    fn predict_batch(&mut self, inputs: &Inputs) -> Result<Tensor, Error> {
        let feed = Feed::of_inputs("predict", inputs, Pick::All);
        let loaded = self.load_task(Task::Predict(feed.clone()))?;
        self.write(&feed.inputs_name(), inputs.tensor().host())?;
        self.backend.run(&[(loaded.program, 1)])?;
        Ok(Tensor::from_host(self.backend.read_output(loaded.program, "output")?))
    }
}
