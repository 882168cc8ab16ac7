//! Gives the machine a Vulkan driver where it has none, or says how to.
//!
//! All of it speaks on standard error: standard output is the program's, and may be JSON.

use std::io;
use std::process::{Command, Stdio};

use crate::cargo;
use crate::distribution::{DEBIAN_PACKAGES, Distribution};
use crate::vulkan::Search;

/// Whether an adapter is to be expected once the machine is set up.
#[derive(Debug, PartialEq, Eq)]
pub enum Adapter {
    /// There is a driver. Whether it has a device to drive shows only when it runs.
    Expected,
    /// There is no driver.
    Missing {
        /// What the user can do about it, with the exact command where it is known.
        remedy: String,
    },
}

/// Looks for a Vulkan driver, and installs Mesa's where it can; a failure is reported, and is not fatal.
pub fn set_up() -> Adapter {
    // wgpu runs on Metal and DX12 elsewhere, which come with the system.
    if !cfg!(target_os = "linux") {
        return Adapter::Expected;
    }
    let search = Search::of_this_machine();
    if search.finds_driver() {
        return Adapter::Expected;
    }
    // Nothing installed now would be seen past such a variable.
    if let Some(variable) = search.overridden_by {
        return missing(format!("{variable} names no usable driver: unset it, or let it name one"));
    }
    let distribution = Distribution::of_this_machine();
    if distribution == Distribution::Debian && is_root() {
        install_on_debian();
        if Search::of_this_machine().finds_driver() {
            eprintln!("Mesa's software driver is installed.");
            return Adapter::Expected;
        }
    }
    missing(remedy(distribution))
}

fn missing(remedy: String) -> Adapter {
    eprintln!("No Vulkan driver found. {remedy}");
    Adapter::Missing { remedy }
}

fn remedy(distribution: Distribution) -> String {
    match distribution.install_command() {
        Some(command) => format!("To install Mesa's software driver, run as root:\n    {command}"),
        None => "Install Mesa's software driver (lavapipe) and the Vulkan loader (libvulkan.so.1)".into(),
    }
}

fn install_on_debian() {
    let packages = DEBIAN_PACKAGES.join(", ");
    eprintln!("No Vulkan driver found: installing Mesa's software driver ({packages}).");
    // One broken source of packages fails the update, and need not fail the installation.
    let mut update = apt_get();
    let mut install = apt_get();
    update.arg("update");
    install.args(["install", "-y", "--no-install-recommends"]).args(DEBIAN_PACKAGES);
    for mut step in [update, install] {
        if let Err(error) = cargo::succeed(&mut step) {
            eprintln!("warning: {error:#}");
        }
    }
}

/// `apt-get` that asks nothing, and waits two minutes for the upgrade that a new machine runs at its first start.
fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.args(["-q", "-o", "DPkg::Lock::Timeout=120"]);
    // Without a terminal of its own, dpkg prints no progress in percent.
    command.args(["-o", "Dpkg::Use-Pty=0"]);
    command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).stdout(io::stderr());
    command
}

fn is_root() -> bool {
    cargo::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_is_the_exact_command_where_it_is_known() {
        let remedy = remedy(Distribution::Debian);
        assert!(remedy.contains("apt-get install -y --no-install-recommends mesa-vulkan-drivers libvulkan1"), "{remedy}");
    }

    #[test]
    fn the_remedy_elsewhere_names_what_is_missing() {
        assert!(remedy(Distribution::Other).contains("libvulkan.so.1"));
    }
}
