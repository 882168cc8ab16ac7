//! CSV files: good ones in every form, and one for each thing that can be wrong.

use std::fs;
use std::path::Path;

use wgrad_data::{DataError, RegressionTable, Table, read_rows};

/// What is read from a file of this content.
fn read_by<T>(content: &[u8], read: impl FnOnce(&Path) -> Result<T, DataError>) -> Result<T, DataError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    fs::write(&path, content).unwrap();
    read(&path)
}

fn table(content: &str) -> Table {
    read_by(content.as_bytes(), |path| Table::read(path)).unwrap()
}

/// The error of a file of this content, after the file's name.
fn error(content: &str) -> String {
    after_name(read_by(content.as_bytes(), |path| Table::read(path)).unwrap_err())
}

fn after_name(error: DataError) -> String {
    let text = error.to_string();
    let (_, after) = text.split_once("table.csv").unwrap_or_else(|| panic!("{text} does not name the file"));
    after.to_owned()
}

#[test]
fn the_iris_data_are_read() {
    let iris = Table::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/iris.csv")).unwrap();
    assert_eq!((iris.rows(), iris.columns()), (150, 4));
    assert_eq!(iris.class_names(), ["setosa", "versicolor", "virginica"]);
    assert_eq!(iris.features()[..4], [5.1, 3.5, 1.4, 0.2]);
    assert_eq!(iris.features()[596..], [5.9, 3.0, 5.1, 1.8]);
    let count = |class| iris.labels().iter().filter(|&&label| label == class).count();
    assert_eq!([count(0), count(1), count(2)], [50; 3]);
}

#[test]
fn a_heading_names_the_columns() {
    let table = table("\u{feff}length, width ,species\r\n1,2.5,setosa\r\n-3e1,.5,\"a, b\"\r\n\r\n0,0,setosa\r\n");
    assert_eq!(table.feature_names(), ["length", "width"]);
    assert_eq!(table.class_names(), ["a, b", "setosa"]);
    assert_eq!(table.features(), [1.0, 2.5, -30.0, 0.5, 0.0, 0.0]);
    assert_eq!(table.labels(), [1, 0, 1]);
}

#[test]
fn a_file_without_heading_begins_with_a_row() {
    let table = table("1,2,0\n3,4,2.0\n");
    assert_eq!(table.feature_names(), ["feature 0", "feature 1"]);
    assert_eq!((table.labels(), table.class_names().len()), (&[0, 2][..], 3));
    assert_eq!(self::table("1,nan\n2,inf").class_names(), ["inf", "nan"]);
}

#[test]
fn the_first_line_may_name_the_classes() {
    let table = table("2,3,no,yes\n1,2,3,1\n4,5,6,0\n");
    assert_eq!((table.rows(), table.columns()), (2, 3));
    assert_eq!((table.class_names(), table.labels()), (&["no".to_owned(), "yes".to_owned()][..], &[1, 0][..]));
    let row = self::table("2,2,no\n4,5,yes\n6,7,no\n");
    assert_eq!((row.rows(), row.labels()), (3, &[0, 1, 0][..]));
    assert_eq!(error("1,1,no,yes\n5,2"), ", line 2, column 2: wanted a class, a whole number from 0 to 1, got \"2\"");
}

#[test]
fn a_column_in_the_middle_can_be_the_label() {
    let content = b"a,kind,b\n1,cat,2\n3,dog,4\n";
    let table = read_by(content, |path| Table::read_labelled(path, "kind")).unwrap();
    assert_eq!((table.features(), table.labels()), (&[1.0, 2.0, 3.0, 4.0][..], &[0, 1][..]));
    assert_eq!(table.feature_names(), ["a", "b"]);
    let error = after_name(read_by(content, |path| Table::read_labelled(path, "c")).unwrap_err());
    assert_eq!(error, ": wanted a column called c, got a, kind, b");
    let error = after_name(read_by(b"1,cat,2\n3,dog,4\n", |path| Table::read_labelled(path, "kind")).unwrap_err());
    assert_eq!(error, ": wanted a column called kind, got 1, cat, 2; is the line with the columns' names missing?");
    let lonely = after_name(read_by(b"kind\ncat\n", |path| Table::read_labelled(path, "kind")).unwrap_err());
    assert_eq!(lonely, ", line 2: wanted 2 or more columns, got 1");
}

#[test]
fn columns_can_be_predicted() {
    let content = b"area,price,rooms,rent\n71,220,3,900\n55.5,180,2,-7e2\n";
    let houses = read_by(content, |path| RegressionTable::read(path, &["rent", "price"])).unwrap();
    assert_eq!(
        (houses.rows(), houses.feature_names(), houses.target_names()),
        (2, &["area".into(), "rooms".into()][..], &["rent".into(), "price".into()][..])
    );
    assert_eq!(houses.features(), [71.0, 3.0, 55.5, 2.0]);
    assert_eq!(houses.targets(), [900.0, 220.0, -700.0, 180.0]);
}

#[test]
fn columns_that_cannot_be_predicted_are_refused() {
    let error = |content: &str, targets: &[&str]| {
        after_name(read_by(content.as_bytes(), |path| RegressionTable::read(path, targets)).unwrap_err())
    };
    let houses = "area,price\n71,220\n";
    assert_eq!(error(houses, &["cost"]), ": wanted a column called cost, got area, price");
    let missing = ": wanted a column called price, got 71, 220; is the line with the columns' names missing?";
    assert_eq!(error("71,220\n", &["price"]), missing);
    assert_eq!(error(houses, &[]), ": wanted some columns as targets and others as features, got 0 of 2 as targets");
    let all = ": wanted some columns as targets and others as features, got 2 of 2 as targets";
    assert_eq!(error(houses, &["price", "area"]), all);
    assert_eq!(error("area,price\n", &["price"]), " holds no rows");
    assert_eq!(error("area,price\n71,220\n3,\n", &["price"]), ", line 3, column 2: wanted a finite number, got \"\"");
    assert_eq!(error("area,price\nnan,220\n", &["price"]), ", line 2, column 1: wanted a finite number, got \"nan\"");
    assert_eq!(error("area,price\n71,220,1\n", &["price"]), ", line 2: wanted 2 columns, got 3");
}

#[test]
fn a_field_that_is_wrong_is_named() {
    assert_eq!(error("1,2,0\n3,four,1\n"), ", line 2, column 2: wanted a finite number, got \"four\"");
    assert_eq!(error("1,2,0\n3,,1\n"), ", line 2, column 2: wanted a finite number, got \"\"");
    assert_eq!(error("1,2,0\nNaN,1e39,1\n"), ", line 2, column 1: wanted a finite number, got \"NaN\"");
    assert_eq!(error("1,2,0\n3,1e39,1\n"), ", line 2, column 2: wanted a finite number, got \"1e39\"");
    assert_eq!(error("\"a\nb\",y\n1,0\nx,0"), ", line 4, column 1: wanted a finite number, got \"x\"");
    let class = |got: &str| format!(", line 2, column 2: wanted a class, a whole number from 0 to 65535, got {got:?}");
    for label in ["0.5", "-1", "65536", "cat", ""] {
        assert_eq!(error(&format!("1,0\n2,{label}\n")), class(label));
    }
    let name = ", line 2, column 2: wanted the name of a class, as in the first row, got ";
    assert_eq!(error("1,cat\n2,7\n"), format!("{name}\"7\""));
    assert_eq!(error("1,cat\n2,\n"), format!("{name}\"\""));
}

/// Whatever ends lines, and whatever is before them.
#[test]
fn lines_are_counted_as_editors_count_them() {
    let wrong = |line: u32| format!(", line {line}, column 1: wanted a finite number, got \"x\"");
    for content in ["1,0\nx,1\n", "1,0\r\nx,1\r\n", "1,0\rx,1\r", "\u{feff}1,0\r\nx,1"] {
        assert_eq!(error(content), wrong(2), "{content:?}");
    }
    for content in
        ["1,0\n\n\nx,1\n", "1,0\r\n\r\n\r\nx,1\r\n", "\n\n1,0\nx,1", "\"a\nb\",y\n1,0\nx,1", "\"a\r\nb\",y\r\n1,0\r\nx,1"]
    {
        assert_eq!(error(content), wrong(4), "{content:?}");
    }
}

#[test]
fn lines_of_different_lengths_are_named() {
    assert_eq!(error("1,2,0\n3,4,1\n5,6\n"), ", line 3: wanted 3 columns, got 2");
    assert_eq!(error("a,b,c\n1,2,0\n3,4,1,9\n"), ", line 3: wanted 3 columns, got 4");
    assert_eq!(error("a,b\n1,2,0\n3,4,1\n"), ", line 2: wanted 2 columns, got 3");
    assert_eq!(error("1;2;0\n3;4;1\n"), ", line 2: wanted 2 or more columns, got 1");
}

#[test]
fn files_without_rows_are_refused() {
    assert_eq!(error(""), " holds no rows");
    assert_eq!(error("\n\n"), " holds no rows");
    assert_eq!(error("a,b\n"), " holds no rows");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let missing = Table::read("/no/such/table.csv").unwrap_err();
    assert_eq!(after_name(missing), " cannot be read as CSV");
    let binary = read_by(b"1,2\n\xff,3\n", |path| Table::read(path)).unwrap_err();
    assert!(matches!(&binary, DataError::Csv { source, .. } if source.to_string().contains("line 2")), "{binary:?}");
}

#[test]
fn lists_of_rows_are_read() {
    let read = |content: &str| read_by(content.as_bytes(), |path| read_rows(path));
    assert_eq!(read("7\r\n 0 \n12").unwrap(), [7, 0, 12]);
    let wanted = ", line 2, column 1: wanted a row, a whole number from 0, got \"-1\"";
    assert_eq!(after_name(read("7\n-1\n").unwrap_err()), wanted);
    assert_eq!(after_name(read("").unwrap_err()), " holds no rows");
    assert!(matches!(read_rows("/no/such/rows.txt"), Err(DataError::Read { .. })));
}

/// Fisher-Yates with the 32-bit Mersenne Twister seeded by 42 and masked rejection, as numpy's `RandomState` does: the
/// first 30 of 150 shuffled rows are scikit-learn's test rows.
#[test]
fn the_test_rows_of_iris_are_those_of_scikit_learn() {
    let shipped = read_rows(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/iris_test_rows.txt")).unwrap();
    let mut twister = Twister::new(42);
    let mut order: Vec<usize> = (0..150).collect();
    for last in (1..150).rev() {
        order.swap(last, twister.up_to(last as u32) as usize);
    }
    assert_eq!(shipped, order[..30]);
}

/// MT19937 by Matsumoto and Nishimura (1998).
struct Twister {
    state: [u32; 624],
    next: usize,
}

impl Twister {
    fn new(seed: u32) -> Self {
        let mut state = [seed; 624];
        for index in 1..624 {
            let before = state[index - 1];
            state[index] = 1_812_433_253_u32.wrapping_mul(before ^ before >> 30).wrapping_add(index as u32);
        }
        Self { state, next: 624 }
    }

    fn twist(&mut self) {
        for index in 0..624 {
            let joined = self.state[index] & 0x8000_0000 | self.state[(index + 1) % 624] & 0x7fff_ffff;
            let odd = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[index] = self.state[(index + 397) % 624] ^ joined >> 1 ^ odd;
        }
        self.next = 0;
    }

    fn word(&mut self) -> u32 {
        if self.next == 624 {
            self.twist();
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= word << 7 & 0x9d2c_5680;
        word ^= word << 15 & 0xefc6_0000;
        word ^ word >> 18
    }

    /// Evenly from 0 to `largest`: as many low bits as it has, drawn again while they are above it.
    fn up_to(&mut self, largest: u32) -> u32 {
        let mask = u32::MAX >> largest.leading_zeros();
        loop {
            let drawn = self.word() & mask;
            if drawn <= largest {
                return drawn;
            }
        }
    }
}
