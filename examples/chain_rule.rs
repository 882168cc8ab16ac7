//! The chain rule by hand and by the engine, on one weight: y = w x + b, and the loss (y - target)^2.
//!
//! dloss/dy is 4, dy/dw 2 and dloss/dw 8; an update with learning rate 0.01 makes 2.92 of the weight 3. It takes less than a
//! second on two cores with software Vulkan.

use wgrad::prelude::*;

fn main() -> Result<(), Error> {
    let graph = Trace::on(&Device::auto()?);
    let (x, target) = (graph.scalar(2.0), graph.scalar(5.0));
    let (w, b) = (graph.scalar(3.0), graph.scalar(1.0));
    let y = &w * &x + b;
    let loss = (&y - &target).square();

    let (dloss_dy, dy_dw) = (2.0 * (&y - target), x);
    let dloss_dw = &dloss_dy * &dy_dw;
    let updated = &w - 0.01 * &dloss_dw;

    println!("y = {}, loss = {}", y.item()?, loss.item()?);
    println!("dloss/dy = {}, dy/dw = {}", dloss_dy.item()?, dy_dw.item()?);
    println!("dloss/dw by the engine = {}", loss.gradient(&w).item()?);
    println!("dloss/dw = {}, w after one update with learning rate 0.01 = {:.4}", dloss_dw.item()?, updated.item()?);
    Ok(())
}
