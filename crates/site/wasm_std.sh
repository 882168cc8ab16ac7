#!/usr/bin/env bash
# Builds Rust's standard library for wasm32-unknown-unknown, for machines whose toolchain has none and cannot get it by
# `rustup target add wasm32-unknown-unknown`, which is the better way wherever it works.
#
#     wasm_std.sh FOLDER
#
# FOLDER becomes a sysroot: `RUSTC=/usr/bin/rustc cargo build --target wasm32-unknown-unknown` finds the library there with
# `--sysroot FOLDER` among the flags for the target. Host programs, such as macros, need no flag.
#
# The compiler and the library's source are those of Debian (packages rustc-web and rust-web-src), since a standard library
# fits the compiler of its own version only. They are installed if they are missing and this runs as root.
set -euo pipefail

folder=$1
rustc=/usr/bin/rustc
target=wasm32-unknown-unknown
packages=(rustc-web rust-web-src)

has_source() {
    [[ -x $rustc && -f "$("$rustc" --print sysroot)/lib/rustlib/src/rust/library/std/Cargo.toml" ]]
}

if ! has_source; then
    if ! command -v apt-get >/dev/null || [[ $(id -u) != 0 ]]; then
        echo "Rust's standard library for $target is missing. Run one of:" >&2
        echo "    rustup target add $target" >&2
        echo "    sudo apt-get install ${packages[*]}" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt_get=(apt-get -q -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0)
    # A broken source of packages need not fail the installation.
    "${apt_get[@]}" update >&2 || true
    "${apt_get[@]}" install -y --no-install-recommends "${packages[@]}" >&2
fi

# Another compiler needs another library.
version=$("$rustc" --version --verbose)
if [[ -f "$folder/version" && $(cat "$folder/version") == "$version" ]]; then
    exit 0
fi
echo "Building Rust's standard library for $target: about two minutes, once." >&2

empty=$(mktemp -d)
trap 'rm -rf "$empty"' EXIT
mkdir "$empty/src"
touch "$empty/src/lib.rs"
cat >"$empty/Cargo.toml" <<'TOML'
[package]
name = "empty"
edition = "2024"

[workspace]
TOML
(
    cd "$empty"
    unset CARGO_TARGET_DIR CARGO_BUILD_TARGET RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
    # `-Zbuild-std` is unstable, which a stable compiler must be told to allow.
    RUSTC=$rustc RUSTC_BOOTSTRAP=1 \
        cargo build --quiet --release -Zbuild-std=std,panic_abort,proc_macro,test --target "$target" >&2
)
rm -rf "$folder"
libraries="$folder/lib/rustlib/$target/lib"
mkdir -p "$libraries"
# Under the names of the dependencies' build: all but the empty library itself.
find "$empty/target/$target/release/deps" -name '*.rlib' ! -name 'libempty-*' -exec cp {} "$libraries" \;
# Last, as the sign that the rest is there.
echo "$version" >"$folder/version"
