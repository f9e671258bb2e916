//! A partition that is held, or that is sent nothing but broken events, is not idle: time does not go on without it.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use std::result::Result;

use millstream::engine::{
    BoxError, DeadLetter, Epoch, Published, Sink, SinkContext, SinkPart, SinkRow, Snapshot,
    StageAt, Staged, VirtualClock,
};
use millstream::prelude::*;
use millstream::testing::{Act, Script};

const START: i64 = 1_700_000_000;

fn at(second: i64) -> EventTime {
    EventTime::from_millis((START + second) * 1000)
}

/// Tells of every dead letter.
#[derive(Clone)]
struct Told(Sender<DeadLetter>);

impl Sink for Told {
    fn check(&self, _cx: &SinkContext) -> Result<(), BoxError> {
        Ok(())
    }
    fn open(&self, _cx: &SinkContext) -> Result<Box<dyn SinkPart>, BoxError> {
        Ok(Box::new(self.clone()))
    }
}

impl SinkPart for Told {
    fn write(&mut self, _epoch: Epoch, rows: &mut Vec<SinkRow>) -> Result<(), BoxError> {
        for row in rows.drain(..) {
            self.0
                .send(DeadLetter::from_values(&row.values).expect("a letter"))?;
        }
        Ok(())
    }
    fn stage(&mut self, _at: StageAt) -> Result<Vec<Staged>, BoxError> {
        Ok(Vec::new())
    }
    fn publish(&mut self, _staged: &[Staged]) -> Result<Vec<Published>, BoxError> {
        Ok(Vec::new())
    }
}

fn n_rows(snapshot: &Snapshot) -> usize {
    snapshot.views["counts"].n_rows()
}

/// Two partitions: one has come far, the other has a record of the first window at the end of `meanwhile`, which lasts
/// for a minute. Gives how many records were late.
fn late(workers: usize, idle_after: Duration, meanwhile: &[Act<()>]) -> anyhow::Result<u64> {
    let mut slow = vec![Act::Emit(at(1), ())];
    slow.extend_from_slice(meanwhile);
    slow.push(Act::Emit(at(2), ()));
    let far = vec![Act::Emit(at(100), ()), Act::Until(at(60))];
    let clock = VirtualClock::starting_at(at(0));
    let (published, rows) = channel();
    let (rejected, rejects) = channel();
    let script = Script::new(vec![slow, far]);
    let running = App::new("held")
        .workers(workers)
        .clock(clock.clone())
        .dead_letters(Told(rejected))
        .epochs(millis(0), 65_536)
        .watch(move |run| {
            run.catalog().watch(move |snapshot| {
                // Nobody listens any more once both are in.
                let _ = published.send(n_rows(snapshot));
            })
        })
        .start(move |flow| {
            let policy = Watermarks::bounded(seconds(0)).idle_after(idle_after);
            flow.source("events", script.clone())
                .event_time(|(time, ())| *time, policy)
                .window(Tumbling::of(seconds(10)))
                .aggregate("counts", |of| of.count("n"))
                .view("counts")
        })?;
    while rows.recv_timeout(Duration::from_secs(60))? < 2 {}
    for acts in meanwhile.chunks(2) {
        clock.advance(seconds(60 / meanwhile.chunks(2).len() as u64));
        if acts.iter().any(|act| matches!(act, Act::Reject)) {
            // So each broken event comes at a time of its own.
            rejects.recv_timeout(Duration::from_secs(60))?;
        }
    }
    let report = running.wait()?;
    assert_eq!(report.events, 3);
    Ok(report.late)
}

#[test]
fn a_partition_that_is_held_is_not_idle() -> anyhow::Result<()> {
    for workers in 1..=3 {
        let late = late(workers, seconds(10), &[Act::Held(at(60))])?;
        assert_eq!(late, 0, "{workers} workers");
    }
    Ok(())
}

#[test]
fn a_partition_that_is_sent_broken_events_is_not_idle() -> anyhow::Result<()> {
    let broken: Vec<_> = (1..=12)
        .flat_map(|n| [Act::Until(at(n * 5)), Act::Reject])
        .collect();
    for workers in 1..=3 {
        assert_eq!(late(workers, seconds(10), &broken)?, 0, "{workers} workers");
    }
    Ok(())
}

#[test]
fn a_partition_that_is_silent_is_idle() -> anyhow::Result<()> {
    for workers in 1..=3 {
        let silent = [Act::Until(at(20)), Act::Until(at(60))];
        assert_eq!(late(workers, seconds(0), &silent)?, 1, "{workers} workers");
    }
    Ok(())
}
