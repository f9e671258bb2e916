//! Views become files, whole or not at all.

use std::fs;

use millstream_queries::{Export, ExportError};

use crate::made_up::{ROWS, Tested, snapshot};

#[test]
fn the_extension_says_how() -> Tested {
    let folder = tempfile::tempdir()?;
    let snapshot = snapshot(3, &ROWS);
    for (name, first) in [("a.json", '['), ("a.ndjson", '{'), ("a.csv", 'w')] {
        let path = folder.path().join(name);
        assert_eq!(snapshot.export("pages", &path)?, 5);
        assert!(fs::read_to_string(&path)?.starts_with(first), "{name}");
    }
    let rows: serde_json::Value = serde_json::from_slice(&fs::read(folder.path().join("a.json"))?)?;
    assert_eq!(rows.as_array().map(Vec::len), Some(5));
    assert_eq!(
        fs::read_dir(folder.path())?.count(),
        3,
        "nothing else is left behind"
    );
    Ok(())
}

#[test]
fn what_was_there_stays_until_the_new_is_whole() -> Tested {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("pages.csv");
    fs::write(&path, "old")?;
    let snapshot = snapshot(3, &ROWS);
    let unknown = snapshot.export("page", &path);
    assert!(matches!(unknown, Err(ExportError::UnknownView { .. })));
    assert_eq!(fs::read_to_string(&path)?, "old");
    snapshot.export("pages", &path)?;
    assert_eq!(fs::read_to_string(&path)?.lines().count(), 6);
    Ok(())
}

#[test]
fn mistakes_are_told_and_leave_nothing() -> Tested {
    let folder = tempfile::tempdir()?;
    let snapshot = snapshot(3, &ROWS);
    let no_format = snapshot.export("pages", folder.path().join("pages.txt"));
    assert!(matches!(
        no_format,
        Err(ExportError::UnknownExtension { .. })
    ));
    let no_folder = snapshot.export("pages", folder.path().join("none/pages.csv"));
    assert!(matches!(no_folder, Err(ExportError::Write { .. })));
    fs::create_dir(folder.path().join("folder.csv"))?;
    let in_the_way = snapshot.export("pages", folder.path().join("folder.csv"));
    assert!(matches!(in_the_way, Err(ExportError::Write { .. })));
    assert_eq!(fs::read_dir(folder.path())?.count(), 1);
    Ok(())
}
