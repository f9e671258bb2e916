//! A stop publishes what a sink holds back, and leaves nothing half done.

#[path = "support/files.rs"]
mod files;

use std::sync::mpsc::channel;
use std::time::Duration;

use files::{files_below, rows_below};
use millstream::engine::VirtualClock;
use millstream::prelude::*;
use millstream::testing::{Act, Script};

const N_ROWS: i64 = 25;

#[test]
fn rows_that_wait_for_a_file_are_in_one_after_a_stop() -> anyhow::Result<()> {
    for workers in 1..=3 {
        let folder = tempfile::tempdir()?;
        let out = folder.path().to_owned();
        let (taken, records) = channel();
        let running = App::new("stop")
            .workers(workers)
            .clock(VirtualClock::starting_at(EventTime::from_millis(0)))
            .epochs(millis(0), 4)
            .start(move |flow| {
                let mut acts: Vec<_> = (0..N_ROWS)
                    .map(|s| Act::Emit(EventTime::from_millis(s * 1000), s))
                    .collect();
                acts.push(Act::Rest);
                let taken = taken.clone();
                flow.source("numbers", Script::new(vec![acts]))
                    .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)))
                    .inspect(move |_| {
                        // Nobody listens any more after the last.
                        let _ = taken.send(());
                    })
                    .columns("n", |(_, n)| *n)
                    .sink("numbers", ParquetFiles::new(&out))
            })?;
        for _ in 0..N_ROWS {
            records.recv_timeout(Duration::from_secs(60))?;
        }
        running.run().stop();
        let report = running.wait()?;
        assert!(report.stopped);
        let mut expected: Vec<_> = (0..N_ROWS).map(|n| vec![n.to_string()]).collect();
        expected.sort();
        assert_eq!(rows_below(folder.path()), expected, "{workers} workers");
        let files = files_below(folder.path());
        let is_data = |file: &std::path::PathBuf| file.extension().is_some_and(|e| e == "parquet");
        assert_eq!(files.iter().filter(|file| is_data(file)).count(), 1);
        let in_staging = |file: &std::path::PathBuf| file.to_string_lossy().contains(".staging");
        assert!(!files.iter().any(in_staging), "{files:?}");
        assert_eq!(report.published, 1);
    }
    Ok(())
}
