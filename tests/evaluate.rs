//! Graphs that are evaluated where they are asked, and layers in programs that are trained by hand, on the CPU.

use wgrad::core::TensorType;
use wgrad::prelude::*;

#[test]
fn variables_are_what_they_were_computed_from() -> Result<(), Error> {
    let graph = Trace::on(&Device::cpu());
    let x = graph.constant([1.0, 2.0, 3.0]);
    let y = 2.0 * &x;
    let [twice, same, gradient] = graph.evaluate([&y, &x, &y.square().sum().gradient(&x)])?;
    assert_eq!([twice, same, gradient], [[2.0, 4.0, 6.0].into(), [1.0, 2.0, 3.0].into(), [8.0, 16.0, 24.0].into()]);
    // What was evaluated can be computed with as before.
    assert_eq!((&y + &x).sum().item()?, 18.0);
    assert_eq!(y.item().unwrap_err().to_string(), "tensor: wanted a single element, got f32[3]");
    Ok(())
}

#[test]
fn a_layer_has_the_weights_that_it_starts_with() -> Result<(), Error> {
    let graph = Trace::on(&Device::cpu());
    let x = graph.constant([[1.0, -2.0, 0.5]]);
    let output = x.layer("linear", &Linear::new(3, 4))?.evaluate()?;
    let mut trainer = Trainer::new(&Device::cpu(), Linear::new(3, 4), MSELoss, SGD::new(0.1), Options::default())?;
    assert_eq!(output, trainer.predict(Tensor::from([[1.0, -2.0, 0.5]]))?);
    Ok(())
}

#[test]
fn what_belongs_to_a_program_is_an_error() {
    let graph = Trace::on(&Device::cpu());
    let error = |var: Var| var.evaluate().unwrap_err().to_string();
    assert_eq!(error(graph.state("w", 1.0)), "state w: wanted a program of a Session, got a graph made by Trace::on");
    let input = graph.input("x", TensorType::f32([2]));
    assert_eq!(error(input), "input x: wanted a program of a Session, got a graph made by Trace::on");
    assert!(error(graph.scalar(1.0) + Trace::on(&Device::cpu()).scalar(1.0)).contains("another graph"));
    assert!(error(graph.constant([1.0, 2.0]).matmul(&graph.constant([1.0, 2.0, 3.0]))).starts_with("matmul"));
    // A mistake is told once; what depends on it stays without a value, and the graph goes on.
    let broken = graph.constant([1.0, 2.0]) + graph.constant([1.0, 2.0, 3.0]);
    assert!(graph.scalar(1.0).item().is_err());
    assert!(error(broken).contains("without"));
    assert_eq!(graph.scalar(1.0).item().unwrap(), 1.0);

    let in_a_program = Session::new(&Device::cpu()).compile("program", |graph| {
        graph.scalar(1.0).item()?;
        Ok([])
    });
    assert_eq!(in_a_program.unwrap_err().to_string(), "evaluation: wanted a graph made by Trace::on, got one of a program");
}

/// A network, its loss and SGD, once as a program and once by the trainer.
#[test]
fn a_program_that_changes_the_parameters_of_layers_is_training() -> Result<(), Error> {
    let (inputs, targets) = ([[1.0, 2.0], [-0.5, 0.25], [0.75, -1.5]], [[1.0], [0.0], [-1.0]]);
    let model = || Sequential::new().add(Linear::new(2, 5)).add(Tanh).add(Linear::new(5, 1));

    let mut session = Session::new(&Device::cpu()).seed(3);
    let step = session.compile("step", |graph| {
        let output = model().forward(&graph.constant(inputs))?;
        let loss = (output - graph.constant(targets)).square().mean();
        for (_, parameter) in graph.parameters() {
            parameter.set(&(&parameter - 0.1 * loss.gradient(&parameter)));
        }
        Ok([loss])
    })?;
    let options = Options { seed: 3, ..Options::default() };
    let mut trainer = Trainer::new(&Device::cpu(), model(), MSELoss, SGD::new(0.1), options)?;
    let batch = Dataset::new(inputs, targets)?;
    for _ in 0..20 {
        session.run(&step, 1)?;
        let [loss] = session.outputs(&step)?;
        assert!((loss.item()? - trainer.step(&batch)?).abs() < 1e-6);
    }
    for (name, trained) in trainer.parameters()? {
        let by_hand = session.read(&name)?;
        assert_eq!(by_hand.shape(), trained.shape(), "{name}");
        let differences = by_hand.to_vec().into_iter().zip(trained.to_vec()).map(|(by_hand, trained)| (by_hand - trained).abs());
        assert!(differences.fold(0.0, f32::max) < 1e-6, "{name}");
    }
    Ok(())
}

#[test]
fn a_program_of_another_session_is_an_error() -> Result<(), Error> {
    let [mut session, mut other] = [(); 2].map(|()| Session::new(&Device::cpu()));
    let [program, second] = [1.0, 2.0].map(|value| session.compile("one", |graph| Ok([graph.scalar(value)])).unwrap());
    other.compile("two", |graph| Ok([graph.scalar(3.0)]))?;
    session.run(&program, 1)?;
    assert_eq!(session.outputs(&program)?[0].item()?, 1.0);
    session.run(&second, 1)?;
    let error = session.outputs(&program).unwrap_err().to_string();
    assert_eq!(error, "outputs: wanted those of the program that ran last, got those of another");
    for error in [other.run(&program, 1).unwrap_err(), other.outputs(&program).unwrap_err()] {
        assert_eq!(error.to_string(), "program: wanted one of this session, got one of another");
    }
    Ok(())
}

#[test]
fn a_state_is_no_input_and_is_the_same_wherever_it_is_asked_for() -> Result<(), Error> {
    let mut session = Session::new(&Device::cpu());
    let program = session.compile("program", |graph| {
        let w = graph.state("w", 2.0);
        Ok([w + graph.state("w", 2.0) + graph.input("x", TensorType::f32([]))])
    })?;
    let error = session.run(&program, 1).unwrap_err().to_string();
    assert_eq!(error, "input x: wanted a value, by Session::write, got none");
    session.write("x", 5.0)?;
    for name in ["w", "y"] {
        let error = session.write(name, 1.0).unwrap_err().to_string();
        assert_eq!(error, format!("input: wanted one that a program reads, got {name}"));
    }
    session.run(&program, 1)?;
    assert_eq!(session.outputs(&program)?[0].item()?, 9.0);
    let two = session.compile("two", |graph| Ok([graph.state("v", 1.0), graph.state("v", [1.0, 2.0])]));
    assert_eq!(two.unwrap_err().to_string(), "state v: wanted f32[], got f32[2]");
    Ok(())
}

/// What is differentiated twice is an error, not zero; what a gradient is computed with goes on.
#[test]
fn a_gradient_has_no_gradient_of_its_own() -> Result<(), Error> {
    let graph = Trace::on(&Device::cpu());
    let x = graph.scalar(0.5);
    let functions: [fn(&Var) -> Var; 5] = [Var::tanh, Var::sigmoid, Var::gelu, Var::exp, |x| x.square() * x];
    for (index, function) in functions.into_iter().enumerate() {
        let twice = function(&x).gradient(&x).gradient(&x).item();
        let error = twice.unwrap_err().to_string();
        assert!(!error.starts_with(' '), "{index}: {error:?}");
        assert!(error.contains("_gradient has no gradient: wanted an operation that can be differentiated"), "{index}: {error}");
    }
    // Comparisons have a derivative, which is 0, and products of variables one without gradient operations.
    assert_eq!((x.step() + x.greater(&graph.scalar(0.0))).gradient(&x).item()?, 0.0);
    assert_eq!((&x * &x * &x).gradient(&x).gradient(&x).item()?, 3.0);
    assert!(graph.scalar(f32::NAN).gelu().item()?.is_nan());
    Ok(())
}
