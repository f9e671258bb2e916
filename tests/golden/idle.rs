//! Golden `idle`: two sources merged into windows of 10 s, with 3 s of lateness and a bound of 5 s.
//!
//! ```text
//!  clock 0                 left: 0, 1, … 100 s, then it is held      right: 0, 1, … 20 s, then it is silent
//!        10 s or more      the watermark goes on without right, to 95 s: windows up to 90 s close
//!        100,000 s                                                   right: 15 s, late; 96, 97 s; 3 s, late; it is held
//!        200,000 s         left: 110, 111, … 119 s, and it ends      right: 120, 125, 130 s, and it ends
//! ```
//!
//! Whether a source is idle depends on the wall clock and not on its input, so a crash must not fall between a move of
//! the clock and what comes of it: the clock moves on when what came of the last move is committed, which shows in what
//! is published.
//!
//! The rows, by hand: `[0,10)` and `[10,20)` have ten records of each source, `[20,30)` has ten of left and the one at
//! 20 s of right, those up to `[80,90)` have ten of left, `[90,100)` has ten of left and two of right, `[100,110)` has
//! the one at 100 s, `[110,120)` has ten of left, `[120,130)` two of right and `[130,140)` one. The records at 15 and at
//! 3 s are late: their own partition had promised 15 s only, but their windows had closed while it was idle. In all that
//! is 101 + 10 of left and 21 + 4 + 3 of right, 139.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use millstream::engine::{Run, Value, VirtualClock, WallClock};
use millstream::prelude::*;
use millstream::testing::{Act, FaultStore, Script};

use crate::harness::{Answer, check, counts_of, rows_of};

fn at(second: i64) -> EventTime {
    EventTime::from_millis(second * 1000)
}

const COMES_BACK: i64 = 100_000;
const GO_ON: i64 = 200_000;
/// Records before the first pause: 101 of left and 21 of right.
const N_FIRST: i64 = 122;

fn script(seconds: impl IntoIterator<Item = i64>) -> Vec<Act<()>> {
    seconds.into_iter().map(|s| Act::Emit(at(s), ())).collect()
}

fn left() -> Script<()> {
    let (first, last) = (script(0..=100), script(110..120));
    Script::new(vec![[first, vec![Act::Held(at(GO_ON))], last].concat()])
}

fn right() -> Script<()> {
    let silent = vec![Act::Until(at(COMES_BACK))];
    let (first, back) = (script(0..=20), script([15, 96, 97, 3]));
    let held = vec![Act::Held(at(GO_ON))];
    let acts = [first, silent, back, held, script([120, 125, 130])];
    Script::new(vec![acts.concat()])
}

fn pipeline(flow: &mut Flow<'_>, rows: &Memory, late: &Memory) -> Result<()> {
    let policy = Watermarks::bounded(seconds(5)).idle_after(seconds(10));
    let mut source = |name: &'static str, script: Script<()>| {
        let source = flow.source(name, script);
        let timed = source.event_time(|(time, ())| *time, policy);
        timed.map(move |(time, ())| (name.to_owned(), time))
    };
    let (left, right) = (source("left", left()), source("right", right()));
    let counts = left
        .merge(&right)
        .window(Tumbling::of(seconds(10)).lateness(seconds(3)))
        .aggregate("counts", |of| {
            (
                of.count("n"),
                of.count_distinct("sources", |(name, _)| name),
                of.max("newest", |(_, time)| *time),
            )
        });
    counts.view("counts")?;
    counts.closed().sink("rows", rows.clone())?;
    let late_rows = counts.late();
    let late_rows = late_rows.columns(("source", "at"), |(name, time)| (name.clone(), *time));
    late_rows.sink("late", late.clone())
}

/// Moves the clock when what came of the last move is committed.
#[derive(Clone)]
struct Mover {
    clock: VirtualClock,
    rows: Memory,
    late: Memory,
    /// One of those who have news at a time.
    turn: Arc<Mutex<()>>,
}

impl Mover {
    /// Follows a run.
    fn follow(&self, run: &Run) {
        let (on_views, on_published) = (self.clone(), self.clone());
        run.catalog().watch(move |snapshot| {
            let rows = snapshot.views["counts"].rows();
            let n = rows.map(|(_, values)| match values[2] {
                Value::Int(n) => n,
                _ => unreachable!("it is a count"),
            });
            on_views.news(n.sum::<i64>() >= N_FIRST);
        });
        run.on_published(move |_, _| on_published.news(false));
        self.news(false);
    }

    fn news(&self, all_read: bool) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        if now < at(COMES_BACK) {
            // Nine windows end at 90 s or before.
            if self.rows.rows().len() >= 9 {
                self.clock.advance(at(COMES_BACK).since(now));
            } else if all_read {
                self.clock.advance(seconds(10));
            }
        } else if now < at(GO_ON) && self.late.rows().len() >= 2 {
            self.clock.advance(at(GO_ON).since(now));
        }
    }
}

/// Waits for a run; one that is not over in a minute waits for the clock, which waits for it.
fn wait(running: Running) -> Result<Report> {
    let (run, (ended, end)) = (running.run().clone(), channel::<()>());
    let guard = std::thread::spawn(move || {
        let is_stuck = end.recv_timeout(Duration::from_secs(60)) == Err(RecvTimeoutError::Timeout);
        if is_stuck {
            run.stop();
        }
        is_stuck
    });
    let report = running.wait();
    drop(ended);
    let is_stuck = guard.join().expect("it does not panic");
    assert!(!is_stuck, "nothing comes any more");
    report
}

#[test]
fn one_of_two_sources_falls_idle() -> anyhow::Result<()> {
    check("idle", &[1, 2, 4], |way| {
        let (store, rows, late) = (FaultStore::new(), Memory::new(), Memory::new());
        let mover = Mover {
            clock: VirtualClock::starting_at(at(0)),
            rows: rows.clone(),
            late: late.clone(),
            turn: Arc::default(),
        };
        let ran = way.run("idle", |app| {
            let (rows, late, follower) = (rows.clone(), late.clone(), mover.clone());
            let running = app
                .clock(mover.clock.clone())
                .watch(move |run| follower.follow(run))
                .epochs(millis(0), 3)
                .state(State::in_store(store.clone()).every(millis(0)))
                .start(move |flow| pipeline(flow, &rows, &late));
            wait(running?)
        })?;
        let mut answer = Answer::from([("rows", rows_of(&rows)?), ("late", rows_of(&late)?)]);
        answer.extend(counts_of(&ran).map(|counts| ("counts", counts)));
        Ok((ran, answer))
    })
}
