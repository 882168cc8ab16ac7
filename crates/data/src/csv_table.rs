//! Tables from CSV files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::DataError;
use crate::regression_table::RegressionTable;
use crate::table::{MOST_CLASSES, Table, numbered};

impl Table {
    /// Reads a file of comma-separated values, whose last column is the label: a class's name, or its number from 0.
    ///
    /// Names are numbered in alphabetical order, as scikit-learn's `LabelEncoder` does. The first line is a heading
    /// where none of its features is a number. In scikit-learn's own files it tells the number of rows and of
    /// features, then the names of the classes that the labels number: such a line is understood too.
    ///
    /// # Errors
    /// Where the file cannot be read, has no rows or fewer than two columns, or lines of different lengths; where a
    /// feature is no finite number or a label no class. The error names line and column.
    ///
    /// # Example
    /// ```
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/iris.csv");
    /// let iris = wgrad_data::Table::read(path)?;
    /// assert_eq!((iris.rows(), iris.columns()), (150, 4));
    /// assert_eq!(iris.class_names(), ["setosa", "versicolor", "virginica"]);
    /// # Ok::<(), wgrad_data::DataError>(())
    /// ```
    pub fn read(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let file = File::read(path.as_ref())?;
        let label = file.columns()? - 1;
        let heading = file.heading(label);
        file.table(label, heading)
    }

    /// As [`Table::read`], for a file with a heading, of which `label` is the name of the column of labels.
    ///
    /// # Errors
    /// As `read`, and where no column has that name.
    pub fn read_labelled(path: impl AsRef<Path>, label: &str) -> Result<Self, DataError> {
        let file = File::read(path.as_ref())?;
        file.columns()?;
        let (column, names) = (file.column(label)?, file.names());
        file.table(column, Heading::Columns(names))
    }
}

impl RegressionTable {
    /// Reads a file of comma-separated numbers with a heading, in which `targets` are the names of the columns to predict. All
    /// others are features.
    ///
    /// # Errors
    /// Where the file cannot be read, has no rows or lines of different lengths; where no column has a target's name, or none is
    /// left as a feature; where a field is no finite number. The error names line and column.
    ///
    /// # Example
    /// ```
    /// # let folder = std::env::temp_dir().join(format!("wgrad houses {}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let path = folder.join("houses.csv");
    /// std::fs::write(&path, "area,price,rooms\n71,220,3\n55.5,180,2\n")?;
    /// let houses = wgrad_data::RegressionTable::read(&path, &["price"])?;
    /// assert_eq!((houses.feature_names(), houses.features()), (&["area".into(), "rooms".into()][..], &[71.0, 3.0, 55.5, 2.0][..]));
    /// assert_eq!((houses.target_names(), houses.targets()), (&["price".into()][..], &[220.0, 180.0][..]));
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(path: impl AsRef<Path>, targets: &[&str]) -> Result<Self, DataError> {
        let file = File::read(path.as_ref())?;
        let targets = targets.iter().map(|target| file.column(target)).collect::<Result<Vec<usize>, DataError>>()?;
        let names = file.names();
        let features: Vec<usize> = (0..names.len()).filter(|column| !targets.contains(column)).collect();
        if targets.is_empty() || features.is_empty() {
            let (path, targets, columns) = (file.path.to_path_buf(), targets.len(), names.len());
            return Err(DataError::Targets { path, targets, columns });
        }
        let rows = &file.lines[1..];
        if rows.is_empty() {
            return Err(DataError::NoRows { path: file.path.to_path_buf() });
        }
        let numbers = |columns: &[usize]| file.rows(rows, names.len(), columns);
        let named = |columns: &[usize]| columns.iter().map(|&column| names[column].clone()).collect();
        Ok(Self::new([named(&features), named(&targets)], [numbers(&features)?, numbers(&targets)?]))
    }
}

/// What may stand before the text of a file in UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A file's lines, at least one.
struct File<'a> {
    path: &'a Path,
    lines: Vec<Line>,
}

struct Line {
    /// Counted from 1.
    number: u64,
    record: StringRecord,
}

impl Line {
    fn fields(&self) -> impl Iterator<Item = &str> {
        self.record.iter()
    }
}

/// What the first line is.
enum Heading {
    /// A row like the others.
    None,
    /// The columns' names.
    Columns(Vec<String>),
    /// The classes' names, after the numbers of rows and features.
    Classes(Vec<String>),
}

impl<'a> File<'a> {
    fn read(path: &'a Path) -> Result<Self, DataError> {
        let unreadable = |source| DataError::Csv { path: path.to_path_buf(), source };
        let content = fs::read(path).map_err(|error| unreadable(error.into()))?;
        let content = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&content);
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(content);
        let (mut lines, mut number, mut counted) = (Vec::new(), 1, 0);
        for record in reader.records() {
            let record = record.map_err(unreadable)?;
            // The reader's own numbers are those of the line before, where lines end in two characters or some are empty.
            let start = first_character(content, record.position().map_or(0, |position| position.byte() as usize));
            number += line_ends(&content[counted..start]);
            counted = start;
            lines.push(Line { number, record });
        }
        if lines.is_empty() {
            return Err(DataError::NoRows { path: path.to_path_buf() });
        }
        Ok(Self { path, lines })
    }

    /// The number of columns: that of the second line, since the first may name the classes.
    fn columns(&self) -> Result<usize, DataError> {
        let line = self.lines.get(1).unwrap_or(&self.lines[0]);
        match line.record.len() {
            got if got < 2 => {
                Err(DataError::Columns { path: self.path.to_path_buf(), line: line.number, wanted: "2 or more".to_owned(), got })
            }
            columns => Ok(columns),
        }
    }

    /// The fields of the first line.
    fn names(&self) -> Vec<String> {
        self.lines[0].fields().map(str::to_owned).collect()
    }

    /// The column that the first line calls so.
    fn column(&self, name: &str) -> Result<usize, DataError> {
        let place = self.lines[0].fields().position(|known| known == name);
        place.ok_or_else(|| DataError::NoColumn { path: self.path.to_path_buf(), wanted: name.to_owned(), got: self.names() })
    }

    fn heading(&self, label: usize) -> Heading {
        let (first, names) = (&self.lines[0], self.names());
        let counts = [self.lines.len() - 1, label].map(|count| count.to_string());
        // Where labels are names, the same is a row of two features.
        let are_numbered = self.lines.get(1).is_some_and(|line| is_number(&line.record[label]));
        let are_names = |classes: &[String]| !classes.is_empty() && !classes.iter().any(|name| is_number(name));
        match names.split_at_checked(2) {
            Some((begin, classes)) if begin == counts && are_numbered && are_names(classes) => Heading::Classes(classes.to_vec()),
            _ if first.fields().take(label).any(is_number) => Heading::None,
            _ => Heading::Columns(names),
        }
    }

    fn table(self, label: usize, heading: Heading) -> Result<Table, DataError> {
        let rows = if let Heading::None = heading { &self.lines[..] } else { &self.lines[1..] };
        let columns = if let Heading::Columns(names) = &heading { names.len() } else { self.columns()? };
        let Some(first) = rows.first() else { return Err(DataError::NoRows { path: self.path.to_path_buf() }) };
        let features: Vec<usize> = (0..columns).filter(|&column| column != label).collect();
        let values = self.rows(rows, columns, &features)?;
        let (feature_names, known_classes) = match heading {
            Heading::None => (numbered("feature", columns - 1), None),
            Heading::Columns(mut names) => {
                names.remove(label);
                (names, None)
            }
            Heading::Classes(names) => (numbered("feature", columns - 1), Some(names)),
        };
        let is_numbered = known_classes.is_some() || is_number(&first.record[label]);
        let (class_names, labels) =
            if is_numbered { self.numbered_classes(rows, label, known_classes)? } else { self.named_classes(rows, label)? };
        Ok(Table::new(feature_names, class_names, values, labels))
    }

    /// Some columns of rows that have `columns` all in all, row by row.
    fn rows(&self, rows: &[Line], columns: usize, wanted: &[usize]) -> Result<Vec<f32>, DataError> {
        let mut values = Vec::with_capacity(rows.len() * wanted.len());
        for line in rows {
            if line.record.len() != columns {
                let (path, got) = (self.path.to_path_buf(), line.record.len());
                return Err(DataError::Columns { path, line: line.number, wanted: columns.to_string(), got });
            }
            for &column in wanted {
                match line.record[column].parse() {
                    Ok(value) if f32::is_finite(value) => values.push(value),
                    _ => return Err(self.wrong(line, column, "a finite number")),
                }
            }
        }
        Ok(values)
    }

    /// The classes' names and each row's class, where labels are their numbers.
    fn numbered_classes(
        &self,
        rows: &[Line],
        label: usize,
        names: Option<Vec<String>>,
    ) -> Result<(Vec<String>, Vec<u32>), DataError> {
        let limit = names.as_ref().map_or(MOST_CLASSES, Vec::len);
        let parse = |line: &Line| match line.record[label].parse::<f64>() {
            Ok(class) if class >= 0.0 && class < limit as f64 && class.fract() == 0.0 => Ok(class as u32),
            _ => Err(self.wrong(line, label, &format!("a class, a whole number from 0 to {}", limit - 1))),
        };
        let labels = rows.iter().map(parse).collect::<Result<Vec<u32>, DataError>>()?;
        let largest = labels.iter().copied().max().unwrap_or(0);
        let names = names.unwrap_or_else(|| (0..=largest).map(|class| class.to_string()).collect());
        Ok((names, labels))
    }

    /// The classes' names and each row's class, where labels are names.
    fn named_classes(&self, rows: &[Line], label: usize) -> Result<(Vec<String>, Vec<u32>), DataError> {
        if let Some(line) = rows.iter().find(|line| line.record[label].is_empty() || is_number(&line.record[label])) {
            return Err(self.wrong(line, label, "the name of a class, as in the first row"));
        }
        let distinct: BTreeSet<&str> = rows.iter().map(|line| &line.record[label]).collect();
        let names: Vec<String> = distinct.into_iter().map(str::to_owned).collect();
        let place = |line: &Line| names.partition_point(|name| name.as_str() < &line.record[label]) as u32;
        let labels = rows.iter().map(place).collect();
        Ok((names, labels))
    }

    fn wrong(&self, line: &Line, column: usize, wanted: &str) -> DataError {
        let (path, got) = (self.path.to_path_buf(), line.record[column].to_owned());
        DataError::Field { path, line: line.number, column: column + 1, wanted: wanted.to_owned(), got }
    }
}

/// The first place from one on where no line ends.
fn first_character(text: &[u8], from: usize) -> usize {
    let from = from.min(text.len());
    from + text[from..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count()
}

/// How many lines end in a text: each with LF, CR, or both.
fn line_ends(text: &[u8]) -> u64 {
    let is_end = |&(place, &byte): &(usize, &u8)| byte == b'\n' || (byte == b'\r' && text.get(place + 1) != Some(&b'\n'));
    text.iter().enumerate().filter(is_end).count() as u64
}

/// Whether a field is a finite number; `nan` and `inf`, which Rust parses too, may be names.
fn is_number(field: &str) -> bool {
    field.parse::<f64>().is_ok_and(f64::is_finite)
}
