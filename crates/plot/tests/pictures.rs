//! Pictures are written whole, replace older ones, and are refused with an error that says why.

use std::fs;
use std::path::Path;

use wgrad_plot::{
    Image, Panel, PlotError, Surface, confusion_matrix, curves, decision_surface, digit_grid, image_rows, learning_rates,
};

const LINE: &[(f64, f64)] = &[(1.0, 0.3), (2.0, 0.2), (3.0, 0.1)];

fn draw_curves(path: &Path, points: &[(f64, f64)]) -> Result<(), PlotError> {
    let panel = Panel::new("Loss (nats)").series("training", points.to_vec()).series("test", LINE.to_vec());
    curves(path, "A title", "Epoch", &[panel.clone(), panel])
}

fn image(pixels: &[u8], rows: usize, columns: usize) -> Image<'_> {
    Image { pixels, rows, columns }
}

/// A grid of images that are nines, and taken for fours.
fn draw_digits(path: &Path, title: &str, images: &[Image]) -> Result<(), PlotError> {
    digit_grid(path, title, images, &vec![9; images.len()], &vec![4; images.len()])
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
    draw_digits(&folder.join("digits"), "Digits", &Image::split(&[7; 9 * 784], 28, 28)).unwrap();
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
    assert!(draw_digits(&path, "Digits", &[]).is_err());
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
    for point in points {
        curves(&path, "", "", &[Panel::new("").series("", [point])]).unwrap();
    }
    let long = "\n\u{0}\u{1f600}é ".repeat(200);
    let panel = (0..20).fold(Panel::new(&long), |panel, _| panel.series(&long, LINE.to_vec()));
    curves(&path, &long, &long, &[panel]).unwrap();
    draw_digits(&path, &long, &[image(&[9; 5000], 1, 5000), image(&[9; 5000], 5000, 1)]).unwrap();
}

#[test]
fn nothing_to_draw_is_an_error() {
    let path = Path::new("never-written.png");
    assert!(matches!(curves(path, "", "", &[]), Err(PlotError::Empty { .. })));
    let empty = Panel::new("Loss").series("test", Vec::<(f64, f64)>::new());
    let error = curves(path, "", "", &[empty]).unwrap_err();
    assert!(error.to_string().contains("Loss"), "{error}");
    assert!(matches!(draw_digits(path, "", &[]), Err(PlotError::Empty { .. })));
    assert!(!path.exists());
}

#[test]
fn too_much_to_draw_is_an_error() {
    let path = Path::new("never-written.png");
    let panels = vec![Panel::new("Loss").series("test", LINE.to_vec()); 13];
    assert!(matches!(curves(path, "", "", &panels), Err(PlotError::TooMany { limit: 12, count: 13, .. })));
    let images = [image(&[0], 1, 1); 513];
    assert!(matches!(draw_digits(path, "", &images), Err(PlotError::TooMany { limit: 512, count: 513, .. })));
}

#[test]
fn a_digit_of_another_size_is_an_error() {
    let path = Path::new("never-written.png");
    let whole = image(&[0; 6], 2, 3);
    for odd in [image(&[0; 5], 2, 3), image(&[], 0, 3), image(&[0; 6], usize::MAX / 2 + 4, 2), Image::split(&[0; 11], 2, 3)[1]] {
        let error = draw_digits(path, "", &[whole, odd]).unwrap_err();
        assert!(matches!(error, PlotError::ImageSize { .. }), "{error}");
        assert!(error.to_string().starts_with("image 1 (counted from 0) has "), "{error}");
    }
}

#[test]
fn a_class_for_each_digit_is_needed() {
    let images = Image::split(&[0; 12], 2, 3);
    for (truth, predicted, what) in [(&[9][..], &[9, 9][..], "true"), (&[9, 9], &[9], "predicted")] {
        let error = digit_grid(Path::new("never-written.png"), "", &images, truth, predicted).unwrap_err();
        assert_eq!(error.to_string(), format!("number of {what} classes: wanted 2, got 1"));
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

#[test]
fn all_kinds_of_pictures_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let panel = (0..9).fold(Panel::new("y"), |panel, _| panel.series("loss", LINE.to_vec()));
    curves(path("grid.png"), "Grid", "x", &vec![panel.log_x().log_y().marked(2.0, "here"); 5]).unwrap();
    assert_eq!(png_size(&path("grid.png")), (2400, 1272));
    learning_rates(path("rates.png"), "Finder", "Cross-entropy (nats)", LINE.to_vec(), 1.5).unwrap();
    assert_eq!(png_size(&path("rates.png")), (800, 680));
    confusion_matrix(path("confusion.png"), "Classes", &["a", "b"], &[0, 1, 1], &[0, 1, 0]).unwrap();
    let images = [Image { pixels: &[0; 6], rows: 2, columns: 3 }; 11];
    image_rows(path("rows.png"), "Images", &[("original", &images), ("reconstruction", &images)]).unwrap();
    let surface = Surface::around(&[(0.0, 0.0), (1.0, -1.0)], &[0, 1], &["a", "b"]).unwrap();
    let predicted = vec![1; surface.inputs().len() / 2];
    decision_surface(path("surface.png"), "Surface", ["x", "y"], &surface, &predicted).unwrap();
    for name in ["confusion.png", "rows.png", "surface.png"] {
        let (width, height) = png_size(&path(name));
        assert!(width > 600 && height > 300, "{name}: {width} x {height}");
    }
}

#[test]
fn odd_texts_and_points_are_drawn_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.png");
    let long = "\n\u{0}\u{1f600}é ".repeat(200);
    confusion_matrix(&path, &long, &[&long, ""], &[1, 1], &[0, 0]).unwrap();
    image_rows(&path, &long, &[(&long, &[Image { pixels: &[1; 5000], rows: 1, columns: 5000 }])]).unwrap();
    for points in [&[(0.0, 0.0)][..], &[(1e99, -1e99), (-1e99, 1e99)], &[(1.0, 1.0), (1.0, 1.0 + 1e-15)]] {
        let labels = vec![0; points.len()];
        let names = [long.as_str()];
        let surface = Surface::around(points, &labels, &names).unwrap();
        decision_surface(&path, &long, [&long, &long], &surface, &vec![0; surface.inputs().len() / 2]).unwrap();
    }
    let odd = [f64::NAN, f64::INFINITY, f64::MAX, -1.0, 0.0, 5e-324, 1e-99, 1e99, 1.0];
    let points: Vec<(f64, f64)> = odd.iter().flat_map(|&x| odd.map(|y| (x, y))).collect();
    for suggested in odd {
        learning_rates(&path, &long, &long, points.clone(), suggested).unwrap();
        learning_rates(&path, "", "", [(suggested, suggested)], suggested).unwrap();
    }
}

#[test]
fn what_does_not_go_together_is_named() {
    let path = Path::new("never-written.png");
    let matrix =
        |truth: &[usize], predicted: &[usize]| confusion_matrix(path, "", &["a", "b"], truth, predicted).unwrap_err().to_string();
    assert_eq!(matrix(&[], &[]), "the picture would be empty: no examples");
    assert_eq!(matrix(&[0, 1], &[0]), "number of predicted classes: wanted 2, got 1");
    assert_eq!(matrix(&[0, 2], &[0, 0]), "true classes, place 1 (counted from 0): wanted a class below 2, got 2");
    assert_eq!(matrix(&[0], &[9]), "predicted classes, place 0 (counted from 0): wanted a class below 2, got 9");
    assert!(matches!(confusion_matrix(path, "", &["a"; 41], &[0], &[0]), Err(PlotError::TooMany { limit: 40, .. })));
    let image = Image { pixels: &[0; 6], rows: 2, columns: 3 };
    let rows = |rows: &[(&str, &[Image])]| image_rows(path, "", rows).unwrap_err().to_string();
    assert_eq!(rows(&[]), "the picture would be empty: no rows of images");
    assert_eq!(rows(&[("a", &[])]), "the picture would be empty: no images");
    let uneven = rows(&[("a", &[image; 2]), ("b", &[image])]);
    assert_eq!(uneven, "number of images in the row \"b\": wanted 2, as in the first row, got 1");
    let odd = rows(&[("a", &[image]), ("b", &[Image { rows: 3, ..image }])]);
    assert_eq!(odd, "image 0 (counted from 0) of the row \"b\" has 6 pixels, not 3 x 3, or none at all");
    assert_eq!(rows(&[("a", &[image; 101])]), "a picture holds at most 100 images in a row, not 101");
    let surface = |points: &[(f64, f64)], labels: &[usize]| Surface::around(points, labels, &["a"]).unwrap_err().to_string();
    assert_eq!(surface(&[], &[]), "the picture would be empty: no points");
    assert_eq!(surface(&[(0.0, 0.0)], &[0, 0]), "number of labels: wanted 1, got 2");
    assert_eq!(surface(&[(0.0, f64::NAN)], &[0]), "point 0 (counted from 0): wanted finite numbers, got (0.0, NaN)");
    let whole = Surface::around(&[(0.0, 0.0)], &[0], &["a"]).unwrap();
    let error = decision_surface(path, "", ["", ""], &whole, &[0]).unwrap_err().to_string();
    assert_eq!(error, "number of predictions: wanted 14400, got 1");
    assert!(!path.exists());
}
