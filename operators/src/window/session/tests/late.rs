//! A record is late if it is more than the lateness behind, and by the microsecond.

use millstream_engine::raw::{Log, Logic, NoKey};
use millstream_engine::{EventTime, Record, seconds};

use super::super::{Session, Span};
use super::workers::{Step, Workers, emitted};
use super::{Made, at, demand, rules, seconds_at};
use crate::aggregate::Of;

/// Whether a record at so many microseconds is late, with a watermark of the step, and one that it came behind.
fn check(time: i64, watermark: EventTime, behind: EventTime, late: bool) {
    let made = Made::new(
        NoKey,
        Of::<()>::new().count("n"),
        demand(true, false, false),
    );
    for exchange in [false, true] {
        let mut workers = Workers::new(&made, 1, exchange);
        let record = Record {
            behind,
            ..Record::new((), EventTime::from_micros(time))
        };
        workers.batch(&[record], at(1, watermark));
        workers.end(at(1, watermark), at(1, watermark), true);
        let context = format!("{time} at {watermark}, behind {behind}");
        assert_eq!(workers.late.len(), usize::from(late), "{context}");
        assert_eq!(workers.take_told().is_empty(), late, "{context}");
    }
}

#[test]
fn late_is_more_than_the_lateness_behind_either_watermark() {
    let lateness = 5_000_000;
    let none = EventTime::MIN;
    for (watermark, behind) in [(seconds_at(20), none), (none, seconds_at(20))] {
        check(20_000_000 - lateness, watermark, behind, false);
        check(20_000_000 - lateness - 1, watermark, behind, true);
    }
    check(0, seconds_at(3), seconds_at(6), true);
    check(0, seconds_at(6), seconds_at(3), true);
    check(i64::MIN, none, none, false);
    check(i64::MAX - 1, seconds_at(20), none, false);
}

#[test]
fn sessions_at_the_ends_of_time_are_closed_when_it_is_over() {
    let made = Made::new(NoKey, Of::<()>::new().count("n"), demand(true, true, false));
    let mut workers = Workers::new(&made, 1, false);
    let times = [i64::MIN, i64::MIN + 10_000_000, i64::MAX - 1];
    let records = times.map(|time| Record::new((), EventTime::from_micros(time)));
    workers.batch(&records, at(0, EventTime::MIN));
    workers.end(at(0, EventTime::MIN), at(0, seconds_at(0)), true);
    assert_eq!(workers.held().len(), 1);
    workers.end(at(1, seconds_at(0)), at(1, EventTime::MAX), true);
    assert_eq!(workers.held().len(), 0);
    let ends = workers.take_told().into_iter().map(|told| told.0.end);
    assert!(ends.max() == Some(EventTime::MAX));
}

#[test]
fn what_was_closed_stays_closed_with_another_lateness() {
    let session = |second| Span::at(seconds_at(second));
    let before = rules();
    let note = before.note(seconds_at(100)).expect("something is closed");
    let mut after = Session::gap(seconds(10)).lateness(seconds(60));
    after.restore_note(&note).expect("it was written so");
    let bar = after.bar(seconds_at(100));
    assert_eq!(bar, seconds_at(95), "not 40");
    assert!(after.is_final(session(84), bar) && !after.is_final(session(85), bar));
    assert!(after.is_late(&Record::new((), seconds_at(94)), bar));
    assert_eq!(
        after.note(EventTime::MIN),
        Some(note),
        "and in the run after that"
    );
    assert_eq!(before.note(EventTime::MIN), None);
    assert!(after.restore_note("soon").is_err());
}

/// What the end of the input closed is not closed for a run that goes on reading, but what was closed before it is.
#[test]
fn the_end_of_the_input_is_noted_as_where_it_was_before() {
    let made = Made::new(
        NoKey,
        Of::<()>::new().count("n"),
        demand(false, false, true),
    );
    let mut workers = Workers::new(&made, 1, false);
    workers.batch(&[Record::new((), seconds_at(100))], at(0, EventTime::MIN));
    workers.end(at(0, EventTime::MIN), at(0, seconds_at(99)), true);
    workers.end(at(1, seconds_at(99)), at(1, EventTime::MAX), true);
    let Step::Whole(step) = &mut workers.steps[0] else {
        panic!("it is whole");
    };
    assert_eq!(step.note(), rules().note(seconds_at(99)));
    let mut out = emitted();
    step.on_batch(std::rc::Rc::default(), at(2, EventTime::MAX), &mut out);
    step.freeze();
    assert!(step.save(&mut Log::default(), 1));
    assert_eq!(step.size().next_close, EventTime::MAX);
}
