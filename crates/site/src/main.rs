//! Builds wgrad's pages for a browser, serves them, and tests them in one.

mod browser;
mod bundle;
mod page_test;
mod server;
mod toolchain;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};

use server::Server;

const USAGE: &str = "\
Usage: site COMMAND

Commands:
  serve [PORT]    Build the pages, and serve them on this computer (port 8080)
  test            Build the pages, and test them in headless Chromium";

/// A package that is a page.
struct Page {
    /// The package, whose program or library is the page's `PACKAGE.js`.
    package: &'static str,
    /// Its folder in the address.
    name: &'static str,
    /// Folders whose files it needs beside it, each with its name there; an empty one is the page's own.
    folders: &'static [(&'static str, &'static str)],
}

/// All pages; the first is where the root leads.
const PAGES: &[Page] = &[
    Page { package: "web", name: "digits", folders: &[("crates/web/page", ""), ("data/mnist", "mnist")] },
    Page { package: "playground", name: "playground", folders: &[("crates/playground/page", "")] },
];

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve"] => serve(8080),
        ["serve", port] => match port.parse() {
            Ok(port) => serve(port),
            Err(_) => bail!("{port:?} is no port\n\n{USAGE}"),
        },
        ["test"] => page_test::run(&bundle::build(PAGES)?),
        _ => bail!("wrong arguments {arguments:?}\n\n{USAGE}"),
    }
}

fn serve(port: u16) -> Result<()> {
    let site = bundle::build(PAGES)?;
    let server = Server::start((Ipv4Addr::LOCALHOST, port), &site)?;
    for page in PAGES {
        println!("{}/{}/", server.address(), page.name);
    }
    println!("Open it in a browser with WebGPU; Ctrl+C ends it.");
    server.serve_for_ever()
}

/// The folder of the workspace's `Cargo.toml`.
fn workspace_root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package)
}

/// The folder of cargo's outputs.
fn target_folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    workspace_root().join(target)
}
