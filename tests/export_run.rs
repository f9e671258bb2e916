//! A view of a run can be exported as a file, while it runs and when it is over.

#[path = "support/files.rs"]
mod files;

use files::rows_below;
use millstream::engine::VirtualClock;
use millstream::prelude::*;
use millstream::queries::ExportError;
use millstream::testing::{Act, Script};

fn at(second: i64) -> EventTime {
    EventTime::from_millis(second * 1000)
}

/// Counts by key in windows of ten seconds.
fn pipeline(flow: &mut Flow<'_>) -> Result<()> {
    let acts = (0..40).map(|s| Act::Emit(at(s), s % 3)).collect();
    flow.source("events", Script::new(vec![acts]))
        .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)))
        .key_with("key", |(_, key)| *key)
        .window(Tumbling::of(seconds(10)))
        .aggregate("counts", |of| of.count("n"))
        .view("counts")
}

fn expected() -> Vec<Vec<String>> {
    let count = |window: i64, key: i64| {
        let seconds = window * 10..(window + 1) * 10;
        seconds.filter(|second| second % 3 == key).count()
    };
    let row = |window: i64, key: i64| {
        let (start, end) = (at(window * 10), at((window + 1) * 10));
        let (start, end) = (start.micros().to_string(), end.micros().to_string());
        vec![
            start,
            end,
            key.to_string(),
            count(window, key).to_string(),
            "true".into(),
        ]
    };
    let mut rows: Vec<_> = (0..4)
        .flat_map(|w| (0..3).map(move |k| (w, k)))
        .map(|(window, key)| row(window, key))
        .collect();
    rows.sort();
    rows
}

#[test]
fn everything_that_the_view_shows() -> anyhow::Result<()> {
    for workers in 1..=3 {
        let folder = tempfile::tempdir()?;
        let path = |name: &str| folder.path().join(name);
        let running = App::new("export")
            .workers(workers)
            .clock(VirtualClock::starting_at(at(0)))
            .start(pipeline)?;
        let run = running.run().clone();
        // Whatever it has come to by now: it is a whole file, and a later one takes its place.
        run.export("counts", path("counts.parquet"))?;
        running.wait()?;

        assert_eq!(run.export("counts", path("counts.parquet"))?, 12);
        assert_eq!(rows_below(folder.path()), expected(), "{workers} workers");
        assert_eq!(run.export("counts", path("counts.csv"))?, 12);
        let csv = std::fs::read_to_string(path("counts.csv"))?;
        let mut lines = csv.lines();
        assert_eq!(
            lines.next(),
            Some("window_start,window_end,key,n,final"),
            "{csv}"
        );
        assert_eq!(
            lines.next(),
            Some("1970-01-01T00:00:30Z,1970-01-01T00:00:40Z,0,4,true"),
            "the newest window first"
        );
        assert_eq!(lines.count(), 11);

        let unknown = run.export("count", path("count.csv"));
        assert!(matches!(unknown, Err(ExportError::UnknownView { .. })));
    }
    Ok(())
}
