//! Training on an adapter gives what PyTorch gives, fused or not, and a mistake would be seen.

#[path = "support/adapter.rs"]
mod adapter;
#[path = "support/pytorch.rs"]
mod pytorch;
#[path = "support/wrong.rs"]
mod wrong;

use adapter::adapter;
use pytorch::{CASES, Golden};
use wrong::{ScaledLoss, error_of};

#[test]
fn every_case_agrees_fused() -> anyhow::Result<()> {
    pytorch::every_case_agrees(&adapter(), true)
}

#[test]
fn every_case_agrees_unfused() -> anyhow::Result<()> {
    pytorch::every_case_agrees(&adapter(), false)
}

/// Loss and gradients are 0.01 % too large.
#[test]
fn a_loss_of_the_wrong_scale_is_seen() -> anyhow::Result<()> {
    let device = adapter();
    for case in CASES {
        let golden = Golden::load(case)?;
        let loss = || Ok(Box::new(ScaledLoss { inner: golden.loss()?, factor: 1.0001 }) as _);
        let error = error_of(golden.check(&device, true, &loss));
        assert!(error.starts_with("loss, element 0") || error.starts_with("gradient "), "{case}: {error}");
    }
    Ok(())
}
