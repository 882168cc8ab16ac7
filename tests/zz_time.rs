use std::time::Instant;
use wgrad::prelude::*;
#[test]
fn time() {
    let t = Instant::now();
    let device = Device::choose("software").unwrap();
    println!("device {:?}", t.elapsed());
    let examples = Dataset::new([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [[0.0], [1.0], [1.0], [0.0]]).unwrap();
    let model = Sequential::new().add(Linear::new(2, 8)).add(Tanh).add(Linear::new(8, 1)).add(Sigmoid);
    let mut trainer = Trainer::new(&device, model, BceLoss, Adam::new(0.1), Options { batch_size: 4, seed: 1, ..Options::default() }).unwrap();
    let t = Instant::now();
    trainer.gradients(&examples).unwrap();
    println!("gradients {:?}", t.elapsed());
    let t = Instant::now();
    trainer.step(&examples).unwrap();
    println!("first step {:?}", t.elapsed());
    let t = Instant::now();
    for _ in 0..100 { trainer.step(&examples).unwrap(); }
    println!("100 steps {:?}", t.elapsed());
    let t = Instant::now();
    trainer.fit(&examples, 1, None, |_| Control::Continue).unwrap();
    println!("first epoch {:?}", t.elapsed());
    println!("{}", trainer.plan_text());
}
#[test]
fn mnist() {
    let (train, test) = wgrad::data::digits("data/mnist").unwrap();
    let model = Sequential::new().add(Linear::new(784, 256)).add(Relu).add(Dropout::new(0.2)).add(Linear::new(256, 128)).add(Relu).add(Dropout::new(0.2)).add(Linear::new(128, 10));
    let device = Device::choose(&std::env::var("DEV").unwrap_or("software".into())).unwrap();
    println!("{}", model.summary(&[784]).unwrap());
    let mut trainer = Trainer::new(&device, model, CrossEntropyLoss, Adam::new(0.001), Options { seed: 1, ..Options::default() }).unwrap();
    let t = Instant::now();
    trainer.prepare(&train, Some(&test)).unwrap();
    println!("prepare {:?}", t.elapsed());
    println!("{}", trainer.plan_text());
    let s = trainer.statistics();
    let t = Instant::now();
    trainer.on_progress(move |p| println!("{:?} {p:?}", t.elapsed()));
    trainer.fit(&train, 2, Some(&test), |e| { println!("{e}"); Control::Continue }).unwrap();
    println!("{s:?} {:?}", trainer.statistics());
    println!("{}", trainer.predict(&test.inputs().select(&[0, 1, 2]).unwrap()).unwrap());
    println!("{}", trainer.weights_hash().unwrap());
}
