//! The store against what file systems promise.

use super::*;

fn write(store: &FaultStore, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = store.create(name)?;
    file.write(bytes)?;
    file.sync()
}

/// A store that holds `files` durably.
fn holding(files: &[(&str, &str)]) -> FaultStore {
    let store = FaultStore::new();
    for (name, text) in files {
        write(&store, name, text.as_bytes()).unwrap();
    }
    store.sync().unwrap();
    store
}

fn text(store: &FaultStore, name: &str) -> String {
    let length = store.length(name).unwrap() as usize;
    String::from_utf8(store.read(name, 0, length).unwrap()).unwrap()
}

/// All that is there.
#[track_caller]
fn check(store: &FaultStore, expected: &[(&str, &str)]) {
    let names = store.names().unwrap();
    let found: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), text(store, name)))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, text)| (*name, (*text).into()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn contents_and_names_are_durable_each_for_itself() {
    let store = FaultStore::new();
    write(&store, "nameless", b"synced").unwrap();
    store.crash();
    check(&store, &[]);

    let mut file = store.create("empty").unwrap();
    file.write(b"not synced").unwrap();
    store.sync().unwrap();
    check(&store, &[("empty", "not synced")]);
    store.crash();
    check(&store, &[("empty", "")]);

    let mut file = store.create("half").unwrap();
    file.write(b"synced").unwrap();
    file.sync().unwrap();
    file.write(b" and not").unwrap();
    store.sync().unwrap();
    store.crash();
    check(&store, &[("empty", ""), ("half", "synced")]);
}

#[test]
fn renaming_and_removing_are_durable_with_the_names() {
    let store = holding(&[("a", "old"), ("b", "new"), ("c", "gone")]);
    store.rename("b", "a").unwrap();
    store.remove("c").unwrap();
    check(&store, &[("a", "new")]);
    store.crash();
    check(&store, &[("a", "old"), ("b", "new"), ("c", "gone")]);
    store.rename("b", "a").unwrap();
    store.remove("c").unwrap();
    store.sync().unwrap();
    store.crash();
    check(&store, &[("a", "new")]);
}

#[test]
fn creating_again_empties_the_file_for_good() {
    let store = holding(&[("a", "old")]);
    let mut file = store.create("a").unwrap();
    file.write(b"new").unwrap();
    check(&store, &[("a", "new")]);
    store.crash();
    check(&store, &[("a", "")]);
}

#[test]
fn what_is_not_there_cannot_be_read_renamed_or_removed() {
    let store = holding(&[("a", "1234")]);
    let missing = |result: io::Result<()>| {
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::NotFound);
    };
    missing(store.length("b").map(drop));
    missing(store.read("b", 0, 0).map(drop));
    missing(store.rename("b", "a"));
    missing(store.remove("b"));
    for (offset, length) in [(0, 5), (4, 1), (9, 0), (u64::MAX, 1)] {
        let error = store.read("a", offset, length).unwrap_err();
        assert_eq!(
            error.kind(),
            io::ErrorKind::UnexpectedEof,
            "{offset}, {length}"
        );
    }
    assert_eq!(store.read("a", 4, 0).unwrap(), b"");
}

/// Replaces `a` in the way that is always right. Seven operations.
fn replace(store: &FaultStore) -> io::Result<()> {
    let mut file = store.create("new")?;
    file.write(b"ne")?;
    file.write(b"w!")?;
    file.sync()?;
    store.sync()?;
    store.rename("new", "a")?;
    store.sync()
}

#[test]
fn a_replacement_that_fails_anywhere_leaves_old_or_new() {
    for arm in [
        FaultStore::fail_at,
        FaultStore::tear_at,
        FaultStore::lose_at,
    ] {
        for n in 1..=7 {
            let store = holding(&[("a", "old")]);
            let before = store.n_operations();
            arm(&store, n);
            let replaced = replace(&store);
            assert!(replaced.is_err() || n == 7, "operation {n}");
            assert!(store.names().is_err(), "the disk is gone");
            assert!(store.lock().is_err(), "the disk is gone");
            assert_eq!(store.n_operations() - before, n);
            store.crash();
            let found = text(&store, "a");
            assert!(found == "old" || found == "new!", "operation {n}: {found}");
            if replaced.is_ok() {
                assert_eq!(found, "new!");
            }
            replace(&store).unwrap();
            store.crash();
            check(&store, &[("a", "new!")]);
        }
    }
}

#[test]
fn a_failure_does_nothing_and_says_where_it_was() {
    let store = holding(&[("a", "old")]);
    store.fail_at(2);
    let mut file = store.create("b").unwrap();
    let error = file.write(b"1234").unwrap_err().to_string();
    assert_eq!(
        error,
        "the disk is gone since operation 6: write 4 bytes to b"
    );
    assert_eq!(store.remove("a").unwrap_err().to_string(), error);
    store.kill();
    check(&store, &[("a", "old"), ("b", "")]);
}

#[test]
fn a_torn_write_leaves_half() {
    let store = holding(&[]);
    let mut file = store.create("a").unwrap();
    store.sync().unwrap();
    file.write(b"12").unwrap();
    store.tear_at(1);
    assert!(file.write(b"3456").is_err());
    store.crash();
    check(&store, &[("a", "1234")]);
}

#[test]
fn a_torn_sync_leaves_half() {
    let store = holding(&[]);
    let mut file = store.create("a").unwrap();
    store.sync().unwrap();
    file.write(b"1234").unwrap();
    store.tear_at(1);
    assert!(file.sync().is_err());
    store.crash();
    check(&store, &[("a", "12")]);
}

#[test]
fn a_torn_rename_names_what_was_not_synced() {
    let store = holding(&[("a", "old")]);
    let mut file = store.create("b").unwrap();
    file.write(b"never synced").unwrap();
    store.tear_at(1);
    assert!(store.rename("b", "a").is_err());
    store.crash();
    check(&store, &[("a", "")]);
}

#[test]
fn a_torn_creation_or_removal_is_durable() {
    let store = holding(&[("a", "old")]);
    store.tear_at(1);
    assert!(store.remove("a").is_err());
    store.crash();
    check(&store, &[]);
    store.tear_at(1);
    assert!(store.create("b").is_err());
    store.crash();
    check(&store, &[("b", "")]);
}

#[test]
fn names_that_are_synced_together_come_in_any_order() {
    let store = holding(&[("manifest", "old")]);
    write(&store, "state", b"what the manifest names").unwrap();
    write(&store, "manifest.new", b"new").unwrap();
    store.rename("manifest.new", "manifest").unwrap();
    store.tear_at(1);
    assert!(store.sync().is_err());
    store.crash();
    check(&store, &[("manifest", "new")]);
}

#[test]
fn what_is_lost_had_succeeded() {
    let store = holding(&[]);
    store.lose_at(2);
    let mut file = store.create("a").unwrap();
    file.write(b"1").unwrap();
    assert!(file.write(b"2").is_err());
    store.crash();
    check(&store, &[]);
}

#[test]
fn a_full_store_takes_what_fits_until_something_is_removed() {
    let store = holding(&[("a", "1234")]);
    store.full_after(6);
    let mut file = store.create("b").unwrap();
    let error = file.write(b"567").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    check(&store, &[("a", "1234"), ("b", "56")]);
    store.remove("a").unwrap();
    file.write(b"7").unwrap();
    check(&store, &[("b", "567")]);
    store.crash();
    write(&store, "c", b"no limit any more").unwrap();
}

#[test]
fn a_killed_process_loses_nothing_but_its_hold() {
    let store = holding(&[]);
    let guard = store.lock().unwrap();
    let mut file = store.create("a").unwrap();
    file.write(b"not synced").unwrap();
    store.kill();
    check(&store, &[("a", "not synced")]);
    assert!(file.write(b"!").is_err());
    let _other = store.lock().unwrap();
    drop(guard);
    assert!(
        store.lock().is_err(),
        "the old guard let go of the new lock"
    );
    store.crash();
    check(&store, &[]);
}

#[test]
fn the_lock_keeps_others_away() {
    let store = holding(&[]);
    let guard = store.lock().unwrap();
    let refused = store.clone().lock().unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
    drop(guard);
    let _guard = store.lock().unwrap();
    store.crash();
    assert!(store.lock().is_ok());
}

#[test]
fn damage_outlasts_a_crash() {
    let store = holding(&[("a", "abcd")]);
    store.corrupt("a", 1);
    store.truncate("a", 3);
    store.crash();
    check(&store, &[("a", "acc")]);
}

#[test]
#[should_panic(expected = "\"a\" has no byte 4")]
fn damage_that_would_not_happen_is_a_mistake() {
    holding(&[("a", "abcd")]).corrupt("a", 4);
}
