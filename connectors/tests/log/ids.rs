//! Ids: what is sent again is there once, and whoever sends it again is told when the first one is durable.

use std::any::Any;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millstream_connectors::{Appended, LogError, MemoryStore, Topic};
use millstream_engine::{Store, StoreFile, minutes, seconds, testing::FaultStore};

use crate::kit::{clock, die, open, payloads, record, settings, with_id};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn what_is_sent_again_is_there_once() {
    let topic = open(&MemoryStore::new(), settings(3));
    let batch = || (0..20).map(|n| with_id(n.to_string())).collect::<Vec<_>>();
    let first = topic.append_and_wait(batch()).unwrap();
    assert_eq!((first.duplicates, first.ends.len()), (0, 3));
    let mut longer = batch();
    longer.insert(7, with_id("new"));
    longer.push(with_id("new"));
    longer.push(record("no id"));
    let second = topic.append_and_wait(longer).unwrap();
    assert_eq!(second.duplicates, 21);
    let all: usize = (0..3)
        .map(|partition| payloads(&topic, partition).len())
        .sum();
    assert_eq!(all, 22);
    let third = topic.append_and_wait(batch()).unwrap();
    assert_eq!(
        (third.ends, third.duplicates),
        (first.ends, 20),
        "the offsets of the originals"
    );
}

#[test]
fn they_are_known_after_opening_again() {
    for segment_bytes in [200, 1 << 20] {
        let store = FaultStore::new();
        let settings = || settings(2).segment_bytes(segment_bytes).remember_ids(40);
        for round in 0..4 {
            let topic = open(&store, settings());
            let new = (0..10).map(|n| with_id(format!("{round}.{n}")));
            let known = (0..round * 10).map(|n| with_id(format!("{}.{}", n / 10, n % 10)));
            let appended = topic.append_and_wait(known.chain(new).collect()).unwrap();
            assert_eq!(appended.duplicates, round * 10);
            if round % 2 == 0 {
                topic.close().unwrap();
            } else {
                die(topic, &store);
                store.crash();
            }
        }
        // Those of one partition may be more than half.
        let topic = open(&store, settings().remember_ids(10));
        let oldest = topic.append_and_wait(vec![with_id("0.0")]).unwrap();
        assert_eq!(oldest.duplicates, 0, "no more are remembered than may be");
    }
}

#[test]
fn they_are_forgotten_after_a_while() {
    for reopens in [false, true] {
        let (store, clock) = (FaultStore::new(), clock());
        let settings = || settings(1).clock(clock.clone()).segment_bytes(100);
        let mut topic = open(&store, settings());
        let send = |topic: &Topic, id: &str| {
            let appended = topic.append_and_wait(vec![with_id(id)]).unwrap();
            appended.duplicates == 1
        };
        for minute in 0..=10 {
            assert!(!send(&topic, &minute.to_string()));
            clock.advance(minutes(1));
        }
        if reopens {
            topic.close().unwrap();
            topic = open(&store, settings());
        }
        assert!(send(&topic, "0"), "ten minutes ago, as of the last append");
        assert!(!send(&topic, "11"));
        assert!(!send(&topic, "0"), "eleven minutes ago");
        assert!(send(&topic, "1"));
    }
}

#[test]
fn a_long_downtime_makes_nobody_forget() {
    let (store, clock) = (FaultStore::new(), clock());
    let settings = || settings(1).clock(clock.clone());
    let topic = open(&store, settings());
    topic
        .append_and_wait(vec![with_id("a"), with_id("b")])
        .unwrap();
    drop(topic);
    clock.advance(minutes(600));
    let topic = open(&store, settings());
    topic
        .append_and_wait(vec![with_id("of another client")])
        .unwrap();
    clock.advance(seconds(1));
    assert_eq!(
        topic
            .append_and_wait(vec![with_id("a")])
            .unwrap()
            .duplicates,
        1
    );
    drop(topic);
    let topic = open(&store, settings());
    assert_eq!(
        topic
            .append_and_wait(vec![with_id("b")])
            .unwrap()
            .duplicates,
        1
    );
}

/// A store whose files say when they are to be synced, and wait until they may.
#[derive(Clone)]
struct Gated {
    store: MemoryStore,
    asked: Sender<()>,
    allowed: Arc<Mutex<Receiver<io::Result<()>>>>,
}

struct GatedFile {
    file: Box<dyn StoreFile>,
    gate: Option<Gated>,
}

impl StoreFile for GatedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        if let Some(gate) = &self.gate {
            // After the test nobody listens, and nobody waits.
            let _ = gate.asked.send(());
            return gate.allowed.lock().unwrap().recv().unwrap_or(Ok(()));
        }
        self.file.sync()
    }
}

impl Store for Gated {
    fn place(&self, name: &str) -> String {
        self.store.place(name)
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn StoreFile>> {
        let file = self.store.create(name)?;
        let gate = name.ends_with(".log").then(|| self.clone());
        Ok(Box::new(GatedFile { file, gate }))
    }
    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        self.store.read(name, offset, length)
    }
    fn length(&self, name: &str) -> io::Result<u64> {
        self.store.length(name)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.store.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.store.remove(name)
    }
    fn names(&self) -> io::Result<Vec<String>> {
        self.store.names()
    }
    fn sync(&self) -> io::Result<()> {
        self.store.sync()
    }
    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        self.store.lock()
    }
    fn within(&self, name: &str) -> io::Result<Arc<dyn Store>> {
        self.store.within(name)
    }
}

/// A topic whose syncs wait; with what says that one is asked for, and what allows it.
pub(crate) fn gated(
    settings: millstream_connectors::TopicSettings,
) -> (Topic, Receiver<()>, Sender<io::Result<()>>) {
    gated_in(MemoryStore::new(), settings)
}

/// The same in a store that can be looked into.
pub(crate) fn gated_in(
    store: MemoryStore,
    settings: millstream_connectors::TopicSettings,
) -> (Topic, Receiver<()>, Sender<io::Result<()>>) {
    let (asked, asks) = channel();
    let (allow, allowed) = channel();
    let store = Gated {
        store,
        asked,
        allowed: Arc::new(Mutex::new(allowed)),
    };
    (open(&store, settings), asks, allow)
}

/// Appends, and gives where the answer comes.
pub(crate) fn append(
    topic: &Topic,
    records: Vec<millstream_connectors::NewRecord>,
) -> Receiver<Result<Appended, LogError>> {
    let (answer, answers) = channel();
    topic.append(records, move |result| drop(answer.send(result)));
    answers
}

#[test]
fn a_duplicate_is_answered_when_its_original_is_durable() {
    let (topic, asks, allow) = gated(settings(1));
    let original = append(&topic, vec![with_id("a")]);
    asks.recv_timeout(PATIENCE).unwrap();
    // Its sync is under way; it is neither durable nor readable, and known all the same.
    let duplicate = append(&topic, vec![with_id("a")]);
    assert_eq!((topic.end(0), topic.appended(0)), (0, 1));
    assert!(original.try_recv().is_err() && duplicate.try_recv().is_err());
    allow.send(Ok(())).unwrap();
    let first = original.recv_timeout(PATIENCE).unwrap().unwrap();
    let second = duplicate.recv_timeout(PATIENCE).unwrap().unwrap();
    assert_eq!((first.ends, first.duplicates), (vec![(0, 1)], 0));
    assert_eq!((second.ends, second.duplicates), (vec![(0, 1)], 1));
    assert_eq!(payloads(&topic, 0), ["a"]);
    drop(allow);
}

#[test]
fn a_duplicate_of_what_never_became_durable_is_told_so() {
    let (topic, asks, allow) = gated(settings(1));
    let original = append(&topic, vec![with_id("a")]);
    asks.recv_timeout(PATIENCE).unwrap();
    let duplicate = append(&topic, vec![with_id("a")]);
    allow
        .send(Err(io::Error::other("the disk is broken")))
        .unwrap();
    for answers in [original, duplicate] {
        let error = answers.recv_timeout(PATIENCE).unwrap().unwrap_err();
        assert!(error.to_string().contains("the disk is broken"), "{error}");
    }
    assert_eq!(topic.end(0), 0);
}
