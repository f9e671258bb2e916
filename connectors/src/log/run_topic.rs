//! The topic of a run: beside its state, or in memory if it keeps none.
//!
//! It belongs to the state: when that is forgotten and a run begins anew, what the topic has is of no use any more, and
//! it begins anew as well. Which run's it is stands in a file of its own, that is written last and removed first.

use std::fmt::Write as _;
use std::sync::Arc;

use millstream_engine::{SinkContext, Store};
use serde::{Deserialize, Serialize};

use super::checked_file::CheckedFile;
use super::error::LogError;
use super::memory_store::MemoryStore;
use super::settings::{Retention, SyncPolicy, TopicSettings};
use super::topic::Topic;

const RUN: CheckedFile = CheckedFile("run");

/// How much is kept where nothing is durable.
const IN_MEMORY_BYTES: u64 = 16 * 1024 * 1024;

/// Whose topic it is.
#[derive(Serialize, Deserialize)]
struct RunFile {
    run: String,
}

/// Opens the topic of sink `cx.name`.
pub(super) fn open(cx: &SinkContext, settings: TopicSettings) -> Result<Topic, LogError> {
    let name = store_name("sink", &cx.name);
    let below = cx.place.within(&name);
    match below.map_err(LogError::write("make the store", name))? {
        Some(store) => open_of(&cx.run, store, settings),
        None => {
            let retention = Retention {
                bytes: IN_MEMORY_BYTES,
                ignore_readers: true,
                ..Retention::default()
            };
            let settings = settings
                .retention(retention)
                .sync(SyncPolicy::Never)
                .segment_bytes(IN_MEMORY_BYTES / 16);
            Topic::open_in(Arc::new(MemoryStore::new()), settings)
        }
    }
}

/// Opens the topic in `store` for the lineage `run`; one of another lineage is removed, and begins anew.
pub(crate) fn open_of(
    run: &str,
    store: Arc<dyn Store>,
    settings: TopicSettings,
) -> Result<Topic, LogError> {
    let names = store.names();
    let names = names.map_err(LogError::read("list", store.place("")))?;
    let found: Option<RunFile> = RUN.read(&*store, &names)?;
    if found.is_some_and(|found| found.run == run) {
        return Topic::open_in(store, settings);
    }
    remove_all(&*store, &names)?;
    let topic = Topic::open_in(Arc::clone(&store), settings)?;
    let of_run = RunFile {
        run: run.to_owned(),
    };
    RUN.write(&*store, &of_run)?;
    Ok(topic)
}

fn remove_all(store: &dyn Store, names: &[String]) -> Result<(), LogError> {
    let (first, rest): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| *name == RUN.0);
    for names in [first, rest].into_iter().filter(|names| !names.is_empty()) {
        for name in names {
            let removed = store.remove(name);
            removed.map_err(LogError::write("remove", store.place(name)))?;
        }
        let synced = store.sync();
        synced.map_err(LogError::write("sync the names in", store.place("")))?;
    }
    Ok(())
}

/// The name of the store for the source or sink `name`: what cannot stand in the name of a file is written as its bytes.
pub(crate) fn store_name(kind: &str, of: &str) -> String {
    let mut name = format!("{kind}-");
    for byte in of.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            _ => write!(name, "%{byte:02x}").expect("a text takes everything"),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use millstream_engine::testing::FaultStore;

    use super::*;
    use crate::log::NewRecord;

    #[test]
    fn another_lineage_begins_anew_wherever_the_first_was_left() {
        let store = FaultStore::new();
        let open = |run: &str| open_of(run, Arc::new(store.clone()), TopicSettings::new());
        let topic = open("a").unwrap();
        topic.append_and_wait(vec![NewRecord::new("1")]).unwrap();
        topic.close().unwrap();
        assert_eq!(open("a").unwrap().end(0), 1);
        for n in 1.. {
            let before = store.n_operations();
            store.lose_at(n);
            let opened = open("b");
            let took = store.n_operations() - before;
            drop(opened);
            store.crash();
            let end = open("b").unwrap().end(0);
            assert_eq!(end, 0, "after operation {n} of {took}");
            if took < n {
                break;
            }
            // Back to where it was: the lineage of an old snapshot, say.
            let again = open("a").unwrap();
            again.append_and_wait(vec![NewRecord::new("2")]).unwrap();
            again.close().unwrap();
        }
    }

    #[test]
    fn any_name_is_the_name_of_a_store() {
        assert_eq!(store_name("sink", "dead-letters"), "sink-dead-letters");
        assert_eq!(store_name("sink", "A/é"), "sink-%41%2f%c3%a9");
    }
}
