//! Reads back what the Parquet sink wrote.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

/// All files below `root`, sorted.
pub(crate) fn files_below(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path)
            } else {
                found.push(path)
            }
        }
    }
    found.sort();
    found
}

/// The rows of all Parquet files below `root`, each as its values in text, sorted.
pub(crate) fn rows_below(root: &Path) -> Vec<Vec<String>> {
    let parquet = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "parquet")
    };
    let mut rows = Vec::new();
    for path in files_below(root).into_iter().filter(parquet) {
        let reader = SerializedFileReader::new(File::open(&path).expect("it is there"))
            .expect("it is whole");
        for row in reader.get_row_iter(None).expect("rows") {
            let row = row.expect("a row");
            rows.push(
                row.get_column_iter()
                    .map(|(_, field)| text(field))
                    .collect(),
            );
        }
    }
    rows.sort();
    rows
}

/// A time in microseconds, a float with all its digits, anything else as it is.
fn text(field: &Field) -> String {
    match field {
        Field::TimestampMicros(micros) => micros.to_string(),
        Field::Double(float) => format!("{float:?}"),
        Field::Long(n) => n.to_string(),
        Field::Str(text) => text.clone(),
        other => other.to_string(),
    }
}
