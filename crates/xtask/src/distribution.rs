//! Which Linux distribution this is, and how it installs Mesa's software driver for Vulkan.

use std::fs;

/// The packages of Mesa's drivers and of the Vulkan loader on Debian and Ubuntu.
pub const DEBIAN_PACKAGES: [&str; 2] = ["mesa-vulkan-drivers", "libvulkan1"];

/// A family of Linux distributions with one package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Debian, Ubuntu and what derives from them.
    Debian,
    /// Fedora, Red Hat Enterprise Linux and what derives from them.
    Fedora,
    /// Arch Linux and what derives from it.
    Arch,
    /// Any other, whose package names are not known here.
    Other,
}

impl Distribution {
    /// This machine's distribution, from `/etc/os-release` or `/usr/lib/os-release`.
    pub fn of_this_machine() -> Self {
        let files = ["/etc/os-release", "/usr/lib/os-release"].into_iter();
        let text = files.filter_map(|path| fs::read_to_string(path).ok()).next();
        Self::from_os_release(&text.unwrap_or_default())
    }

    /// The distribution that `ID` names, else the first known one in `ID_LIKE`.
    fn from_os_release(text: &str) -> Self {
        let ids = ["ID", "ID_LIKE"].into_iter().filter_map(|key| os_release_value(text, key));
        ids.flat_map(str::split_whitespace).find_map(Self::from_id).unwrap_or(Self::Other)
    }

    fn from_id(id: &str) -> Option<Self> {
        match id {
            "debian" | "ubuntu" => Some(Self::Debian),
            "fedora" | "rhel" => Some(Self::Fedora),
            "arch" => Some(Self::Arch),
            _ => None,
        }
    }

    /// What root has to run to get a software driver.
    pub fn install_command(self) -> Option<String> {
        match self {
            Self::Debian => {
                Some(format!("apt-get update && apt-get install -y --no-install-recommends {}", DEBIAN_PACKAGES.join(" ")))
            }
            Self::Fedora => Some("dnf install -y mesa-vulkan-drivers vulkan-loader".into()),
            Self::Arch => Some("pacman -S --needed --noconfirm vulkan-swrast vulkan-icd-loader".into()),
            Self::Other => None,
        }
    }
}

/// The value of `KEY=value`, `KEY="value"` or `KEY='value'`.
fn os_release_value<'text>(text: &'text str, key: &str) -> Option<&'text str> {
    let values = text.lines().filter_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='));
    values.map(|value| value.trim_matches(['"', '\''])).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_decides() {
        let cases = [
            ("NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n", Distribution::Debian),
            ("ID=ubuntu\nID_LIKE=debian\n", Distribution::Debian),
            ("ID=fedora\n", Distribution::Fedora),
            ("ID='arch'\n", Distribution::Arch),
            ("ID=alpine\n", Distribution::Other),
            ("", Distribution::Other),
        ];
        for (text, distribution) in cases {
            assert_eq!(Distribution::from_os_release(text), distribution, "{text}");
        }
    }

    #[test]
    fn an_unknown_id_falls_back_on_what_it_is_like() {
        let cases = [
            ("ID_LIKE=\"ubuntu debian\"\nID=linuxmint\n", Distribution::Debian),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", Distribution::Fedora),
            ("ID=manjaro\nID_LIKE=arch\n", Distribution::Arch),
            ("ID=slackware\nID_LIKE=\"none of these\"\n", Distribution::Other),
        ];
        for (text, distribution) in cases {
            assert_eq!(Distribution::from_os_release(text), distribution, "{text}");
        }
    }

    #[test]
    fn no_command_calls_sudo() {
        for distribution in [Distribution::Debian, Distribution::Fedora, Distribution::Arch] {
            let command = distribution.install_command().unwrap();
            assert!(!command.contains("sudo"), "{command}");
        }
    }
}
