//! Bytes at random: no panic, no more memory than there are bytes, and never a wrong record.
//!
//! No read asks for more than a file has, so that no damaged length makes anyone take memory.
//!
//! Valid topics are changed in all sorts of ways, or their files are random altogether; then they are opened, read, and
//! written on. Whatever is read must be what was appended, at its own offset: what was changed can be missed, or told, but
//! not believed. The seed is printed; `MILLSTREAM_FUZZ_SEED` sets it, and `MILLSTREAM_FUZZ_SECONDS` how long it goes on.

use std::any::Any;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millstream_connectors::{LogError, MemoryStore, SyncPolicy, TopicSettings};
use millstream_engine::{Store, StoreFile};

use crate::kit::{open, record, settings, try_open, with_id};

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// A store that looks at how much is read at once.
#[derive(Clone)]
struct Watched(MemoryStore);

impl Store for Watched {
    fn place(&self, name: &str) -> String {
        self.0.place(name)
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn StoreFile>> {
        self.0.create(name)
    }
    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let there = self.0.length(name)?;
        assert!(
            offset + length as u64 <= there,
            "{length} bytes of {name} from {offset} on, of {there}"
        );
        self.0.read(name, offset, length)
    }
    fn length(&self, name: &str) -> io::Result<u64> {
        self.0.length(name)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }
    fn names(&self) -> io::Result<Vec<String>> {
        self.0.names()
    }
    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        self.0.lock()
    }
    fn within(&self, name: &str) -> io::Result<Arc<dyn Store>> {
        self.0.within(name)
    }
}

fn variable<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

fn few(random: &mut Random) -> TopicSettings {
    let sync = [SyncPolicy::EveryGroup, SyncPolicy::Never][random.below(2)];
    settings(1)
        .segment_bytes(300 + random.below(400) as u64)
        .record_bytes_max(5000)
        .sync(sync)
}

/// A topic with its payloads; the process may have been killed.
fn made(random: &mut Random) -> (MemoryStore, Vec<Vec<u8>>) {
    let store = MemoryStore::new();
    let topic = open(&store, few(random));
    let mut payloads = Vec::new();
    for n in 0..random.below(12) {
        let mut group = Vec::new();
        for m in 0..=random.below(4) {
            let text = format!("{n}.{m} {}", "x".repeat(random.below(80)));
            payloads.push(text.clone().into_bytes());
            group.push(if random.below(2) == 0 {
                with_id(text)
            } else {
                record(text)
            });
        }
        topic.append_and_wait(group).unwrap();
    }
    if random.below(3) > 0 {
        // As a killed process leaves it.
        return (copy_of(&store), payloads);
    }
    (store, payloads)
}

/// A store with the same files.
fn copy_of(store: &MemoryStore) -> MemoryStore {
    let copy = MemoryStore::new();
    for name in store.names().unwrap() {
        let length = usize::try_from(store.length(&name).unwrap()).unwrap();
        let bytes = store.read(&name, 0, length).unwrap();
        copy.create(&name).unwrap().write(&bytes).unwrap();
    }
    copy
}

/// Changes `bytes` somehow.
fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len());
    match random.below(8) {
        0 => bytes.truncate(at),
        1 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
        2 => {
            let end = (at + random.below(200)).min(bytes.len());
            bytes[at..end].fill(0);
        }
        3 => {
            let end = (at + random.below(200)).min(bytes.len());
            bytes.drain(at..end);
        }
        4 => {
            let end = (at + random.below(200)).min(bytes.len());
            let again = bytes[at..end].to_vec();
            bytes.extend(again);
        }
        5 => bytes.extend((0..random.below(300)).map(|_| random.next() as u8)),
        6 if bytes.len() > at + 4 => {
            // Lengths are where most harm could be done.
            let length = [u32::MAX, 0, 31, 32, 5000, 1 << 30][random.below(6)];
            bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
        }
        7 => {
            *bytes = (0..random.below(500))
                .map(|_| random.next() as u8)
                .collect()
        }
        _ => {}
    }
}

/// Changes files of the topic; gives whether any was.
fn break_some(store: &MemoryStore, random: &mut Random) {
    let mut names = store.names().unwrap();
    names.retain(|name| name.ends_with(".log") || name.ends_with(".index"));
    names.sort();
    for _ in 0..random.below(4) {
        if names.is_empty() {
            return;
        }
        let name = &names[random.below(names.len())];
        let length = usize::try_from(store.length(name).unwrap()).unwrap();
        let mut bytes = store.read(name, 0, length).unwrap();
        change(&mut bytes, random);
        store.create(name).unwrap().write(&bytes).unwrap();
    }
}

/// What a topic may say of files that were changed.
fn is_told(error: &LogError) -> bool {
    matches!(
        error,
        LogError::Damaged { .. } | LogError::DamagedFile { .. }
    )
}

fn round(random: &mut Random, n: u64) {
    let (store, payloads) = made(random);
    break_some(&store, random);
    let settings = few(random);
    let topic = match try_open(&Watched(store), settings) {
        Ok(topic) => topic,
        Err(error) => {
            assert!(is_told(&error), "round {n}: {error}");
            return;
        }
    };
    let end = topic.end(0);
    assert!(
        end <= payloads.len() as u64,
        "round {n}: {end} records of {}",
        payloads.len()
    );
    let from = random.below(payloads.len() + 1) as u64;
    let mut reader = topic.read(0, from.min(end));
    loop {
        match reader.next() {
            Ok(Some(record)) => {
                let expected = &payloads[usize::try_from(record.offset).unwrap()];
                assert_eq!(
                    record.payload, expected,
                    "round {n}, record {}",
                    record.offset
                );
            }
            Ok(None) => break,
            Err(error) => {
                assert!(is_told(&error), "round {n}: {error}");
                break;
            }
        }
    }
    topic.append_and_wait(vec![record("new")]).unwrap();
    let mut reader = topic.read(0, end);
    assert_eq!(reader.next().unwrap().unwrap().payload, b"new", "round {n}");
}

#[test]
fn nothing_wrong_is_believed() {
    let seconds = variable("MILLSTREAM_FUZZ_SECONDS").unwrap_or(2);
    let seed = variable("MILLSTREAM_FUZZ_SEED").unwrap_or(0x5eed);
    let until = Instant::now() + Duration::from_secs(seconds);
    println!("seed {seed}");
    let mut n = 0;
    while Instant::now() < until {
        // Each round can be repeated alone.
        round(&mut Random(seed ^ (n << 20)), n);
        n += 1;
    }
    println!("{n} rounds");
}
