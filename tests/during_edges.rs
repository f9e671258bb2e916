//! At the edges of what is open: what follows finds nothing late, though a left record was a straggler or was over when it
//! came; whether it is late does not depend on epochs; and what is over is let go of while the input goes on.

#[path = "support/random.rs"]
mod random;
#[path = "support/stragglers.rs"]
mod stragglers;

use std::time::{Duration, Instant};

use millstream::engine::{StepStatus, hours};
use millstream::prelude::*;
use millstream::testing::{Act, Script};
use random::Random;
use stragglers::{BOUND_MS, Hit, first_seed, random_input};

/// When the last happens, where the input rests.
const FAR: EventTime = EventTime::from_millis(1_000_000);

/// When something happened, of which key, and its number; all in one partition.
type Happened = (i64, &'static str, i64);

fn script(happened: &[Happened]) -> Script<(i64, String, i64)> {
    let act = |(at, key, n): &Happened| {
        Act::Emit(EventTime::from_millis(*at), (*at, (*key).to_owned(), *n))
    };
    Script::new(vec![happened.iter().map(act).collect()])
}

/// For how long left records are open, from their time on, and what else is said of them; in milliseconds.
#[derive(Clone, Copy)]
struct Said {
    from: i64,
    to: i64,
    lateness: u64,
    back: u64,
}

/// The rows of `join_first` and of `aggregate` that windows after them are given in time, those of either that they find late,
/// and the records that are late.
fn run(left: &[Happened], right: &[Happened], said: Said, records: usize) -> Result<[usize; 4]> {
    let (left, right) = (script(left), script(right));
    let sinks = [(); 4].map(|()| Memory::new());
    let to = sinks.clone();
    let app = App::new("edges").workers(1).epochs(millis(0), records);
    app.run(move |flow| {
        let [left, right] = [("left", &left), ("right", &right)].map(|(name, script)| {
            let policy = Watermarks::bounded(millis(BOUND_MS as u64)).idle_after(hours(1));
            let records = flow.source(name, script.clone());
            let records = records.event_time(|(time, _)| *time, policy);
            records
                .map(|(_, record)| record)
                .key_by("key", |record| &record.1)
        });
        let intervals = left.during(move |(at, ..)| Window {
            start: EventTime::from_millis(at + said.from),
            end: EventTime::from_millis(at + said.to),
        });
        let intervals = intervals
            .lateness(millis(said.lateness))
            .reaching_back(millis(said.back));
        let first = intervals.join_first("first", &right, |record| record.2);
        let late = first.late().map(|_| 0);
        let folded = intervals.aggregate("folded", &right, |of| of.count("n"));
        let sink = |n: usize| to[n].clone();
        late.columns("n", |n| *n).sink("late", sink(3))?;
        let outputs = [
            first.map(|(left, _)| left.2),
            folded.map(|(left, _)| left.2),
        ];
        for (n, (rows, name)) in outputs
            .into_iter()
            .zip(["of_first", "of_folded"])
            .enumerate()
        {
            // Each by itself: together they would be as far behind as the other one.
            let timed = rows.key_with("n", |n| *n).window(Tumbling::of(millis(1)));
            let timed = timed.aggregate(name, |of| of.count("times"));
            timed.closed().sink(name, sink(n))?;
            let name = format!("{name}_late");
            timed.late().columns("n", |n| *n).sink(&name, sink(2))?;
        }
        Ok(())
    })?;
    Ok(sinks.map(|sink| sink.rows().len()))
}

#[test]
fn what_follows_a_straggler_finds_nothing_late() -> anyhow::Result<()> {
    // When 7 comes the watermark is at 97 s; it is open until 99.4 s, and meets what happened at 95 s.
    let left = [(100_000, "x", 1), (94_000, "k", 7), (200_000, "x", 9)];
    let right = [(100_000, "y", 1), (95_000, "k", 5), (200_000, "y", 9)];
    let said = Said {
        from: 0,
        to: 5_400,
        lateness: 5_000,
        back: 0,
    };
    for records in [1, 2, 1_000] {
        assert_eq!(
            run(&left, &right, said, records)?,
            [1, 1, 0, 0],
            "{records} records"
        );
    }
    // Open from before its time: it meets what happened before that, and before the watermark.
    let right = [(100_000, "y", 1), (93_500, "k", 5), (200_000, "y", 9)];
    let said = Said {
        from: -4_000,
        to: 5_400,
        lateness: 0,
        back: 4_000,
    };
    for records in [1, 2, 1_000] {
        assert_eq!(
            run(&left, &right, said, records)?,
            [1, 1, 0, 0],
            "{records} records"
        );
    }
    Ok(())
}

#[test]
fn what_was_over_when_it_came_is_not_late_if_it_came_in_time() -> anyhow::Result<()> {
    // 7 is open from 90 s to 93 s, and comes when the watermark is at 97 s; what it meets came before that.
    let left = [
        (80_000, "x", 1),
        (100_000, "x", 2),
        (98_000, "k", 7),
        (200_000, "x", 9),
    ];
    let right = [(90_500, "k", 5), (100_000, "y", 1), (200_000, "y", 9)];
    let said = Said {
        from: -8_000,
        to: -5_000,
        lateness: 0,
        back: 10_000,
    };
    for records in [1, 2, 1_000] {
        assert_eq!(
            run(&left, &right, said, records)?,
            [1, 1, 0, 0],
            "{records} records"
        );
    }
    Ok(())
}

#[test]
fn at_the_very_watermark_it_is_decided_as_it_is_said() -> anyhow::Result<()> {
    // Both are stragglers behind 97 s: a left one can just be expected for what happened at 92 s, and not before that.
    let said = Said {
        from: 0,
        to: 5_400,
        lateness: 5_000,
        back: 0,
    };
    for (at, expected) in [(92_000, [1, 1, 0, 0]), (91_999, [0, 0, 0, 1])] {
        let left = [(100_000, "x", 1), (at, "k", 7), (200_000, "x", 9)];
        let right = [(100_000, "y", 1), (at, "k", 5), (200_000, "y", 9)];
        for records in [1, 2, 1_000] {
            let found = run(&left, &right, said, records)?;
            assert_eq!(found, expected, "at {at}, {records} records");
        }
    }
    // What comes behind 97 s does not meet what is closed at 97 s.
    for (to, expected) in [(2_001, [1, 1, 0, 0]), (2_000, [0, 0, 0, 1])] {
        let left = [(90_000, "k", 7), (200_000, "x", 9)];
        let right = [(100_000, "y", 1), (91_000, "k", 5), (200_000, "y", 9)];
        let said = Said {
            from: 0,
            to,
            lateness: 5_000,
            back: 0,
        };
        for records in [1, 2, 1_000] {
            let found = run(&left, &right, said, records)?;
            assert_eq!(found, expected, "to {to}, {records} records");
        }
    }
    Ok(())
}

/// Random input that ends with a record of a key of its own, long after the others, and rests there.
fn at_rest(rng: &mut Random) -> Script<Hit> {
    let acts = random_input(rng).into_iter().map(|partition| {
        let acts = partition
            .into_iter()
            .map(|(time, hit)| Act::Emit(time, hit));
        let last = Hit {
            key: "last".into(),
            user: 0,
            ms: 0,
        };
        acts.chain([Act::Emit(FAR, last), Act::Rest]).collect()
    });
    Script::new(acts.collect())
}

fn three_joins(flow: &mut Flow<'_>, scripts: &[Script<Hit>; 2], unique: bool) -> Result<()> {
    let [left, right] = [("left", &scripts[0]), ("right", &scripts[1])].map(|(name, script)| {
        let policy = Watermarks::bounded(millis(BOUND_MS as u64)).idle_after(hours(1));
        let hits = flow.source(name, script.clone());
        let hits = hits.event_time(|(time, _)| *time, policy);
        hits.key_by("key", |(_, hit)| &hit.key)
    });
    let intervals = left.during(|(time, hit)| Window {
        start: *time,
        end: time.plus(millis(500 + u64::from(hit.user) * 100)),
    });
    let intervals = intervals.lateness(seconds(1));
    let intervals = match unique {
        true => intervals.one_at_a_time(),
        false => intervals,
    };
    let pairs = intervals.join("pairs", &right, |_, _| ());
    let first = intervals.join_first("first", &right, |(_, hit)| hit.ms);
    let folded = intervals.aggregate("folded", &right, |of| of.count("n"));
    pairs.columns("n", |()| 0).sink("pairs", Memory::new())?;
    first.columns("n", |_| 0).sink("first", Memory::new())?;
    folded.columns("n", |_| 0).sink("folded", Memory::new())
}

/// How the joins of `running` stand once their watermarks have come to the end of the input.
fn joins(running: &Run) -> Vec<StepStatus> {
    let since = Instant::now();
    loop {
        let steps = running.status().steps.into_iter();
        let steps: Vec<_> = steps.filter(|step| step.kind == "join").collect();
        let bar = FAR.minus(millis(BOUND_MS as u64));
        let is_there = steps.iter().all(|step| step.watermark >= Some(bar));
        if is_there || since.elapsed() > Duration::from_secs(20) {
            return steps;
        }
        std::thread::park_timeout(millis(5));
    }
}

#[test]
fn what_is_over_is_let_go_of() -> anyhow::Result<()> {
    for round in 0..6_u64 {
        let seed = first_seed() + round;
        for workers in 1..=3 {
            let mut rng = Random::new(seed);
            let scripts = [(); 2].map(|()| at_rest(&mut rng));
            let running = App::new("rest")
                .workers(workers)
                .epochs(millis(0), 20)
                .start(move |flow| three_joins(flow, &scripts, round % 2 == 1))?;
            let steps = joins(running.run());
            running.run().stop();
            running.wait()?;
            assert_eq!(steps.len(), 3, "three joins");
            for step in steps {
                let context = format!("MILLSTREAM_SEED={seed}, {workers} workers, {step:?}");
                assert_eq!(step.keys, 1, "the last key alone: {context}");
                assert!(step.records_in > 0 && step.open_windows > 0, "{context}");
            }
        }
    }
    Ok(())
}
