//! When epochs close, and which of them are published and kept.

use super::*;
use crate::time::millis;

fn at(ms: i64) -> EventTime {
    EventTime::from_millis(ms)
}

#[test]
fn closes_when_full_or_old_and_never_too_far_ahead() {
    let clock = EpochClock::new(EpochSettings::default(), Epoch::from_u64(0), at(0), 1, None);
    assert_eq!(clock.close(0, at(1), false, true), Close::NotBefore(at(10)));
    assert_eq!(clock.close(0, at(1), true, true), Close::Closed);
    assert_eq!(
        clock.close(0, at(1), true, true),
        Close::Closed,
        "it is closed already"
    );
    assert_eq!(clock.current(), 1);
    for epoch in 1..4 {
        assert_eq!(clock.close(epoch, at(2), true, true), Close::Closed);
    }
    assert_eq!(clock.close(4, at(100), true, true), Close::HeldBack);
    clock.completed(1);
    assert_eq!(clock.close(4, at(100), true, true), Close::Closed);
}

#[test]
fn publishing_takes_a_twentieth_and_is_never_forgotten() {
    let clock = EpochClock::new(EpochSettings::default(), Epoch::from_u64(0), at(0), 1, None);
    assert_eq!(clock.close(0, at(10), false, true), Close::Closed);
    clock.committed(0);
    assert_eq!(published(&clock), [0]);
    clock.spent_publishing(millis(5));
    assert_eq!(clock.close(1, at(20), false, true), Close::Closed);
    assert_eq!(
        published(&clock),
        [1],
        "what it cost counts from the next one on"
    );
    clock.committed(1);
    assert_eq!(clock.close(2, at(30), false, true), Close::Closed);
    assert!(published(&clock).is_empty());
    assert_eq!(
        clock.close_to_publish(at(31)),
        Some(Close::NotBefore(at(120)))
    );
    clock.completed(3);
    assert_eq!(clock.close_to_publish(at(120)), Some(Close::Closed));
    assert_eq!(published(&clock), [3]);
    assert_eq!(clock.close_to_publish(at(500)), None);
}

fn published(clock: &EpochClock) -> Vec<u64> {
    let (epochs, _) = clock.take_publish_epochs();
    epochs.into_iter().map(|(epoch, _)| epoch).collect()
}

#[test]
fn one_snapshot_at_a_time_and_none_of_nothing() {
    let every = Some(millis(1000));
    let clock = EpochClock::new(
        EpochSettings::default(),
        Epoch::from_u64(0),
        at(0),
        1,
        every,
    );
    let snapshots = || -> Vec<u64> {
        let (epochs, _) = clock.take_publish_epochs();
        let taken = epochs.into_iter().filter(|(_, publish)| publish.snapshot);
        taken.map(|(epoch, _)| epoch).collect()
    };
    assert_eq!(clock.close(0, at(999), false, true), Close::Closed);
    assert!(snapshots().is_empty(), "it is not time yet");
    assert_eq!(
        clock.close_to_publish(at(999)),
        Some(Close::NotBefore(at(1000)))
    );
    assert_eq!(clock.close_to_publish(at(1000)), Some(Close::Closed));
    assert_eq!(snapshots(), [1]);
    assert_eq!(
        (clock.snapshot_below(1), clock.snapshot_below(2)),
        (None, Some(1))
    );
    clock.completed(2);
    assert_eq!(clock.close(2, at(5000), false, true), Close::Closed);
    assert!(snapshots().is_empty(), "the last one is not committed yet");
    assert!(!clock.begin_last_snapshot(at(5000)));
    clock.committed(1);
    assert_eq!(clock.close_to_publish(at(5000)), Some(Close::Closed));
    assert_eq!(snapshots(), [3]);
    clock.committed(3);
    clock.completed(4);
    assert_eq!(clock.close(4, at(9000), false, false), Close::Closed);
    assert!(snapshots().is_empty(), "nothing has changed");
    clock.holds_rows(true);
    clock.completed(5);
    assert_eq!(clock.close(5, at(9900), false, false), Close::Closed);
    assert_eq!(
        snapshots(),
        [5],
        "rows that wait for their time are asked after"
    );
}
