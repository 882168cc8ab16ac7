//! Training on the CPU gives what PyTorch gives, and a mistake would be seen. No adapter is needed.

#[path = "support/pytorch.rs"]
mod pytorch;
#[path = "support/wrong.rs"]
mod wrong;

use pytorch::{CASES, Golden};
use wgrad::Device;
use wrong::{ScaledLoss, error_of};

#[test]
fn every_case_agrees() -> anyhow::Result<()> {
    pytorch::every_case_agrees(&Device::cpu(), true)
}

/// Loss and gradients are 0.01 % too large.
#[test]
fn a_loss_of_the_wrong_scale_is_seen() -> anyhow::Result<()> {
    for case in CASES {
        let golden = Golden::load(case)?;
        let loss = || Ok(Box::new(ScaledLoss { inner: golden.loss()?, factor: 1.0001 }) as _);
        let error = error_of(golden.check(&Device::cpu(), true, &loss));
        assert!(error.starts_with("loss, element 0") || error.starts_with("gradient "), "{case}: {error}");
    }
    Ok(())
}
