//! What was written is read, or it is said that it was damaged.

use std::sync::Arc;

use super::*;
use crate::snapshot::error::StateError;
use crate::snapshot::store::Store;
use crate::testing::FaultStore;
use crate::time::{EventTime, minutes};

/// What a file says: of each step the forgotten windows and the blocks.
type Said = Vec<(String, Vec<Window>, Vec<(u8, Vec<u8>)>)>;

/// A handle as the readers want it.
fn shared(store: &FaultStore) -> Arc<dyn Store> {
    Arc::new(store.clone())
}

fn window(minute: i64) -> Window {
    Window::tumbling(EventTime::from_micros(minute * 60_000_000), minutes(1))
}

fn write(store: &dyn Store, name: &str, said: &Said) -> Result<StateFile, StateError> {
    let mut writer = StateWriter::create(store, name)?;
    for (step, windows, blocks) in said {
        writer.forget(step, windows);
        for (shard, bytes) in blocks {
            writer.block(step, *shard, bytes)?;
        }
    }
    writer.finish()
}

fn read(store: &FaultStore, file: &StateFile) -> Result<Said, StateError> {
    let reader = StateReader::open(&shared(store), file)?;
    let mut ahead = reader.ahead();
    let steps = reader.steps().map(|step| {
        let blocks = reader.blocks(step);
        let blocks = blocks.map(|block| {
            let bytes = reader.read(block)?;
            assert_eq!(ahead.read(block).unwrap(), bytes);
            Ok((block.shard, bytes))
        });
        let blocks = blocks.collect::<Result<_, StateError>>()?;
        Ok((step.into(), reader.forgotten(step).to_vec(), blocks))
    });
    steps.collect()
}

fn example() -> Said {
    vec![
        (
            "window pages_per_minute".into(),
            vec![window(3), window(0)],
            vec![
                (0, b"zero".to_vec()),
                (255, b"last".to_vec()),
                (0, b"again".to_vec()),
            ],
        ),
        ("closes".into(), vec![window(7)], vec![]),
        ("dedup".into(), vec![], vec![(7, vec![0; 50])]),
    ]
}

#[test]
fn what_was_written_is_read() {
    let store = FaultStore::new();
    let file = write(&store, "a", &example()).unwrap();
    assert_eq!(file.bytes, store.length("a").unwrap());
    assert_eq!(read(&store, &file).unwrap(), example());
    let reader = StateReader::open(&shared(&store), &file).unwrap();
    assert_eq!(reader.blocks("unknown").count(), 0);
    assert!(reader.forgotten("unknown").is_empty());
    let file = write(&store, "empty", &vec![]).unwrap();
    assert_eq!(read(&store, &file).unwrap(), vec![]);
}

#[test]
fn a_finished_file_is_durable_once_its_name_is() {
    let store = FaultStore::new();
    let file = write(&store, "a", &example()).unwrap();
    store.sync().unwrap();
    store.crash();
    assert_eq!(read(&store, &file).unwrap(), example());
}

#[track_caller]
fn check_damaged(read: Result<Said, StateError>, case: &str) {
    let error = read.expect_err(case);
    assert!(
        matches!(&error, StateError::Damaged { place, .. } | StateError::Format { place, .. } if place == "memory:a"),
        "{case}: {error}"
    );
}

#[test]
fn a_wrong_bit_in_any_byte_is_found() {
    let store = FaultStore::new();
    let file = write(&store, "a", &example()).unwrap();
    for index in 0..file.bytes {
        store.corrupt("a", index);
        check_damaged(read(&store, &file), &format!("byte {index}"));
        store.corrupt("a", index);
    }
    assert_eq!(read(&store, &file).unwrap(), example());
}

#[test]
fn a_file_that_was_cut_off_is_found() {
    let store = FaultStore::new();
    let mut file = write(&store, "a", &example()).unwrap();
    let longer = StateFile {
        bytes: file.bytes + 1,
        ..file.clone()
    };
    let error = read(&store, &longer).unwrap_err().to_string();
    let expected = format!("({} bytes instead of {})", file.bytes, longer.bytes);
    assert!(error.contains(&expected), "{error}");
    for length in (0..file.bytes).rev() {
        store.truncate("a", length);
        check_damaged(read(&store, &file), &format!("{length} bytes"));
        // Even if the manifest says so.
        file.bytes = length;
        check_damaged(read(&store, &file), &format!("{length} bytes as named"));
        file.bytes = length + 1;
    }
    store.remove("a").unwrap();
    check_damaged(read(&store, &file), "no file");
}

#[test]
fn another_file_of_the_same_length_is_found() {
    let store = FaultStore::new();
    let file = write(&store, "a", &example()).unwrap();
    let mut other = example();
    other[0].2[0].1 = b"ZERO".to_vec();
    write(&store, "a", &other).unwrap();
    check_damaged(read(&store, &file), "another file");
}

#[test]
fn blocks_that_are_read_ahead_are_checked_each() {
    let store = FaultStore::new();
    let blocks = (0..=255).map(|shard| (shard, vec![shard; 1_000 + usize::from(shard)]));
    let mut blocks: Vec<_> = blocks.collect();
    blocks.push((3, vec![3; 100_000]));
    let said = vec![("step".into(), vec![], blocks.clone())];
    let file = write(&store, "a", &said).unwrap();
    store.corrupt("a", HEADER_BYTES + 5_000);
    let reader = StateReader::open(&shared(&store), &file).unwrap();
    let mut ahead = reader.ahead();
    let refs: Vec<&BlockRef> = reader.blocks("step").collect();
    let forth_and_back = (0..refs.len()).chain((0..refs.len()).rev());
    for index in forth_and_back {
        let read = ahead.read(refs[index]);
        if index == 4 {
            let error = read.unwrap_err().to_string();
            assert!(error.contains("shard 4 of \"step\""), "{error}");
        } else {
            assert_eq!(read.unwrap(), blocks[index].1);
        }
    }
}

#[test]
fn damage_says_where_and_what_to_do() {
    let store = FaultStore::new();
    let file = write(&store, "a", &example()).unwrap();
    store.corrupt("a", HEADER_BYTES);
    let error = read(&store, &file).unwrap_err().to_string();
    assert_eq!(
        error,
        "memory:a is damaged (shard 0 of \"window pages_per_minute\" has a wrong checksum): restore it from a copy, or \
         start over with --fresh"
    );
}

#[test]
fn small_blocks_are_written_together() {
    let store = FaultStore::new();
    let kib = vec![7; 1 << 10];
    let mut writer = StateWriter::create(&store, "a").unwrap();
    for n in 0..3_000_u32 {
        writer.block("step", n.to_le_bytes()[0], &kib).unwrap();
    }
    let mib = vec![8; 1 << 20];
    writer.block("large", 0, &mib).unwrap();
    let file = writer.finish().unwrap();
    // create, five pieces, sync
    assert_eq!(store.n_operations(), 7);
    let said = read(&store, &file).unwrap();
    assert_eq!(said[0].2.len(), 3_000);
    assert!(said[0].2.iter().all(|(_, bytes)| *bytes == kib));
    assert_eq!(said[1].2, [(0, mib)]);
}

#[test]
fn a_store_that_fails_is_said_with_the_place() {
    for n in 1..=3 {
        let store = FaultStore::new();
        store.fail_at(n);
        let error = write(&store, "a", &example()).unwrap_err().to_string();
        let action = ["create", "write", "sync"][n as usize - 1];
        let expected = format!("cannot {action} memory:a: the disk is gone");
        assert!(error.starts_with(&expected), "{error}");
    }
    let store = FaultStore::new();
    store.full_after(100);
    let error = write(&store, "a", &example()).unwrap_err().to_string();
    assert!(error.contains("free space and start again"), "{error}");
}
