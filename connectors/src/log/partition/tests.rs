//! What a partition of a topic hands over, and what it says of itself.

use millstream_engine::{EventTime, Trial};
use serde_json::json;

use super::*;
use crate::Json;
use crate::log::{LogSource, MemoryStore, NewRecord, ReadFrom, TopicSettings};
use crate::take::testing::Taken;
use crate::testing::{context, unheard};
use millstream_engine::Source as _;

/// Takes records in at an epoch, and notes what letters said before.
struct Intaken {
    taken: Taken<i64>,
    epoch: u64,
    before: Vec<Option<Trial>>,
}

impl Take<i64> for Intaken {
    fn room(&self) -> usize {
        self.taken.room()
    }
    fn accept(&mut self, value: i64) -> Result<(), String> {
        self.taken.accept(value)
    }
    fn reject(&mut self, offset: u64, reason: String, raw: &[u8]) {
        self.taken.reject(offset, reason, raw);
    }
}

impl TakeAgain<i64> for Intaken {
    fn epoch(&self) -> Epoch {
        Epoch::from_u64(self.epoch)
    }
    fn reject_known(&mut self, offset: u64, reason: String, raw: &[u8], known: Known) {
        let before = known.before;
        self.taken.reject(offset, reason, raw);
        self.before.push(before);
    }
}

fn intake(room: usize, epoch: u64) -> Intaken {
    Intaken {
        taken: Taken::with_room(room),
        epoch,
        before: Vec::new(),
    }
}

fn topic() -> Topic {
    Topic::open_in(Arc::new(MemoryStore::new()), TopicSettings::new()).unwrap()
}

fn append(topic: &Topic, payloads: impl IntoIterator<Item = &'static str>) {
    let records = payloads.into_iter().map(NewRecord::new).collect();
    topic.append_and_wait(records).unwrap();
}

fn cx() -> SourceContext {
    context("orders", EventTime::from_micros(0))
}

fn source(topic: &Topic) -> LogSource<Json<i64>> {
    LogSource::new(topic).decode(Json::new())
}

#[test]
fn room_is_kept_to_and_the_position_is_the_next_offset() {
    let topic = topic();
    append(&topic, ["1", "2", "x", "4"]);
    let (source, cx) = (source(&topic), cx());
    let mut partition = source.open(0, &cx, unheard()).unwrap();
    let mut first = intake(3, 5);
    assert_eq!(partition.advance(&mut first).unwrap(), Polled::Ready);
    assert_eq!(first.taken.values, [1, 2]);
    let (offset, reason, raw) = &first.taken.letters[0];
    assert_eq!((*offset, &raw[..]), (2, &b"x"[..]));
    assert!(reason.contains("not JSON"), "{reason}");
    assert_eq!(first.before, [None]);
    assert_eq!(partition.position(), Some(Position("3".into())));

    let mut again = source
        .resume(0, &Position("3".into()), &cx, unheard())
        .unwrap();
    let mut rest = intake(9, 6);
    let caught_up = Polled::CaughtUp { until: None };
    assert_eq!(again.advance(&mut rest).unwrap(), caught_up);
    assert_eq!(rest.taken.values, [4]);
    let progress = Progress::of(&cx.registry, "orders");
    assert_eq!(progress.seen(0, 3), Some(Epoch::from_u64(5)));
    assert_eq!(progress.seen(0, 4), Some(Epoch::from_u64(6)));
    assert_eq!(progress.read_up_to(0), Some(4));
}

#[test]
fn headers_decide_before_the_format_does() {
    let topic = topic();
    let with = |payload: &'static str, headers: serde_json::Value| {
        NewRecord::new(payload).headers(headers.to_string())
    };
    let again = |source: &str| json!({"again": {"source": source, "run": "run", "first_seen": 7, "attempts": 2}});
    let mut of_another_run = again("orders");
    of_another_run["again"]["run"] = "older".into();
    topic
        .append_and_wait(vec![
            with("1", json!({"refused": "too large"})),
            with("2", json!({"trace": "4bf9"})),
            with("3", again("orders")),
            with("4", again("other")),
            with("5", of_another_run),
            with("bad", again("orders")),
            NewRecord::new("6").headers("[1"),
        ])
        .unwrap();
    let mut partition = source(&topic).open(0, &cx(), unheard()).unwrap();
    let mut taken = intake(10, 1);
    partition.advance(&mut taken).unwrap();
    assert_eq!(taken.taken.values, [2, 3]);
    let letters = taken.taken.letters;
    let offsets: Vec<u64> = letters.iter().map(|letter| letter.0).collect();
    assert_eq!(offsets, [0, 5, 6]);
    assert_eq!(letters[0].1, "too large");
    assert!(letters[2].1.starts_with("its headers cannot be read: "));
    let trial = Trial {
        first_seen: EventTime::from_micros(7),
        attempts: 2,
    };
    assert_eq!(taken.before, [None, Some(trial), None]);
}

#[test]
fn it_begins_where_it_is_told_and_keeps_what_comes_after() {
    let topic = topic();
    append(&topic, ["1", "2", "3"]);
    let values = |from: ReadFrom| {
        let source = LogSource::new(&topic).from(from).until_end();
        let source = source.decode(Json::<i64>::new());
        let mut partition = source.open(0, &cx(), unheard()).unwrap();
        let mut taken = intake(10, 1);
        assert_eq!(partition.advance(&mut taken).unwrap(), Polled::Ended);
        taken.taken.values
    };
    let last = topic.offset_at(0, EventTime::MIN).unwrap();
    assert_eq!(last, 0);
    assert_eq!(values(ReadFrom::Start), [1, 2, 3]);
    assert_eq!(values(ReadFrom::End), [0; 0]);
    assert_eq!(topic.committed("tests/orders", 0), Some(3));
    assert_eq!(values(ReadFrom::Offsets(vec![1])), [2, 3]);
    assert_eq!(
        topic.committed("tests/orders", 0),
        Some(1),
        "it begins anew"
    );
    assert_eq!(values(ReadFrom::Time(EventTime::MIN)), [1, 2, 3]);
    let two = LogSource::new(&topic).from(ReadFrom::Offsets(vec![1, 2]));
    let error = two
        .decode(Json::<i64>::new())
        .partitions(&cx())
        .unwrap_err();
    assert!(error.to_string().contains("2 offsets"), "{error}");
}

#[test]
fn what_is_acknowledged_is_committed() {
    let topic = topic();
    append(&topic, ["1", "2"]);
    let source = source(&topic);
    assert_eq!(source.rewind(&cx()), millstream_engine::Rewind::Replay);
    assert_eq!(source.identity(&cx()).unwrap(), topic.id());
    let ack = source.ack(&cx()).unwrap();
    ack.ack(0, &Position("2".into())).unwrap();
    assert_eq!(topic.committed("tests/orders", 0), Some(2));
    let error = ack.ack(0, &Position("two".into())).unwrap_err();
    assert!(error.to_string().contains("\"two\""), "{error}");
    // A run that goes back by one commit has what it needs kept from there on.
    source
        .resume(0, &Position("1".into()), &cx(), unheard())
        .unwrap();
    assert_eq!(topic.committed("tests/orders", 0), Some(1));
    ack.ack(0, &Position("2".into())).unwrap();
    source
        .resume(0, &Position("2".into()), &cx(), unheard())
        .unwrap();
    assert_eq!(topic.committed("tests/orders", 0), Some(2));
}
