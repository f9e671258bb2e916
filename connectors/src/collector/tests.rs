//! The front of a collector and the log behind it.

use std::sync::Arc;

use millstream_engine::{
    Again, EventTime, Headers, Inlet, Receipt, Refusal, Source as _, SourceContext, StatePlace,
    Trial, testing::FaultStore,
};

use super::*;
use crate::format::Json;
use crate::log::RecordHeaders;
use crate::testing::{context, unheard};

type Numbers = CollectorSource<Json<u64>>;

/// A collector of numbers in a run that keeps its state in `store`, if there is one.
struct Behind {
    cx: SourceContext,
    source: Numbers,
}

impl Behind {
    fn new(collector: Collector, store: Option<&FaultStore>) -> Self {
        let mut cx = context("numbers", EventTime::from_micros(0));
        if let Some(store) = store {
            cx.place = StatePlace::at(Arc::new(store.clone()));
        }
        let source = collector.decode(Json::new());
        Behind { cx, source }
    }

    fn inlet(&self) -> Arc<dyn Inlet> {
        // As in a run: every worker makes its own source, and they meet by name.
        self.source.clone().inlet(&self.cx).unwrap()
    }

    fn topic(&self) -> Topic {
        self.source.front(&self.cx).topic().unwrap()
    }

    fn offer(&self, body: &str) -> Result<Receipt, Refusal> {
        self.inlet().offer_and_wait(NDJSON, body.as_bytes())
    }

    /// What is in the log: payloads with the reason of those that were refused, sorted.
    fn kept(&self) -> Vec<(String, Option<String>)> {
        let topic = self.topic();
        let mut kept = Vec::new();
        for partition in 0..topic.partitions() {
            let mut reader = topic.read(partition, 0);
            while let Some(record) = reader.next().unwrap() {
                let headers = RecordHeaders::parse(record.headers).unwrap();
                let payload = String::from_utf8(record.payload.to_vec()).unwrap();
                kept.push((payload, headers.refused));
            }
        }
        kept.sort();
        kept
    }
}

/// A collector with four partitions.
fn four() -> Collector {
    Collector::new().kept(TopicSettings::new().partitions(4))
}

const NDJSON: Option<&str> = Some("application/x-ndjson");

#[test]
fn what_is_accepted_is_kept_and_what_is_refused_is_kept_with_the_reason() {
    let behind = Behind::new(Collector::new(), None);
    let receipt = behind.offer("1\n{\"a\":}\n3\n").unwrap();
    assert_eq!(
        (receipt.accepted, receipt.rejected, receipt.duplicates),
        (2, 1, 0)
    );
    assert_eq!(receipt.errors.len(), 1);
    assert_eq!(receipt.errors[0].0, 1);
    let token = receipt.token.expect("a token");
    assert!(token.starts_with("numbers:"), "{token}");
    let kept = behind.kept();
    assert_eq!(kept[..2], [("1".into(), None), ("3".into(), None)]);
    assert_eq!(
        kept[2],
        ("{\"a\":}".into(), Some(receipt.errors[0].1.clone()))
    );
}

#[test]
fn no_events_make_no_token() {
    let behind = Behind::new(Collector::new(), None);
    let receipt = behind.inlet().offer_and_wait(None, b"[]").unwrap();
    assert_eq!(receipt, Receipt::default());
}

#[test]
fn a_request_that_is_sent_again_changes_nothing_also_after_a_crash() {
    let store = FaultStore::new();
    let again = |behind: &Behind| {
        let headers: Headers = [
            ("content-type", "application/x-ndjson"),
            ("idempotency-key", "k"),
        ]
        .into_iter()
        .collect();
        behind
            .inlet()
            .offer_with(headers, b"1\nnonsense\n3")
            .unwrap()
    };
    let behind = Behind::new(four(), Some(&store));
    let first = again(&behind);
    assert_eq!(
        (first.accepted, first.rejected, first.duplicates),
        (2, 1, 0)
    );
    let second = again(&behind);
    assert_eq!(
        (second.accepted, second.rejected, second.duplicates),
        (2, 1, 3)
    );
    assert_eq!(
        second.token, first.token,
        "what is waited for is the original"
    );
    assert_eq!(behind.kept().len(), 3);
    store.crash();
    let behind = Behind::new(four(), Some(&store));
    assert_eq!(again(&behind), second);
    assert_eq!(behind.kept().len(), 3);
}

#[test]
fn clients_wait_when_the_log_is_too_far_ahead() {
    let behind = Behind::new(four().ahead_events(5), None);
    for partition in 0..4 {
        behind
            .source
            .open(partition, &behind.cx, unheard())
            .unwrap();
    }
    // A body is taken as a whole.
    assert_eq!(behind.offer("1\n2\n3\n4\n5\n6").unwrap().accepted, 6);
    let refused = behind.offer("7").unwrap_err();
    assert!(
        matches!(
            refused,
            Refusal::Full {
                retry_after_seconds: 1,
                ..
            }
        ),
        "{refused}"
    );
}

#[test]
fn clients_wait_when_what_is_unread_is_too_large() {
    let behind = Behind::new(Collector::new().ahead_bytes(10), None);
    assert_eq!(behind.offer("123456\n123456").unwrap().accepted, 2);
    let refused = behind.offer("7").unwrap_err();
    assert!(matches!(refused, Refusal::Full { .. }), "{refused}");
}

#[test]
fn what_is_sent_again_is_not_unread_twice() {
    let behind = Behind::new(Collector::new().ahead_bytes(10), None);
    let headers: Headers = [("idempotency-key", "k")].into_iter().collect();
    for n in 0..10 {
        let receipt = behind.inlet().offer_with(headers.clone(), b"123456");
        assert_eq!(receipt.unwrap().duplicates, usize::from(n > 0));
    }
}

#[test]
fn of_an_event_that_is_too_long_it_is_said_how_long_it_was() {
    let behind = Behind::new(Collector::new().event_bytes_max(100_000), None);
    let long = "1".repeat(100_001);
    assert_eq!(behind.offer(&long).unwrap().rejected, 1);
    let topic = behind.topic();
    let mut reader = topic.read(0, 0);
    let record = reader.next().unwrap().unwrap();
    let headers = RecordHeaders::parse(record.headers).unwrap();
    assert_eq!(
        (record.payload.len(), headers.bytes),
        (64 * 1024, Some(100_001))
    );
}

#[test]
fn the_log_of_a_state_has_one_reader_whatever_the_application_is_called() {
    let store = FaultStore::new();
    for app in ["shop", "market"] {
        let mut behind = Behind::new(Collector::new(), Some(&store));
        behind.cx.app = app.into();
        behind.offer("1").unwrap();
        assert_eq!(behind.topic().readers(), [format!("{app}/numbers")]);
        behind.topic().close().unwrap();
    }
}

#[test]
fn nothing_is_taken_once_it_is_closed_and_all_before_can_be_read() {
    let behind = Behind::new(Collector::new(), None);
    let inlet = behind.inlet();
    inlet.offer(
        millstream_engine::Offer {
            headers: Headers::default(),
            body: b"1".to_vec(),
        },
        Box::new(|answer| assert_eq!(answer.unwrap().accepted, 1)),
    );
    inlet.close();
    assert_eq!(behind.kept().len(), 1, "nobody need wait for it");
    assert!(matches!(behind.offer("2"), Err(Refusal::Stopping { .. })));
    assert_eq!(behind.kept().len(), 1);
}

#[test]
fn only_those_with_a_key_are_let_in() {
    let behind = Behind::new(Collector::new().bearer_key("secret"), None);
    let refused = behind.offer("1").unwrap_err();
    assert!(matches!(refused, Refusal::Unauthorized { .. }), "{refused}");
    let headers: Headers = [("authorization", "Bearer secret")].into_iter().collect();
    assert_eq!(
        behind.inlet().offer_with(headers, b"1").unwrap().accepted,
        1
    );
}

#[test]
fn a_log_that_fails_is_told_and_nothing_is_acknowledged() {
    let store = FaultStore::new();
    let behind = Behind::new(four(), Some(&store));
    behind.offer("1").unwrap();
    store.fail_at(1);
    let refused = behind.offer("2").unwrap_err();
    assert!(matches!(refused, Refusal::Broken { .. }), "{refused}");
    assert!(refused.to_string().contains("source-numbers"), "{refused}");
}

#[test]
fn a_token_is_seen_once_its_records_are_read_and_no_other_is_one() {
    let behind = Behind::new(Collector::new(), None);
    let token = behind.offer("1\n2").unwrap().token.unwrap();
    let inlet = behind.inlet();
    assert_eq!(inlet.seen(&token), Ok(None));
    let other = token.replace(':', ":0");
    for bad in [
        "orders:0-1",
        "numbers",
        &other,
        &token.replace("-", "-1000"),
    ] {
        assert!(inlet.seen(bad).is_err(), "{bad}");
    }
}

#[test]
fn dead_letters_that_are_sent_again_say_so_and_are_taken_once() {
    let behind = Behind::new(Collector::new(), None);
    let trial = Trial {
        first_seen: EventTime::from_micros(5),
        attempts: 2,
    };
    let again = Again {
        key: "book/7".into(),
        raw: b"nonsense".to_vec(),
        trial,
    };
    for _ in 0..2 {
        let (answer, answered) = std::sync::mpsc::channel();
        let answer = Box::new(move |result| answer.send(result).unwrap());
        behind.inlet().send_again(vec![again.clone()], answer);
        answered.recv().unwrap().unwrap();
    }
    let topic = behind.topic();
    let mut headers = Vec::new();
    for partition in 0..topic.partitions() {
        let mut reader = topic.read(partition, 0);
        while let Some(record) = reader.next().unwrap() {
            assert_eq!(record.payload, b"nonsense");
            headers.push(RecordHeaders::parse(record.headers).unwrap());
        }
    }
    let [
        RecordHeaders {
            again: Some(again),
            refused: None,
            bytes: None,
        },
    ] = &headers[..]
    else {
        panic!("{headers:?}");
    };
    assert_eq!((&*again.source, again.trial()), ("numbers", trial));
}
