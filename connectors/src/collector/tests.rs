//! Both ends of a collector together.

use std::sync::atomic::{AtomicUsize, Ordering};

use millstream_engine::{EventTime, Partition, Polled, Receipt, Refusal};

use super::*;
use crate::format::Json;
use crate::take::testing::Taken;
use crate::testing::{context, unheard};

fn both_ends(collector: Collector) -> (Arc<dyn Inlet>, CollectorPartition<u64>) {
    let cx = context("numbers", EventTime::from_micros(0));
    // As in a run: every worker makes its own source, and they meet by name.
    let inlet = collector
        .clone()
        .decode(Json::<u64>::new())
        .inlet(&cx)
        .unwrap();
    let source = collector.decode(Json::<u64>::new());
    assert_eq!(source.partitions(&cx).unwrap(), 1);
    (inlet, source.open(0, &cx, unheard()).unwrap())
}

fn ndjson(numbers: impl IntoIterator<Item = u64>) -> Vec<u8> {
    numbers
        .into_iter()
        .map(|n| format!("{n}\n"))
        .collect::<String>()
        .into_bytes()
}

const NDJSON: Option<&str> = Some("application/x-ndjson");

#[test]
fn good_events_are_taken_and_bad_ones_told_and_kept() {
    let (inlet, mut partition) = both_ends(Collector::new());
    let receipt = inlet.offer(None, br#"[1, {"a":}, 3, 7]"#).unwrap();
    let Receipt {
        accepted,
        rejected,
        errors,
    } = receipt;
    assert_eq!((accepted, rejected, errors.len()), (3, 1, 1));
    assert_eq!(errors[0].0, 1);
    assert!(errors[0].1.contains("column"), "{}", errors[0].1);
    let mut taken = Taken {
        refuses: |&n| n == 7,
        ..Taken::with_room(10)
    };
    assert_eq!(
        partition.advance(&mut taken),
        Polled::CaughtUp { until: None }
    );
    assert_eq!(taken.values, [1, 3]);
    let letters: Vec<_> = taken
        .letters
        .iter()
        .map(|(at, _, raw)| (*at, raw.as_slice()))
        .collect();
    assert_eq!(letters, [(1, &br#"{"a":}"#[..]), (3, b"7")]);
    assert_eq!(
        taken.letters[0].1, errors[0].1,
        "the client and the dead letter are told the same"
    );
    assert_eq!(partition.progress(), (9, None));
}

#[test]
fn a_receipt_tells_of_a_hundred_errors() {
    let (inlet, _partition) = both_ends(Collector::new());
    let receipt = inlet.offer(NDJSON, "x\n".repeat(250).as_bytes()).unwrap();
    assert_eq!(
        (receipt.accepted, receipt.rejected, receipt.errors.len()),
        (0, 250, 100)
    );
}

#[test]
fn a_full_queue_takes_all_of_a_body_or_nothing() {
    let (inlet, mut partition) = both_ends(Collector::new().queue_events(10));
    assert_eq!(inlet.offer(NDJSON, &ndjson(0..6)).unwrap().accepted, 6);
    let refused = inlet.offer(NDJSON, &ndjson(6..11)).unwrap_err();
    assert!(
        matches!(&refused, Refusal::Full { source_name, .. } if source_name == "numbers"),
        "{refused}"
    );
    assert_eq!(inlet.offer(NDJSON, &ndjson(6..10)).unwrap().accepted, 4);
    assert!(matches!(
        inlet.offer(None, b"10"),
        Err(Refusal::Full { .. })
    ));
    let mut taken = Taken::with_room(4);
    assert_eq!(partition.advance(&mut taken), Polled::Ready);
    taken.room = 100;
    assert_eq!(
        partition.advance(&mut taken),
        Polled::CaughtUp { until: None }
    );
    assert_eq!(taken.values, (0..10).collect::<Vec<_>>());
    let never = inlet.offer(NDJSON, &ndjson(0..11)).unwrap_err();
    assert!(
        never.to_string().contains("more than the 10 events"),
        "{never}"
    );
}

#[test]
fn what_cannot_be_read_is_refused_and_leaves_nothing_behind() {
    let (inlet, mut partition) = both_ends(Collector::new().body_bytes_max(20).event_bytes_max(5));
    let check = |body: &[u8], words: &str| {
        let refused = inlet.offer(None, body).unwrap_err().to_string();
        assert!(refused.contains(words), "{refused}");
    };
    check(b"", "it is empty");
    check(b"\xef\xbb\xbf \r\n", "it is empty");
    check(b"12\xff", "not UTF-8, from byte 2 on");
    check(b"[1, 2", "does not end");
    check(&[b' '; 21], "21 bytes, more than the 20");
    assert_eq!(inlet.body_bytes_max(), 20);
    let mut taken = Taken::with_room(10);
    partition.advance(&mut taken);
    assert!(taken.values.is_empty() && taken.letters.is_empty());
    let receipt = inlet.offer(None, b"[123456, 12]").unwrap();
    assert_eq!(
        receipt.errors,
        [(
            0,
            "the event has 6 bytes, more than the 5 allowed".to_owned()
        )]
    );
}

#[test]
fn the_worker_is_woken_and_the_end_of_the_run_is_told() {
    let cx = context("numbers", EventTime::from_micros(0));
    let source = Collector::new().decode(Json::<u64>::new());
    let inlet = source.inlet(&cx).unwrap();
    assert_eq!(
        inlet.offer(None, b"1").unwrap().accepted,
        1,
        "before the workers are there"
    );
    let woken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&woken);
    let waker = Waker::new(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let mut partition = source.open(0, &cx, waker).unwrap();
    inlet.offer(None, b"2").unwrap();
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    let mut taken = Taken::with_room(10);
    partition.advance(&mut taken);
    assert_eq!(taken.values, [1, 2]);
    drop(partition);
    assert!(matches!(
        inlet.offer(None, b"3"),
        Err(Refusal::Stopping { .. })
    ));
}

#[test]
fn what_was_accepted_before_it_closed_can_still_be_taken() {
    let (inlet, mut partition) = both_ends(Collector::new());
    inlet.offer(NDJSON, &ndjson([1, 2])).unwrap();
    inlet.close();
    assert!(matches!(
        inlet.offer(None, b"3"),
        Err(Refusal::Stopping { .. })
    ));
    let mut taken = Taken::with_room(10);
    assert_eq!(
        partition.advance(&mut taken),
        Polled::CaughtUp { until: None }
    );
    assert_eq!(taken.values, [1, 2]);
}
