//! Data sets on the host: what is made of them, and what is said to those that do not fit.

use wgrad::core::{DType, TensorType};
use wgrad::data::{self, RegressionTable, Standardization, Table, marker_order, moons, read_rows};
use wgrad::prelude::*;

/// Examples 0 to `count` - 1, of two features each, with the label `index % 3`.
fn counted(count: usize) -> Dataset {
    let inputs = (0..2 * count).map(|index| index as f32).collect();
    let labels: Vec<u32> = (0..count as u32).map(|index| index % 3).collect();
    Dataset::new(Tensor::f32([count, 2], inputs).unwrap(), labels).unwrap()
}

/// Which of [`counted`]'s examples these are.
fn indices(data: &Dataset) -> Vec<usize> {
    data.inputs().tensor().to_vec().chunks(2).map(|row| row[0] as usize / 2).collect()
}

/// That labels have stayed with their inputs.
fn assert_labels_fit(data: &Dataset) {
    let wanted: Vec<f32> = indices(data).iter().map(|index| (index % 3) as f32).collect();
    assert_eq!(data.targets().to_vec(), wanted);
}

fn error<T>(result: Result<T, Error>) -> String {
    result.err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn a_split_takes_each_example_once() {
    for (count, share, wanted) in [(150, 0.2, 30), (7, 0.3, 3), (2, 0.5, 1), (10, 1e-9, 1)] {
        let (train, test) = counted(count).split(share, 42).unwrap();
        assert_eq!(test.len(), wanted);
        [&train, &test].into_iter().for_each(assert_labels_fit);
        let mut all = [indices(&train), indices(&test)].concat();
        all.sort_unstable();
        assert_eq!(all, (0..count).collect::<Vec<_>>());
    }
    let test = |seed| indices(&counted(150).split(0.2, seed).unwrap().1);
    assert_eq!(test(1), test(1));
    assert_ne!(test(1), test(2));
    assert!(!test(1).is_sorted());
}

/// Prices that are a line of two features are learned from a file.
#[test]
fn a_table_of_numbers_is_learned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("houses.csv");
    let line = |index: u32| {
        let (area, rooms) = (40 + 7 * index % 90, 1 + index % 5);
        format!("{area},{},{rooms}\n", 2 * area + 30 * rooms)
    };
    std::fs::write(&path, format!("area,price,rooms\n{}", (0..60).map(line).collect::<String>())).unwrap();
    let houses = Dataset::from(RegressionTable::read(&path, &["price"]).unwrap());
    let houses = Standardization::fit(&houses).unwrap().apply(&houses).unwrap();
    assert_eq!((houses.inputs().tensor().shape().dims(), houses.targets().shape().dims()), (&[60, 2][..], &[60, 1][..]));
    let options = Options { batch_size: 20, ..Options::default() };
    let mut trainer = Trainer::new(&Device::cpu(), Linear::new(2, 1), MSELoss, SGD::new(0.1), options).unwrap();
    let before = trainer.evaluate(&houses).unwrap().loss;
    trainer.fit(&houses, 60, None, |_| Control::Continue).unwrap();
    let after = trainer.evaluate(&houses).unwrap().loss;
    assert!(before > 1e4 && after < 1e-3, "{before} and {after}");
}

#[test]
fn shares_without_examples_to_test_or_train_with_are_refused() {
    for share in [0.0, -0.1, 0.91, 1.0, f64::NAN, f64::INFINITY] {
        let wanted = "share of examples to test with: wanted above 0, and low enough to leave one of 10 to train with, got ";
        assert_eq!(error(counted(10).split(share, 0)), format!("{wanted}{share}"));
    }
    assert!(counted(1).split(0.5, 0).is_err());
}

#[test]
fn rows_can_be_named() {
    let (train, test) = counted(6).split_rows(&[4, 1]).unwrap();
    assert_eq!((indices(&train), indices(&test)), (vec![0, 2, 3, 5], vec![4, 1]));
    [&train, &test].into_iter().for_each(assert_labels_fit);
    assert_eq!(error(counted(6).split_rows(&[6])), "row: wanted an index below 6, got 6");
    assert_eq!(error(counted(6).split_rows(&[1, 2, 1])), "rows to test with: wanted each once, got 1 twice");
    assert_eq!(error(counted(2).split_rows(&[1, 0])), "rows to test with: wanted fewer than all 2, got 2");
    assert_eq!(error(counted(2).split_rows(&[])), "examples: wanted one at least, got 0");
}

#[test]
fn the_first_examples_can_be_taken() {
    assert_eq!(indices(&counted(5).take(2).unwrap()), [0, 1]);
    assert_eq!(counted(5).take(9).unwrap(), counted(5));
    assert_eq!(error(counted(5).take(0)), "examples: wanted one at least, got 0");
}

#[test]
fn other_shapes_need_as_many_elements() {
    let images = counted(3).reshaped(&[1, 2, 1]).unwrap();
    assert_eq!(images.inputs().tensor().kind(), TensorType::f32([3, 1, 2, 1]));
    assert_eq!(images.inputs().tensor().to_vec(), counted(3).inputs().tensor().to_vec());
    let odd = error(counted(3).reshaped(&[3]));
    assert_eq!(odd, "a tensor of shape [3, 3]: wanted 9 elements, got 6 elements");
    let huge = error(counted(3).reshaped(&[usize::MAX]));
    assert!(huge.ends_with("wanted more elements than can be counted, got 6 elements"), "{huge}");
}

#[test]
fn labels_become_floats() {
    let labels = |labels: [u32; 3]| Dataset::new([[0.0], [1.0], [2.0]], labels).unwrap();
    let binary = labels([1, 0, 1]).with_binary_targets().unwrap();
    assert_eq!(*binary.targets(), Tensor::from([[1.0], [0.0], [1.0]]));
    let bytes = Dataset::new([[0.0], [1.0]], Tensor::u8([2], vec![0, 2]).unwrap()).unwrap();
    assert_eq!(*bytes.with_one_hot_targets(3).unwrap().targets(), Tensor::from([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]));
    let beyond = "label 1 (counted from 0): wanted a class below 2, got 2";
    assert_eq!(error(labels([1, 2, 0]).with_binary_targets()), beyond);
    assert_eq!(error(labels([1, 2, 0]).with_one_hot_targets(2)), beyond);
    let many = "rows of 18446744073709551615 classes for 3 labels: wanted 4294967295 elements at most, got more";
    assert_eq!(error(labels([1, 2, 0]).with_one_hot_targets(usize::MAX)), many);
    assert_eq!(error(binary.with_one_hot_targets(2)), "targets: wanted labels, u32[n] or u8[n], got f32[3, 1]");
}

#[test]
fn features_are_standardized_by_the_examples_to_train_with() {
    let train = Dataset::new([[1.0, 7.0, 0.1], [2.0, 7.0, 0.1], [6.0, 7.0, 0.1]], [0, 1, 2]).unwrap();
    let scale = Standardization::fit(&train).unwrap();
    let deviation = (14.0_f64 / 3.0).sqrt();
    assert_eq!(scale.means()[..2], [3.0, 7.0]);
    assert_eq!(scale.deviations(), [deviation, 1.0, 1.0]);
    let scaled = scale.apply(&train).unwrap();
    let wanted = [-2.0, -1.0, 3.0].map(|value: f64| [(value / deviation) as f32, 0.0, 0.0]);
    assert_eq!(*scaled.inputs().tensor(), Tensor::from(wanted));
    assert_eq!(scaled.targets(), train.targets());
    let test = scale.apply(&Dataset::new([[3.0, 8.0, 0.1]], [0]).unwrap()).unwrap();
    assert_eq!(*test.inputs().tensor(), Tensor::from([[0.0, 1.0, 0.0]]));
    let other = error(scale.apply(&counted(2)));
    assert_eq!(other, "features to standardize: wanted 3, got 2");
    let far = Standardization::fit(&Dataset::new([[0.0], [1e-30]], [0, 0]).unwrap()).unwrap();
    assert!(error(far.apply(&Dataset::new([[1e30]], [0]).unwrap())).starts_with("inputs: row 0, column 0"));
}

#[test]
fn only_floats_are_standardized() {
    let bytes = Dataset::new(Tensor::u8([2, 1], vec![1, 2]).unwrap(), [0, 1]).unwrap();
    assert_eq!(error(Standardization::fit(&bytes)), "inputs to standardize: wanted floats, got u8[2, 1]");
    let normalized = counted(2).normalized(0.0, 2.0).unwrap();
    let wanted = "inputs to standardize: wanted no normalization, got normalized ones";
    assert_eq!(error(Standardization::fit(&normalized)), wanted);
}

/// With the means and deviations of scikit-learn's `StandardScaler`, and its first scaled row to test with.
#[test]
fn the_iris_data_are_split_as_scikit_learn_splits_them() {
    let iris = Table::read("data/iris.csv").unwrap();
    let (train, test) = Dataset::from(&iris).split_rows(&read_rows("data/iris_test_rows.txt").unwrap()).unwrap();
    assert_eq!((train.len(), test.len()), (120, 30));
    let scale = Standardization::fit(&train).unwrap();
    let wanted = [(5.8091667, 0.8203653), (3.0616667, 0.4472478), (3.7266667, 1.7450279), (1.1833333, 0.7491477)];
    for (column, (mean, deviation)) in wanted.into_iter().enumerate() {
        let got = (scale.means()[column], scale.deviations()[column]);
        assert!((got.0 - mean).abs() < 1e-6 && (got.1 - deviation).abs() < 1e-6, "column {column}: {got:?}");
    }
    let first = scale.apply(&test).unwrap().inputs().tensor().to_vec()[..4].to_vec();
    let wanted = [0.354517, -0.585060, 0.557775, 0.022248];
    assert!(first.iter().zip(wanted).all(|(got, wanted): (&f32, f32)| (got - wanted).abs() < 1e-5), "{first:?}");
}

#[test]
fn generated_data_become_data_sets() {
    let table = moons(20, 0.1, 3).unwrap();
    let points = Dataset::from(&table);
    assert_eq!(points.inputs().tensor().to_vec(), table.features());
    assert_eq!(points.targets().kind(), TensorType::u32([20]));
    let sequences = Dataset::from(marker_order(6, 10, 5, 1).unwrap());
    assert_eq!(sequences.inputs().tensor().kind(), TensorType::u32([6, 10]));
    let xor = data::xor();
    assert_eq!((xor.len(), xor.targets().to_vec()), (4, vec![0.0, 1.0, 1.0, 0.0]));
}

#[test]
fn tokens_are_neither_normalized_nor_targets() {
    let tokens = Dataset::new(Tensor::u32([2, 3], vec![0, 1, 2, 3, 4, 5]).unwrap(), [0, 1]).unwrap();
    assert_eq!(tokens.inputs().tensor().kind().dtype, DType::U32);
    let wanted = "inputs that are targets: wanted floats or bytes, got u32[2, 3]";
    assert_eq!(error(Dataset::autoencoder(tokens.inputs())), wanted);
    assert_eq!(error(tokens.normalized(0.0, 1.0)), "inputs to normalize: wanted floats or bytes, got u32[2, 3]");
}

#[test]
fn numbers_to_normalize_by_are_floats() {
    let normalized = |mean, deviation| error(counted(2).normalized(mean, deviation));
    assert!(normalized(0.0, 1e-300).starts_with("deviation: wanted a finite number above 0 whose inverse is an f32, got 0.0"));
    assert!(normalized(1e300, 1.0).starts_with("mean: wanted a finite number that is an f32 by the deviation, got 1000"));
    assert_eq!(normalized(1e300, 1e299), "");
}

#[test]
fn inputs_that_the_loss_does_not_take_as_targets_are_named() {
    let mut bytes = vec![255; 2 * 1500];
    bytes[2 * 1203 + 1] = 0;
    let images = Dataset::new(Tensor::u8([1500, 2], bytes).unwrap(), [0; 1500]).unwrap();
    let fit = |outputs: usize, data: &Dataset| {
        let model = Sequential::new().add(Linear::new(2, outputs)).add(Sigmoid);
        let mut trainer = Trainer::new(&Device::cpu(), model, BCELoss, SGD::new(0.1), Options::default()).unwrap();
        error(trainer.evaluate(data))
    };
    assert_eq!(fit(2, &Dataset::autoencoder(images.inputs()).unwrap()), "");
    let normalized = Dataset::autoencoder(images.normalized(0.5, 0.5).unwrap().inputs()).unwrap();
    let wanted = "targets, from example 1000 (counted from 0) on: \
        target of example 203 (counted from 0): wanted 0 to 1, got -1";
    assert_eq!(fit(2, &normalized), wanted);
    assert!(fit(3, &normalized).ends_with("targets: wanted f32[n, 3], as the model's outputs, got f32[1000, 2]"));
    assert_eq!(normalized.targets(), normalized.inputs().tensor());
    assert!(normalized.with_binary_targets().is_err());
}
