//! The queries of Nexmark over a small file give the rows that are written down beside it, letter for letter: names and order
//! of columns, decimals, texts that are hard to write. `UPDATE_GOLDEN=1` writes them down anew.

#[path = "support/nexmark.rs"]
mod process;

use std::path::{Path, PathBuf};

use process::{QUERIES, check_rows, lines, nexmark, ran};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/nexmark")
        .join(name)
}

#[test]
fn rows_are_as_they_are_written_down() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("rows.ndjson");
    let updates = std::env::var_os("UPDATE_GOLDEN").is_some();
    // One depends on when it runs.
    for query in QUERIES.into_iter().filter(|query| *query != "q12") {
        let expected = golden(&format!("{query}.ndjson"));
        for workers in ["1", "3"] {
            let mut command = nexmark(query);
            command
                .args(["--workers", workers, "--input"])
                .arg(golden("events.ndjson"));
            let (summary, told) = ran(command.arg("--output").arg(&output));
            let rows = lines(&output);
            if updates {
                std::fs::write(&expected, rows.join("\n") + "\n")?;
            }
            check_rows(query, &rows, &lines(&expected));
            assert_eq!(summary["rows"], rows.len());
            assert_eq!(summary["events"], 647, "{query}");
            assert!(told.contains("no events: 4\n"), "{told}");
        }
    }
    Ok(())
}
