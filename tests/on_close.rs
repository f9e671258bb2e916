//! `on_close` gives a window's rows when it ends and then only corrections; the last word is that of the closed rows.

use millstream::engine::Value;
use millstream::prelude::*;
use millstream::testing::{Act, Script};

#[test]
fn rows_at_the_end_then_corrections() -> anyhow::Result<()> {
    let at = EventTime::from_millis;
    // The window of the first ten seconds ends with two; then one more comes that is late but allowed, then one too late.
    let times = [
        1_000, 9_000, 12_000, 5_000, 13_000, 6_000, 40_000, 7_000, 41_000,
    ];
    let script = Script::new(vec![times.map(|ms| Act::Emit(at(ms), ())).to_vec()]);
    for workers in 1..=2 {
        let (ended, closed) = (Memory::new(), Memory::new());
        let (script, ended_to, closed_to) = (script.clone(), ended.clone(), closed.clone());
        let report = App::new("on_close")
            .workers(workers)
            .epochs(millis(0), 1)
            .run(move |flow| {
                let counts = flow
                    .source("ticks", script.clone())
                    .event_time(|(time, ())| *time, Watermarks::bounded(seconds(0)))
                    .window(Tumbling::of(seconds(10)).lateness(seconds(20)))
                    .aggregate("counts", |of| of.count("n"));
                counts.on_close().sink("ended", ended_to.clone())?;
                counts.closed().sink("closed", closed_to.clone())
            })?;
        assert_eq!(
            report.late, 1,
            "at 40 s the first window had been final for ten"
        );
        let of_first = |rows: Vec<Vec<Value>>| -> Vec<Vec<Value>> {
            rows.into_iter()
                .filter(|row| row[0] == Value::Time(at(0)))
                .map(|row| row[2..].to_vec())
                .collect()
        };
        let ended = of_first(ended.rows());
        assert_eq!(
            ended.first(),
            Some(&vec![Value::Int(2), Value::Bool(false)]),
            "when it ended"
        );
        assert_eq!(
            ended.last(),
            Some(&vec![Value::Int(4), Value::Bool(true)]),
            "the last correction"
        );
        assert_eq!(
            ended
                .iter()
                .filter(|row| row[1] == Value::Bool(false))
                .count(),
            1,
            "it ends once: {ended:?}"
        );
        assert_eq!(of_first(closed.rows()), [[Value::Int(4)]]);
    }
    Ok(())
}
