//! No example has more lines than the same program in PyTorch. Neither blank lines nor comments count. `cargo test --test example_lines -- --nocapture` prints all counts.

use std::fs;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");

/// Examples without a PyTorch form, and why.
const WITHOUT_FORM: [(&str, &str); 3] = [
    ("embed", "lends a device of wgpu"),
    ("quickstart", "is the README's, and `mnist` in short"),
    ("your_own_op", "writes a kernel, and checks it"),
];

/// The lines of Rust that are neither blank nor comments.
fn rust_lines(source: &str) -> usize {
    source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

/// The lines of Python that are neither blank nor comments nor docstrings.
fn python_lines(source: &str) -> usize {
    let mut is_docstring = false;
    let mut is_code = |line: &str| {
        let quotes = line.matches("\"\"\"").count();
        if is_docstring || line.starts_with("\"\"\"") {
            is_docstring ^= quotes == 1;
            return false;
        }
        !line.is_empty() && !line.starts_with('#')
    };
    source.lines().map(str::trim).filter(|line| is_code(line)).count()
}

/// What a folder holds, sorted.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

/// The name and lines of an example: a file, or all files of a folder with a `main.rs`.
fn example(path: &Path) -> Option<(String, usize)> {
    let files = match path.join("main.rs").is_file() {
        true => entries(path),
        false => vec![path.to_owned()],
    };
    let files: Vec<PathBuf> = files.into_iter().filter(|file| has_extension(file, "rs")).collect();
    let name = path.file_stem()?.to_str()?.to_owned();
    (!files.is_empty()).then(|| (name, files.iter().map(|file| rust_lines(&read(file))).sum()))
}

#[test]
fn no_example_is_longer_than_its_pytorch_form() {
    let without_form = |name: &str| WITHOUT_FORM.iter().any(|(known, _)| *known == name);
    let mut wrong = Vec::new();
    println!("{:<22} {:>5} {:>8}", "example", "wgrad", "PyTorch");
    for (name, ours) in entries(EXAMPLES.as_ref()).iter().filter_map(|path| example(path)).filter(|(name, _)| !without_form(name))
    {
        let theirs = python_lines(&read(&Path::new(EXAMPLES).join(format!("pytorch/{name}.py"))));
        println!("{name:<22} {ours:>5} {theirs:>8}");
        if ours > theirs {
            wrong.push(format!("{name}: {ours} lines, in PyTorch {theirs}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_pytorch_form_has_its_example() {
    let names: Vec<String> = entries(EXAMPLES.as_ref()).iter().filter_map(|path| example(path)).map(|(name, _)| name).collect();
    let forms = entries(&Path::new(EXAMPLES).join("pytorch"));
    let forms: Vec<&str> =
        forms.iter().filter(|path| has_extension(path, "py")).map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
    assert_eq!(names.len(), forms.len() + WITHOUT_FORM.len(), "{names:?} {forms:?}");
    for name in forms.iter().copied().chain(WITHOUT_FORM.map(|(name, _)| name)) {
        assert!(names.iter().any(|known| known == name), "{name} is no example: {names:?}");
    }
}

#[test]
fn comments_and_blank_lines_do_not_count() {
    assert_eq!(rust_lines("//! Says.\n\n/// Why.\nfn main() {\n    // Because.\n    run(); // now\n}\n"), 3);
    let python = "\"\"\"Says.\"\"\"\n\n# Why.\ndef run():\n    \"\"\"Long,\n\n    and longer.\n    \"\"\"\n    print(1)  # now\n";
    assert_eq!(python_lines(python), 2);
}
