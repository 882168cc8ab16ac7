//! Pictures are written whole, replace older ones, and are refused with an error that says why.

use std::fs;
use std::path::Path;

use wgrad_plot::{Digit, Panel, PlotError, Series, curves, digit_grid};

const LINE: &[(f64, f64)] = &[(1.0, 0.3), (2.0, 0.2), (3.0, 0.1)];

fn draw_curves(path: &Path, points: &[(f64, f64)]) -> Result<(), PlotError> {
    let series = [Series { name: "training", points }, Series { name: "test", points: LINE }];
    let panel = Panel { y_label: "Loss (nats)", series: &series };
    curves(path, "A title", "Epoch", &[panel, panel])
}

fn digit(pixels: &[u8], rows: usize, columns: usize) -> Digit<'_> {
    Digit { pixels, rows, columns, predicted: 4, truth: 9 }
}

/// Width and height from a PNG file's header.
fn png_size(path: &Path) -> (u32, u32) {
    let bytes = fs::read(path).unwrap();
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn folders_are_made_and_nothing_else_is_left_there() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("new/pictures");
    draw_curves(&folder.join("curves.png"), LINE).unwrap();
    digit_grid(&folder.join("digits"), "Digits", &[digit(&[7; 784], 28, 28); 9]).unwrap();
    let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["curves.png", "digits"]);
    assert_eq!(png_size(&folder.join("curves.png")), (1600, 680));
    assert!(png_size(&folder.join("digits")).0 > 1200);
}

#[test]
fn an_older_picture_is_replaced_only_by_a_whole_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture.png");
    fs::write(&path, "older").unwrap();
    assert!(digit_grid(&path, "Digits", &[]).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"older");
    draw_curves(&path, LINE).unwrap();
    assert_eq!(png_size(&path), (1600, 680));
}

#[test]
fn odd_numbers_and_texts_are_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.png");
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 1e99, -1e99, 5e-324, 0.0, -0.0];
    let points: Vec<(f64, f64)> = odd.iter().flat_map(|&x| odd.map(|y| (x, y))).collect();
    draw_curves(&path, &points).unwrap();
    for point in &points {
        let series = [Series { name: "", points: std::slice::from_ref(point) }];
        curves(&path, "", "", &[Panel { y_label: "", series: &series }]).unwrap();
    }
    let long = "\n\u{0}\u{1f600}é ".repeat(200);
    let series = [Series { name: &long, points: LINE }; 20];
    curves(&path, &long, &long, &[Panel { y_label: &long, series: &series }]).unwrap();
    digit_grid(&path, &long, &[digit(&[9; 5000], 1, 5000), digit(&[9; 5000], 5000, 1)]).unwrap();
}

#[test]
fn nothing_to_draw_is_an_error() {
    let path = Path::new("never-written.png");
    assert!(matches!(curves(path, "", "", &[]), Err(PlotError::Empty { .. })));
    let empty = [Series { name: "test", points: &[] }];
    let error = curves(path, "", "", &[Panel { y_label: "Loss", series: &empty }]).unwrap_err();
    assert!(error.to_string().contains("Loss"), "{error}");
    assert!(matches!(digit_grid(path, "", &[]), Err(PlotError::Empty { .. })));
    assert!(!path.exists());
}

#[test]
fn too_much_to_draw_is_an_error() {
    let path = Path::new("never-written.png");
    let series = [Series { name: "test", points: LINE }];
    let panels = [Panel { y_label: "Loss", series: &series }; 9];
    assert!(matches!(curves(path, "", "", &panels), Err(PlotError::TooMany { limit: 8, count: 9, .. })));
    let digits = [digit(&[0], 1, 1); 513];
    assert!(matches!(digit_grid(path, "", &digits), Err(PlotError::TooMany { limit: 512, count: 513, .. })));
}

#[test]
fn a_digit_of_another_size_is_an_error() {
    let path = Path::new("never-written.png");
    let whole = digit(&[0; 6], 2, 3);
    for odd in [digit(&[0; 5], 2, 3), digit(&[], 0, 3), digit(&[0; 6], usize::MAX / 2 + 4, 2)] {
        let error = digit_grid(path, "", &[whole, odd]).unwrap_err();
        assert!(matches!(error, PlotError::DigitSize { index: 1, .. }), "{error}");
    }
}

#[test]
fn a_path_that_is_no_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = draw_curves(folder.path(), LINE).unwrap_err();
    assert!(matches!(&error, PlotError::NotAFile { path } if path == folder.path()), "{error}");
    assert!(folder.path().is_dir());
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_that_names_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let path = file.join("picture.png");
    let error = draw_curves(&path, LINE).unwrap_err();
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert!(matches!(error, PlotError::Write { .. }), "{error:?}");
    assert!(matches!(draw_curves(Path::new(""), LINE), Err(PlotError::Write { .. })));
}
