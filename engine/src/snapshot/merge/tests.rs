//! Merged files against the files that were merged, both read in the plainest way.

use std::collections::BTreeMap;
use std::ops::Range;

use super::*;
use crate::shard::Shard;
use crate::snapshot::log::Log;
use crate::testing::FaultStore;
use crate::testing::random::Random;
use crate::time::{EventTime, minutes};

const STEPS: [&str; 2] = ["window a", "dedup b"];
const SHARDS: [u64; 3] = [0, 1, 255];

/// A handle as the readers want it.
fn shared(store: &FaultStore) -> Arc<dyn Store> {
    Arc::new(store.clone())
}

fn window(minute: i64) -> Window {
    Window::tumbling(EventTime::from_micros(minute * 60_000_000), minutes(1))
}

fn shard(number: u64) -> Shard {
    Shard::of_hash(number << 40)
}

/// Writes a file of the logs of steps, each in slices as they come.
fn write(store: &dyn Store, name: &str, slices: Vec<(&str, Log)>) -> StateFile {
    let mut writer = StateWriter::create(store, name).unwrap();
    for (step, mut log) in slices {
        writer.forget(step, &log.take_forgotten());
        for (shard, bytes) in log.take_blocks(1) {
            writer.block(step, shard, &bytes).unwrap();
        }
        assert_eq!(log.take_error(), None);
    }
    writer.finish().unwrap()
}

/// By step, shard, window and key: the pieces of the value.
type State = BTreeMap<(String, u8, Option<Window>, u64), Vec<u64>>;

/// What `files` say one after the other.
fn replay(store: &FaultStore, files: &[StateFile]) -> State {
    let mut state = State::new();
    for file in files {
        let reader = StateReader::open(&shared(store), file).unwrap();
        for step in reader.steps() {
            for forgotten in reader.forgotten(step) {
                state.retain(|(of, _, window, _), _| of != step || *window != Some(*forgotten));
            }
            for block in reader.blocks(step) {
                for entry in Entries(&reader.read(block).unwrap()) {
                    let (entry, _) = entry.unwrap();
                    let key = entry.key::<u64>().unwrap();
                    let key = (step.to_owned(), block.shard, entry.window, key);
                    let value = || entry.value().take::<u64>().unwrap();
                    match entry.kind {
                        Kind::Put => drop(state.insert(key, vec![value()])),
                        Kind::Add => state.entry(key).or_default().push(value()),
                        Kind::Remove => drop(state.remove(&key)),
                    }
                }
            }
        }
    }
    state
}

/// Steps that say this and that of few keys in few windows, about each key once in a file.
struct Steps {
    random: Random,
    n_values: u64,
}

impl Steps {
    fn file(&mut self, store: &dyn Store, name: &str) -> StateFile {
        let mut slices = Vec::new();
        for step in STEPS {
            let mut logs = [Log::default(), Log::default()];
            for minute in 0..2 {
                if self.random.below(4) == 0 {
                    let slice = self.random.below(2) as usize;
                    logs[slice].forget(window(minute));
                }
            }
            for n in 0..18 {
                let slice = self.random.below(2) as usize;
                self.change(&mut logs[slice], n);
            }
            slices.extend(logs.map(|log| (step, log)));
        }
        write(store, name, slices)
    }

    fn change(&mut self, log: &mut Log, n: u64) {
        let shard = shard(SHARDS[(n % 3) as usize]);
        let window = [None, Some(window(0)), Some(window(1))][(n / 3 % 3) as usize];
        let key = n / 9;
        self.n_values += 1;
        let value = self.n_values;
        match self.random.below(6) {
            0 => log.put(shard, window, &key, |saving| saving.put(&value)),
            1 => log.add(shard, window, &key, |saving| saving.put(&value)),
            2 => log.remove(shard, window, &key),
            _ => {}
        }
    }
}

fn merged(
    store: &FaultStore,
    files: &[StateFile],
    range: Range<usize>,
    name: &str,
) -> Vec<StateFile> {
    let new = merge(
        &shared(store),
        &files[range.clone()],
        range.start == 0,
        |_| true,
        name,
    )
    .unwrap();
    let mut files = files.to_vec();
    files.splice(range, [new]);
    files
}

#[test]
fn merging_any_files_changes_nothing_that_is_read() {
    let mut n_read = 0;
    for seed in 0..60 {
        let store = FaultStore::new();
        let random = Random::new(seed);
        let mut steps = Steps {
            random,
            n_values: 0,
        };
        let n_files = 1 + steps.random.below(7) as usize;
        let files = (0..n_files).map(|n| steps.file(&store, &format!("{n}")));
        let files: Vec<StateFile> = files.collect();
        let expected = replay(&store, &files);
        n_read += expected.len();
        for start in 0..n_files {
            for end in start + 1..=n_files {
                let merged = merged(&store, &files, start..end, "merged");
                let found = replay(&store, &merged);
                assert_eq!(
                    found, expected,
                    "seed {seed}, files {start}..{end} of {n_files}"
                );
            }
        }
    }
    assert!(n_read > 500, "only {n_read} keys had a value");
}

#[test]
fn merging_again_and_again_changes_nothing_that_is_read() {
    for seed in 100..130 {
        let store = FaultStore::new();
        let random = Random::new(seed);
        let mut steps = Steps {
            random,
            n_values: 0,
        };
        let (mut all, mut live) = (Vec::new(), Vec::new());
        for n in 0..12 {
            let file = steps.file(&store, &format!("{n}"));
            all.push(file.clone());
            live.push(file);
            let start = steps.random.below(live.len() as u64) as usize;
            if steps.random.below(2) == 0 {
                let range = start..live.len();
                live = merged(&store, &live, range, &format!("{n} merged"));
            }
            assert_eq!(
                replay(&store, &live),
                replay(&store, &all),
                "seed {seed}, file {n}"
            );
        }
        let base = merged(&store, &live, 0..live.len(), "base");
        let reader = StateReader::open(&shared(&store), &base[0]).unwrap();
        for step in reader.steps() {
            assert!(reader.forgotten(step).is_empty(), "seed {seed}");
            for block in reader.blocks(step) {
                let bytes = reader.read(block).unwrap();
                let removes = Entries(&bytes).any(|entry| entry.unwrap().0.kind == Kind::Remove);
                assert!(!removes, "seed {seed}");
            }
        }
    }
}

/// One file for each log, merged with and without something below; reads what the log `below` and they say.
fn check(below: Log, logs: Vec<Log>, key: u64, expected: &[u64]) {
    let store = FaultStore::new();
    let mut files = vec![write(&store, "below", vec![("step", below)])];
    for (n, log) in logs.into_iter().enumerate() {
        files.push(write(&store, &format!("{n}"), vec![("step", log)]));
    }
    let n_files = files.len();
    for start in [0, 1] {
        let merged = merged(&store, &files, start..n_files, "merged");
        let pieces: Vec<_> = replay(&store, &merged).into_iter().collect();
        let expected = (!expected.is_empty()).then(|| {
            let key = ("step".to_owned(), 0, Some(window(0)), key);
            (key, expected.to_vec())
        });
        assert_eq!(pieces, Vec::from_iter(expected), "from {start}");
    }
}

fn log(change: impl FnOnce(&mut Log)) -> Log {
    let mut log = Log::default();
    change(&mut log);
    log
}

fn put(log: &mut Log, key: u64, value: u64) {
    log.put(shard(0), Some(window(0)), &key, |saving| saving.put(&value));
}

fn add(log: &mut Log, key: u64, value: u64) {
    log.add(shard(0), Some(window(0)), &key, |saving| saving.put(&value));
}

#[test]
fn what_a_window_holds_after_it_was_forgotten_stays() {
    let below = || log(|log| put(log, 1, 10));
    let forget = || log(|log| log.forget(window(0)));
    let put_one = |value| log(|log| put(log, 1, value));
    let add_one = |value| log(|log| add(log, 1, value));
    let remove = || log(|log| log.remove(shard(0), Some(window(0)), &1_u64));
    check(below(), vec![forget()], 1, &[]);
    check(below(), vec![forget(), put_one(11)], 1, &[11]);
    check(below(), vec![put_one(11), forget()], 1, &[]);
    check(below(), vec![put_one(11), forget(), put_one(12)], 1, &[12]);
    check(
        below(),
        vec![put_one(11), forget(), add_one(12), add_one(13)],
        1,
        &[12, 13],
    );
    check(below(), vec![forget(), put_one(11), forget()], 1, &[]);
    check(below(), vec![forget(), put_one(11), remove()], 1, &[]);
    check(below(), vec![forget(), remove(), add_one(11)], 1, &[11]);
    check(below(), vec![remove()], 1, &[]);
    check(below(), vec![remove(), add_one(11)], 1, &[11]);
    check(
        below(),
        vec![add_one(11), put_one(12), add_one(13)],
        1,
        &[12, 13],
    );
    check(below(), vec![add_one(11), add_one(12)], 1, &[10, 11, 12]);
    let forget_then_put = log(|log| {
        put(log, 2, 20);
        log.forget(window(0));
    });
    check(below(), vec![put_one(11), forget_then_put], 2, &[20]);
}

#[test]
fn what_was_said_twice_is_kept_once() {
    let store = FaultStore::new();
    let files: Vec<StateFile> = (0..10)
        .map(|n| {
            let log = log(|log| (0..100).for_each(|key| put(log, key, n)));
            write(&store, &format!("{n}"), vec![("step", log)])
        })
        .collect();
    let merged = merge(&shared(&store), &files, true, |_| true, "merged").unwrap();
    assert_eq!(merged.bytes, files[0].bytes);
}

#[test]
fn what_a_step_said_that_is_gone_is_left_out() {
    let store = FaultStore::new();
    let mut steps = Steps {
        random: Random::new(11),
        n_values: 0,
    };
    let files: Vec<StateFile> = ["0", "1", "2"].map(|n| steps.file(&store, n)).into();
    let gone = STEPS[1];
    let merged = merge(&shared(&store), &files, true, |step| step != gone, "merged").unwrap();
    let mut expected = replay(&store, &files);
    expected.retain(|(step, ..), _| step != gone);
    assert_eq!(replay(&store, &[merged]), expected);
}

#[test]
fn a_damaged_input_is_named() {
    let store = FaultStore::new();
    let mut steps = Steps {
        random: Random::new(7),
        n_values: 0,
    };
    let files: Vec<StateFile> = ["0", "1", "2"].map(|n| steps.file(&store, n)).into();
    store.corrupt("1", 20);
    let error = merge(&shared(&store), &files, false, |_| true, "merged").unwrap_err();
    let error = error.to_string();
    assert!(
        error.starts_with("memory:1 is damaged (shard 0 of "),
        "{error}"
    );

    let mut writer = StateWriter::create(&store, "cut").unwrap();
    writer.block("step", 9, b"\x01\x00\x05").unwrap();
    let cut = writer.finish().unwrap();
    let error = merge(&shared(&store), &[cut], false, |_| true, "merged").unwrap_err();
    let error = error.to_string();
    assert!(
        error.starts_with("memory:cut is damaged (shard 9 of \"step\": an entry is cut off)"),
        "{error}"
    );
}

#[test]
fn a_merge_that_fails_anywhere_leaves_its_inputs() {
    let mut steps = Steps {
        random: Random::new(8),
        n_values: 0,
    };
    let store = FaultStore::new();
    let files: Vec<StateFile> = ["0", "1", "2"].map(|n| steps.file(&store, n)).into();
    store.sync().unwrap();
    let expected = replay(&store, &files);
    let before = store.n_operations();
    merge(&shared(&store), &files, true, |_| true, "merged").unwrap();
    for n in 1..=store.n_operations() - before {
        store.tear_at(n);
        assert!(merge(&shared(&store), &files, true, |_| true, "merged").is_err());
        store.crash();
        assert_eq!(replay(&store, &files), expected);
    }
}
