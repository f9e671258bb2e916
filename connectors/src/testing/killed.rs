//! A sink under a pipeline that is killed again and again, at any moment, and goes on with another number of workers.
//!
//! Everything around the sink is done as the engine does it: rows are written in epochs; every few epochs all parts stage,
//! hand over and note; then that is committed; then it is published. A run that goes on takes the newest commit, or the
//! one before if that was lost, reads the rows that came after it again, and gives the parts back what old ones had.

use std::collections::BTreeMap;
use std::sync::Arc;

use millstream_engine::{
    Column, ColumnType, Epoch, EventTime, Registry, Sink, SinkContext, SinkPart, SinkRow, StageAt,
    Staged, StatePlace, Value, minutes, seconds, testing::FaultStore,
};

use super::Random;
use crate::keep::Keep;

/// A part whose snapshots can be looked into.
pub(crate) trait TestedPart: SinkPart {
    fn hand_over_to(&mut self, to: &mut Buckets);
}

/// What a snapshot has of one part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buckets(BTreeMap<String, Vec<SinkRow>>);

impl Buckets {
    pub(crate) fn names(&self) -> Vec<&str> {
        self.0.keys().map(|name| &**name).collect()
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

impl Keep for Buckets {
    fn emptied(&mut self, bucket: String) {
        assert!(self.0.remove(&bucket).is_some(), "{bucket} was there");
    }

    fn rows(&mut self, bucket: String, rows: Vec<SinkRow>) {
        assert!(!rows.is_empty(), "{bucket} gets rows");
        self.0.entry(bucket).or_default().extend(rows);
    }
}

/// What a manifest and its snapshot hold, by worker where it is a list.
#[derive(Clone)]
struct Commit {
    epoch: Epoch,
    n_read: usize,
    staged: Vec<Vec<Staged>>,
    buckets: Vec<Buckets>,
    notes: Vec<Option<String>>,
}

type Open<'a> = &'a dyn Fn(&SinkContext) -> Box<dyn TestedPart>;

/// The pipeline.
pub(crate) struct Killed<'a> {
    pub(crate) sink: &'a dyn Sink,
    pub(crate) open: Open<'a>,
    /// Looks at what a run that was stopped in order has left.
    pub(crate) stopped: &'a dyn Fn(),
    pub(crate) rows: &'a [SinkRow],
    /// How often it is killed.
    pub(crate) n_kills: usize,
    pub(crate) n_workers_max: usize,
    /// Whether the newest commit may be lost, and the run goes on from the one before.
    pub(crate) loses_commits: bool,
    pub(crate) random: Random,
}

/// How many rows there are in an epoch, and epochs from one snapshot to the next.
const EPOCH_ROWS: usize = 10;
const SNAPSHOT_EPOCHS: usize = 3;

/// How far the watermark is behind.
const BEHIND_MINUTES: u64 = 5;

impl Killed<'_> {
    /// Runs until all rows are through, whatever it takes.
    pub(crate) fn run(mut self) {
        let mut commits = Vec::new();
        for run in 1.. {
            let may_lose = self.loses_commits && commits.len() > 1 && self.n_kills > 0;
            if may_lose && self.random.below(6) == 0 {
                commits.pop();
            }
            let registry = Arc::default();
            let mut running = Running::start(&mut self, run, &registry, commits.last());
            if running.go(&mut commits).is_some() {
                return;
            }
        }
    }
}

/// What source and wall clock say after `n_read` rows; the same in each run.
fn watermark(rows: &[SinkRow]) -> EventTime {
    let latest = rows.iter().map(|row| row.time).max();
    latest.map_or(EventTime::MIN, |time| time.minus(minutes(BEHIND_MINUTES)))
}

/// What is staged and what is done of one run.
struct Running<'a, 'b> {
    of: &'b mut Killed<'a>,
    parts: Vec<Box<dyn TestedPart>>,
    buckets: Vec<Buckets>,
    epoch: Epoch,
    n_read: usize,
    /// Moments until it is killed.
    moments_left: Option<usize>,
    /// Snapshots until it is stopped.
    snapshots_left: Option<usize>,
}

pub(crate) fn context(worker: usize, workers: usize, registry: &Arc<Registry>) -> SinkContext {
    SinkContext {
        name: "out".into(),
        worker,
        workers,
        run: "r-1".into(),
        place: StatePlace::at(Arc::new(FaultStore::new())),
        columns: vec![Column::new("n", ColumnType::Int64)].into(),
        registry: Arc::clone(registry),
    }
}

/// One row for each time, numbered.
pub(crate) fn numbered(times: impl IntoIterator<Item = EventTime>) -> Vec<SinkRow> {
    let row = |(n, time)| SinkRow {
        time,
        values: vec![Value::Int(n)],
    };
    (0..).zip(times).map(row).collect()
}

impl<'a, 'b> Running<'a, 'b> {
    fn start(
        of: &'b mut Killed<'a>,
        run: u32,
        registry: &Arc<Registry>,
        from: Option<&Commit>,
    ) -> Self {
        let workers = 1 + of.random.below(of.n_workers_max);
        let cx = |worker| context(worker, workers, registry);
        of.sink.check(&cx(0)).unwrap();
        if let Some(commit) = from {
            let staged = commit.staged.concat();
            of.sink.recover(&cx(0), commit.epoch, &staged).unwrap();
        }
        let mut parts: Vec<_> = (0..workers).map(|worker| (of.open)(&cx(worker))).collect();
        let mut buckets = vec![Buckets::default(); workers];
        if let Some(commit) = from {
            for (old, of_old) in commit.buckets.iter().enumerate() {
                let part = &mut parts[old % workers];
                for (bucket, rows) in &of_old.0 {
                    part.restore(bucket, rows.clone()).unwrap();
                    buckets[old % workers].rows(bucket.clone(), rows.clone());
                }
            }
            for part in &mut parts {
                let notes = commit.notes.iter().flatten();
                notes.for_each(|note| part.restore_note(note).unwrap());
            }
            for (old, staged) in commit.staged.iter().enumerate() {
                parts[old % workers].publish(staged).unwrap();
            }
        }
        let is_killed = of.n_kills > 0 && from.is_some();
        of.n_kills -= usize::from(is_killed);
        Running {
            parts,
            buckets,
            epoch: Epoch::first_of_run(run),
            n_read: from.map_or(0, |commit| commit.n_read),
            moments_left: is_killed.then(|| of.random.below(60)),
            // The first one is stopped before it is killed: where there is no commit, there is nothing to go on from.
            snapshots_left: (is_killed && of.random.below(4) == 0
                || from.is_none() && of.n_kills > 0)
                .then(|| 1 + of.random.below(4)),
            of,
        }
    }

    /// `None` when it is killed.
    fn lives(&mut self) -> Option<()> {
        if let Some(left) = &mut self.moments_left {
            *left = left.checked_sub(1)?;
        }
        Some(())
    }

    /// `None` when it was killed or stopped before all rows were through.
    fn go(&mut self, commits: &mut Vec<Commit>) -> Option<()> {
        loop {
            for _ in 0..SNAPSHOT_EPOCHS {
                self.write();
                self.lives()?;
            }
            let is_ended = self.n_read == self.of.rows.len();
            let is_stopped = self.snapshots_left == Some(1);
            self.snapshots_left = self.snapshots_left.map(|left| left - 1);
            let at = StageAt {
                epoch: self.epoch,
                watermark: match is_ended {
                    true => EventTime::MAX,
                    false => watermark(&self.of.rows[..self.n_read]),
                },
                now: EventTime::from_micros(0).plus(seconds(self.n_read as u64)),
                last: is_ended || is_stopped,
            };
            let commit = self.stage(at)?;
            let staged = commit.staged.clone();
            commits.push(commit);
            self.publish(&staged)?;
            if at.last {
                for (part, buckets) in self.parts.iter_mut().zip(&mut self.buckets) {
                    assert!(!part.holds_rows());
                    part.hand_over_to(buckets);
                    assert_eq!(buckets.n_rows(), 0, "all is published");
                }
                self.parts.clear();
                (self.of.stopped)();
                return is_ended.then_some(());
            }
        }
    }

    fn write(&mut self) {
        let rows = &self.of.rows[self.n_read..];
        let rows = &rows[..rows.len().min(EPOCH_ROWS)];
        self.n_read += rows.len();
        self.epoch = self.epoch.next();
        let mut by_worker = vec![Vec::new(); self.parts.len()];
        for row in rows {
            by_worker[self.of.random.below(self.parts.len())].push(row.clone());
        }
        for (part, mut rows) in self.parts.iter_mut().zip(by_worker) {
            part.write(self.epoch, &mut rows).unwrap();
            assert!(rows.is_empty());
        }
    }

    fn stage(&mut self, at: StageAt) -> Option<Commit> {
        let mut commit = Commit {
            epoch: at.epoch,
            n_read: self.n_read,
            staged: Vec::new(),
            buckets: Vec::new(),
            notes: Vec::new(),
        };
        for worker in 0..self.parts.len() {
            self.lives()?;
            let part = &mut self.parts[worker];
            commit.staged.push(part.stage(at).unwrap());
            part.hand_over_to(&mut self.buckets[worker]);
            commit.notes.push(part.note());
        }
        commit.buckets = self.buckets.clone();
        self.lives()?;
        Some(commit)
    }

    fn publish(&mut self, staged: &[Vec<Staged>]) -> Option<()> {
        for (worker, staged) in staged.iter().enumerate() {
            // A process may die in the middle of publishing, too.
            for one in staged {
                self.lives()?;
                let published = self.parts[worker].publish(std::slice::from_ref(one));
                assert_eq!(published.unwrap().len(), 1, "{one:?} is new");
            }
            self.lives()?;
            assert_eq!(self.parts[worker].publish(staged).unwrap(), []);
        }
        self.lives()
    }
}
