//! What a run publishes is told and counted, each file once; a run that has failed publishes nothing more.

#[path = "support/files.rs"]
mod files;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};

use files::{files_below, rows_below};
use millstream::engine::{
    BoxError, Epoch, Published, Sink, SinkContext, SinkPart, SinkRow, StageAt, Staged, VirtualClock,
};
use millstream::prelude::*;
use millstream::testing::{Act, Script};

fn at(second: i64) -> EventTime {
    EventTime::from_millis(second * 1000)
}

#[test]
fn every_file_is_told_and_counted_and_lies_where_its_windows_begin() -> anyhow::Result<()> {
    for workers in 1..=3 {
        let folder = tempfile::tempdir()?;
        let out = folder.path().to_owned();
        let (told, tellings) = channel();
        let report = App::new("published")
            .workers(workers)
            .clock(VirtualClock::starting_at(at(0)))
            .epochs(millis(0), 7)
            .watch(move |run| {
                run.on_published(move |sink, published| {
                    told.send((sink.to_owned(), published.clone()))
                        .expect("someone listens");
                })
            })
            .run(move |flow| {
                let acts = (0..300).map(|m| Act::Emit(at(m * 60), m % 7)).collect();
                flow.source("numbers", Script::new(vec![acts]))
                    .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)))
                    .key_with("key", |(_, key)| *key)
                    .window(Tumbling::of(minutes(30)))
                    .aggregate("counts", |of| of.count("n"))
                    .closed()
                    .sink("counts", ParquetFiles::new(&out).partition_by_hour())
            })?;
        let tellings: Vec<_> = tellings.into_iter().collect();
        assert_eq!(report.published, tellings.len() as u64);
        assert!(tellings.iter().all(|(sink, _)| sink == "counts"));
        let mut told: Vec<_> = tellings
            .iter()
            .map(|(_, p)| PathBuf::from(&p.name))
            .collect();
        told.sort();
        let mut found = files_below(folder.path());
        found.retain(|file| file.extension().is_some_and(|e| e == "parquet"));
        assert_eq!(told, found, "{workers} workers");
        let n_rows: u64 = tellings.iter().map(|(_, published)| published.rows).sum();
        assert_eq!(n_rows, 10 * 7);

        for hour in 0..5 {
            let below = format!("date=1970-01-01/hour={hour:02}");
            let starts = rows_below(&folder.path().join(below)).into_iter();
            let starts: Vec<i64> = starts.map(|row| row[0].parse().expect("micros")).collect();
            let of_hour = at(hour * 3600).micros()..at((hour + 1) * 3600).micros();
            assert_eq!(starts.len(), 2 * 7, "in hour {hour}");
            assert!(starts.iter().all(|start| of_hour.contains(start)));
        }
    }
    Ok(())
}

/// Stages on the second worker while the run fails, and notes whether it is asked to publish then.
#[derive(Clone)]
struct Staging {
    is_second: bool,
    run: Arc<OnceLock<Run>>,
    clock: VirtualClock,
    published: Arc<AtomicBool>,
}

impl Sink for Staging {
    fn check(&self, _cx: &SinkContext) -> std::result::Result<(), BoxError> {
        Ok(())
    }
    fn open(&self, cx: &SinkContext) -> std::result::Result<Box<dyn SinkPart>, BoxError> {
        let is_second = cx.worker == 1;
        Ok(Box::new(Staging {
            is_second,
            ..self.clone()
        }))
    }
}

impl SinkPart for Staging {
    fn write(
        &mut self,
        _epoch: Epoch,
        rows: &mut Vec<SinkRow>,
    ) -> std::result::Result<(), BoxError> {
        rows.clear();
        Ok(())
    }
    fn stage(&mut self, _at: StageAt) -> std::result::Result<Vec<Staged>, BoxError> {
        if !self.is_second {
            return Ok(Vec::new());
        }
        // Now the other worker goes on to what fails.
        self.clock.advance(seconds(1));
        let run = self.run.get().expect("set before the run begins");
        for _ in 0..10_000_000 {
            if run.status().state == "failed" {
                return Ok(vec![Staged("rows".into())]);
            }
            std::thread::yield_now();
        }
        Err("the run does not fail".into())
    }
    fn publish(&mut self, _staged: &[Staged]) -> std::result::Result<Vec<Published>, BoxError> {
        self.published.store(true, Ordering::SeqCst);
        Ok(Vec::new())
    }
}

#[test]
fn nothing_is_published_of_an_epoch_in_which_the_run_failed() {
    let clock = VirtualClock::starting_at(at(0));
    let sink = Staging {
        is_second: false,
        run: Arc::default(),
        clock: clock.clone(),
        published: Arc::default(),
    };
    let (run_of, published) = (Arc::clone(&sink.run), Arc::clone(&sink.published));
    let error = App::new("failing")
        .workers(2)
        .clock(clock)
        .epochs(millis(0), 1)
        .watch(move |run| assert!(run_of.set(run.clone()).is_ok(), "once"))
        .run(move |flow| {
            let on_first = vec![Act::Emit(at(0), 0), Act::Until(at(1)), Act::Emit(at(1), 1)];
            let on_second = vec![Act::Emit(at(0), 2), Act::Rest];
            flow.source("numbers", Script::new(vec![on_first, on_second]))
                .event_time(|(time, _)| *time, Watermarks::bounded(seconds(0)))
                .inspect(|(_, n)| assert!(*n != 1, "the sink stages"))
                .filter(|(_, n)| *n == 2)
                .columns("n", |(_, n)| *n)
                .sink("staging", sink.clone())
        })
        .expect_err("it fails");
    assert!(error.to_string().contains("the sink stages"), "{error}");
    assert!(!published.load(Ordering::SeqCst), "it was published");
}
