//! The adapter that tests run on.

use wgrad::{Device, DeviceKind};

/// The machine's best adapter. Panics where there is none: a test that needs one must not pass on the CPU.
pub fn adapter() -> Device {
    let device = Device::auto().expect("the adapter gives a device");
    assert_ne!(device.kind(), DeviceKind::Cpu, "this test needs an adapter, at least Mesa's llvmpipe");
    device
}
