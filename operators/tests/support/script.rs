//! A source that does what it is told, a sink that keeps what it is given, and a wait that ends.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::collections::VecDeque;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millstream_engine::{
    App, Arrival, BoxError, Data, Epoch, EventTime, Flow, Intake, Partition, Polled, Published,
    Report, Result, Sink, SinkContext, SinkPart, SinkRow, Source, SourceContext, StageAt, Staged,
    Value, Waker,
};

/// What a partition does next.
#[derive(Clone, Debug)]
pub(crate) enum Act<T> {
    /// Hands over a value that happened then.
    Emit(EventTime, T),
    /// Is caught up, and says until when, until the wall clock is there.
    Until(EventTime),
    /// Is caught up for good.
    Rest,
    /// Is caught up until now.
    Pause,
    /// Fails.
    Fail,
}

/// A source made of scripts, one for each partition. A script that runs out ends its partition.
#[derive(Clone)]
pub(crate) struct Script<T>(pub(crate) Vec<Vec<Act<T>>>);

pub(crate) struct ScriptPartition<T>(VecDeque<Act<T>>, u64);

impl<T: Data + Sync> Source for Script<T> {
    type Item = (EventTime, T);
    type Partition = ScriptPartition<T>;

    fn partitions(&self, _cx: &SourceContext) -> Result<u32, BoxError> {
        Ok(u32::try_from(self.0.len())?)
    }

    fn open(
        &self,
        p: u32,
        _cx: &SourceContext,
        _waker: Waker,
    ) -> Result<ScriptPartition<T>, BoxError> {
        Ok(ScriptPartition(self.0[p as usize].clone().into(), 0))
    }

    fn arrival(&self) -> Arrival {
        Arrival::MadeUp
    }
}

impl<T: Data> Partition for ScriptPartition<T> {
    type Item = (EventTime, T);

    fn poll(&mut self, intake: &mut Intake<'_, (EventTime, T)>) -> Result<Polled, BoxError> {
        while intake.room() > 0 {
            match self.0.front().cloned() {
                Some(Act::Emit(time, value)) => {
                    self.0.pop_front();
                    self.1 += 1;
                    if let Err(refused) = intake.accept((time, value)) {
                        intake.reject(self.1, refused.to_string(), b"scripted");
                    }
                }
                Some(Act::Until(time)) if time > intake.now() => {
                    return Ok(Polled::CaughtUp { until: Some(time) });
                }
                Some(Act::Until(_)) => drop(self.0.pop_front()),
                Some(Act::Pause) => {
                    self.0.pop_front();
                    let until = Some(intake.now());
                    return Ok(Polled::CaughtUp { until });
                }
                Some(Act::Rest) => return Ok(Polled::CaughtUp { until: None }),
                Some(Act::Fail) => return Err("the script says so".into()),
                None => return Ok(Polled::Ended),
            }
        }
        Ok(Polled::Ready)
    }
}

/// A sink that keeps its rows, and what it was told when it was to stage them.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    rows: Arc<Mutex<Vec<Vec<Value>>>>,
    log: Arc<Mutex<Vec<Told>>>,
}

/// What a part of the sink was told, in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Row(EventTime),
    Stage(EventTime),
}

impl Kept {
    /// The rows published, sorted.
    pub(crate) fn rows(&self) -> Vec<Vec<Value>> {
        let mut rows = self.rows.lock().expect("no one panics with it").clone();
        rows.sort();
        rows
    }

    pub(crate) fn log(&self) -> Vec<Told> {
        self.log.lock().expect("no one panics with it").clone()
    }
}

struct KeptPart(Kept, Vec<Vec<Value>>);

impl Sink for Kept {
    fn check(&self, _cx: &SinkContext) -> Result<(), BoxError> {
        Ok(())
    }
    fn open(&self, _cx: &SinkContext) -> Result<Box<dyn SinkPart>, BoxError> {
        Ok(Box::new(KeptPart(self.clone(), Vec::new())))
    }
}

impl SinkPart for KeptPart {
    fn write(&mut self, _epoch: Epoch, rows: &mut Vec<SinkRow>) -> Result<(), BoxError> {
        let mut log = self.0.log.lock().expect("no one panics with it");
        for row in rows.drain(..) {
            log.push(Told::Row(row.time));
            self.1.push(row.values);
        }
        Ok(())
    }
    fn stage(&mut self, at: StageAt) -> Result<Vec<Staged>, BoxError> {
        self.0
            .log
            .lock()
            .expect("no one panics with it")
            .push(Told::Stage(at.watermark));
        Ok(vec![Staged("rows".into())])
    }
    fn publish(&mut self, _staged: &[Staged]) -> Result<Vec<Published>, BoxError> {
        self.0
            .rows
            .lock()
            .expect("no one panics with it")
            .append(&mut self.1);
        Ok(Vec::new())
    }
}

/// Runs the pipeline; fails if it has not ended after a minute.
pub(crate) fn ends(
    app: App,
    pipeline: impl for<'f> Fn(&mut Flow<'f>) -> Result<()> + Send + Sync + 'static,
) -> Result<Report> {
    let (ended, end) = channel();
    std::thread::spawn(move || {
        let ran = app.start(pipeline).and_then(|running| running.wait());
        // Nobody listens any more if this took too long.
        let _ = ended.send(ran);
    });
    end.recv_timeout(Duration::from_secs(20))
        .expect("the run ends in time")
}
