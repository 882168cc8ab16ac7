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
