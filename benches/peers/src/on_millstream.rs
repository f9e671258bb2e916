//! The queries on Millstream, as the example has them, with snapshots on disk or without.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use millstream::engine::{
    Arrival, BoxError, CommitStep, Intake, Partition, Polled, Position, Rewind, SourceContext,
    Waker,
};
use millstream::prelude::*;

use crate::made::Made;
use crate::measured::Measured;
use crate::nexmark::event::Event;
use crate::nexmark::output::Output;
use crate::nexmark::queries::{Timed, by_name};

type Part = Mutex<Option<Vec<Event>>>;

/// Events that lie ready; each is moved into the pipeline.
#[derive(Clone)]
struct Ready(Arc<Vec<Part>>);

struct ReadyPartition(std::vec::IntoIter<Event>, u64);

impl Source for Ready {
    type Item = Event;
    type Partition = ReadyPartition;

    fn partitions(&self, _cx: &SourceContext) -> Result<u32, BoxError> {
        Ok(u32::try_from(self.0.len())?)
    }
    fn open(
        &self,
        partition: u32,
        _cx: &SourceContext,
        _waker: Waker,
    ) -> Result<ReadyPartition, BoxError> {
        let events = self.0[partition as usize]
            .lock()
            .expect("not poisoned")
            .take();
        Ok(ReadyPartition(
            events.expect("each is opened once").into_iter(),
            0,
        ))
    }
    fn rewind(&self, _cx: &SourceContext) -> Rewind {
        Rewind::Seek
    }
    fn arrival(&self) -> Arrival {
        Arrival::MadeUp
    }
}

impl Partition for ReadyPartition {
    type Item = Event;

    fn poll(&mut self, intake: &mut Intake<'_, Event>) -> Result<Polled, BoxError> {
        while intake.room() > 0 {
            let Some(event) = self.0.next() else {
                return Ok(Polled::Ended);
            };
            self.1 += 1;
            intake.accept(event)?;
        }
        Ok(Polled::Ready)
    }
    fn position(&self) -> Option<Position> {
        Some(Position(self.1.to_string()))
    }
}

/// Runs the query called `name` over `events`, if there is one, with a snapshot every so often or none.
pub(crate) fn run(name: &str, events: Made, snapshots: Option<Duration>) -> Option<Measured> {
    let query = by_name(name)?;
    let n_events = events.n_events();
    let workers = events.workers();
    let parts = events.0.into_iter().map(|part| Mutex::new(Some(part)));
    let ready = Ready(Arc::new(parts.collect()));
    let state = tempfile::tempdir().expect("a directory");
    let output = Output::new(None, state.path().join("files"));
    let rows = output.clone();
    let mut app = App::new("peers").workers(workers);
    let committed = Arc::new(AtomicU64::new(0));
    if let Some(every) = snapshots {
        let counter = Arc::clone(&committed);
        let follow = move |step, _epoch| {
            counter.fetch_add(u64::from(step == CommitStep::Committed), Relaxed);
            Ok(())
        };
        let state = State::in_directory(state.path()).every(every);
        app = app.state(state).follow_commits(follow);
    }
    let started = Instant::now();
    let ran = app.run(move |flow| {
        let events = flow.source("events", ready.clone());
        let events = match query.timed {
            Timed::ByThemselves => {
                events.event_time(Event::time, Watermarks::bounded(Duration::ZERO))
            }
            Timed::ByTheClock => events.processing_time(),
        };
        (query.build)(&events, &rows)
    });
    ran.expect("it runs");
    Some(Measured {
        events: n_events,
        rows: output.n_rows(),
        snapshots: committed.load(Relaxed),
        seconds: started.elapsed().as_secs_f64(),
    })
}
