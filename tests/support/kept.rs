//! What lies in a directory that state is kept in.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

/// The newest manifest that is whole.
pub(crate) fn newest_manifest(state: &Path) -> Option<Value> {
    let slots = ["manifest-0", "manifest-1"].map(|slot| {
        let text = std::fs::read_to_string(state.join(slot)).ok()?;
        serde_json::from_str(text.split_once('\n')?.1).ok()
    });
    let sequence = |manifest: &Value| manifest["sequence"].as_u64();
    slots.into_iter().flatten().max_by_key(sequence)
}

/// How many events and rejected lines are part of what `manifest` committed.
pub(crate) fn n_committed(manifest: &Value) -> u64 {
    let sources = manifest["sources"].as_object().into_iter().flatten();
    let partitions = sources.flat_map(|(_, source)| source["partitions"].as_object());
    let counted = partitions.flatten().flat_map(|(_, partition)| {
        ["events", "rejected"].map(|name| partition[name].as_u64().expect("a number"))
    });
    counted.sum()
}

/// The files of state that `manifest` names.
pub(crate) fn named_files(manifest: &Value) -> BTreeSet<String> {
    let files = manifest["files"].as_array().into_iter().flatten();
    let name = |file: &Value| file["name"].as_str().expect("a name").to_owned();
    files.map(name).collect()
}

/// The names of all files in a directory.
pub(crate) fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let name = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    entries.flatten().map(name).collect()
}
