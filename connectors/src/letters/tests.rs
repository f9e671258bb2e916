//! Letters in a log in memory, and a source that notes what it is sent.

use std::sync::Arc;

use millstream_engine::{Again, AgainAnswer, Answer, EventTime, Inlet, Offer, Refusal};

use super::*;
use crate::log::{MemoryStore, TopicSettings};

fn at(second: i64) -> EventTime {
    EventTime::from_millis(second * 1000)
}

/// A topic with a letter for each of these: second of its first rejection, source, reason, bytes.
fn topic(letters: &[(i64, &str, &str, &[u8])]) -> Topic {
    let store = Arc::new(MemoryStore::new());
    let topic = Topic::open_in(store, TopicSettings::new()).unwrap();
    append(&topic, letters);
    topic
}

fn append(topic: &Topic, letters: &[(i64, &str, &str, &[u8])]) {
    for (second, source, reason, raw) in letters {
        let text = std::str::from_utf8(raw).ok();
        let letter = serde_json::json!({
            "source": source, "partition": 1, "offset": 7, "event_time": null, "reason": reason,
            "raw": text, "raw_base64": text.is_none().then_some("/wA="), "bytes": raw.len(),
            "first_seen": at(*second), "attempts": 1,
        });
        let record = NewRecord::new(letter.to_string().into_bytes());
        topic.append_and_wait(vec![record]).unwrap();
    }
}

/// Notes what it is sent; refuses for as long as it is told to.
#[derive(Default)]
struct Noting {
    sent: Mutex<Vec<Again>>,
    refuses: Mutex<bool>,
}

impl Inlet for Noting {
    fn offer(&self, _offer: Offer, _answer: Answer) {
        unreachable!("nothing is offered");
    }
    fn send_again(&self, again: Vec<Again>, answer: AgainAnswer) {
        self.sent.lock().unwrap().extend(again);
        let source_name = "clicks".to_owned();
        answer(match *self.refuses.lock().unwrap() {
            true => Err(Refusal::Stopping { source_name }),
            false => Ok(()),
        });
    }
    fn body_bytes_max(&self) -> usize {
        0
    }
    fn close(&self) {}
}

impl Noting {
    fn inlet(self: &Arc<Self>) -> impl Fn(&str) -> Option<Arc<dyn Inlet>> {
        let inlet = Arc::clone(self);
        move |source| (source == "clicks").then(|| Arc::clone(&inlet) as Arc<dyn Inlet>)
    }

    fn raws(&self) -> Vec<Vec<u8>> {
        let sent = self.sent.lock().unwrap();
        sent.iter().map(|again| again.raw.clone()).collect()
    }
}

const LETTERS: [(i64, &str, &str, &[u8]); 4] = [
    (1, "clicks", "not JSON", b"{"),
    (2, "files", "not JSON", b"["),
    (3, "clicks", "too large", &[0xff, 0]),
    (4, "clicks", "not JSON", b"}"),
];

fn all() -> LetterFilter {
    LetterFilter::default()
}

#[test]
fn letters_are_paged_through_and_filtered() {
    let book = LetterBook::open(topic(&LETTERS)).unwrap();
    let numbers = |filter: &LetterFilter, from, limit| {
        let page = book.page(filter, from, limit).unwrap();
        let numbers: Vec<_> = page.letters.iter().map(|letter| letter.number).collect();
        (numbers, page.next)
    };
    assert_eq!(numbers(&all(), 0, 10), (vec![0, 1, 2, 3], None));
    assert_eq!(numbers(&all(), 0, 2), (vec![0, 1], Some(2)));
    assert_eq!(numbers(&all(), 2, 2), (vec![2, 3], None));
    let with = |change: fn(&mut LetterFilter)| {
        let mut filter = all();
        change(&mut filter);
        numbers(&filter, 0, 10).0
    };
    assert_eq!(
        with(|filter| filter.source = Some("clicks".into())),
        [0, 2, 3]
    );
    assert_eq!(
        with(|filter| filter.reason = Some("JSON".into())),
        [0, 1, 3]
    );
    assert_eq!(with(|filter| filter.since = Some(at(3))), [2, 3]);
    assert_eq!(with(|filter| filter.until = Some(at(3))), [0, 1]);
    assert_eq!(with(|filter| filter.replayed = Some(true)), [0; 0]);
}

#[test]
fn each_letter_is_sent_once() {
    let topic = topic(&LETTERS);
    let noting = Arc::new(Noting::default());
    let only = LetterFilter {
        reason: Some("large".into()),
        ..all()
    };
    for _ in 0..2 {
        // Also by whoever opens the book later.
        let book = LetterBook::open(topic.clone()).unwrap();
        let replay = book.replay(&only, noting.inlet()).unwrap();
        book.replay(&only, noting.inlet()).unwrap();
        assert_eq!(replay.not_possible, 0);
        assert_eq!(noting.raws(), [[0xff, 0]]);
    }
    let book = LetterBook::open(topic).unwrap();
    let replay = book.replay(&all(), noting.inlet()).unwrap();
    let expected = Replay {
        replayed: 2,
        cut: 0,
        not_possible: 1,
    };
    assert_eq!(replay, expected);
    assert_eq!(noting.raws(), [&[0xff, 0][..], b"{", b"}"]);
    let keys: BTreeSet<_> = noting
        .sent
        .lock()
        .unwrap()
        .iter()
        .map(|again| again.key.clone())
        .collect();
    assert_eq!(keys.len(), 3, "each has a key of its own");
    let page = book.page(&all(), 0, 10).unwrap();
    let replayed: Vec<_> = page.letters.iter().map(|letter| letter.replayed).collect();
    assert_eq!(replayed, [true, false, true, true]);
}

#[test]
fn a_letter_that_was_cut_is_not_sent() {
    let topic = topic(&[]);
    let letter = serde_json::json!({
        "source": "clicks", "partition": 0, "offset": 0, "event_time": null, "reason": "too large",
        "raw": "the beginning", "raw_base64": null, "bytes": 100_000, "first_seen": at(0), "attempts": 1,
    });
    let record = NewRecord::new(letter.to_string().into_bytes());
    topic.append_and_wait(vec![record]).unwrap();
    let noting = Arc::new(Noting::default());
    let replay = LetterBook::open(topic)
        .unwrap()
        .replay(&all(), noting.inlet())
        .unwrap();
    assert_eq!((replay.replayed, replay.cut), (0, 1));
    assert!(noting.raws().is_empty());
}

#[test]
fn what_was_being_sent_is_sent_again_under_the_same_keys() {
    let topic = topic(&LETTERS[..1]);
    let noting = Arc::new(Noting::default());
    *noting.refuses.lock().unwrap() = true;
    let book = LetterBook::open(topic.clone()).unwrap();
    book.replay(&all(), noting.inlet()).unwrap_err();
    *noting.refuses.lock().unwrap() = false;
    // The process died with the answer.
    let book = LetterBook::open(topic.clone()).unwrap();
    book.finish(noting.inlet()).unwrap();
    book.finish(noting.inlet()).unwrap();
    assert_eq!(
        LetterBook::open(topic)
            .unwrap()
            .replay(&all(), noting.inlet())
            .unwrap()
            .replayed,
        0
    );
    let sent = noting.sent.lock().unwrap();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].key, sent[1].key, "whoever takes it twice knows");
}

#[test]
fn what_fails_again_while_others_are_sent_waits_for_the_next_time() {
    /// Appends a letter for each that it is sent.
    struct Failing(Topic);
    impl Inlet for Failing {
        fn offer(&self, _offer: Offer, _answer: Answer) {
            unreachable!("nothing is offered");
        }
        fn send_again(&self, again: Vec<Again>, answer: AgainAnswer) {
            again.iter().for_each(|_| append(&self.0, &LETTERS[..1]));
            answer(Ok(()));
        }
        fn body_bytes_max(&self) -> usize {
            0
        }
        fn close(&self) {}
    }
    let topic = topic(&LETTERS[..1]);
    let inlet: Arc<dyn Inlet> = Arc::new(Failing(topic.clone()));
    let book = LetterBook::open(topic).unwrap();
    for _ in 0..3 {
        let replay = book.replay(&all(), |_| Some(Arc::clone(&inlet))).unwrap();
        assert_eq!(replay.replayed, 1);
    }
}
