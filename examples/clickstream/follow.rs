//! Tells on standard error what the job is doing: a line a second, or a progress bar where the end is known.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use millstream::engine::PipelineStatus;
use millstream::prelude::*;

/// Follows a run.
pub(crate) struct Follow {
    to_an_end: bool,
    out: PathBuf,
    address: OnceLock<Arc<OnceLock<SocketAddr>>>,
    started: Instant,
    greeted: AtomicBool,
    run: OnceLock<Run>,
    thread: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

impl Follow {
    /// For a run that reads its input `to_an_end`, or for one that goes on.
    pub(crate) fn new(to_an_end: bool, out: PathBuf) -> Self {
        Follow {
            to_an_end,
            out,
            address: OnceLock::new(),
            started: Instant::now(),
            greeted: AtomicBool::new(false),
            run: OnceLock::new(),
            thread: Mutex::default(),
        }
    }

    /// The address at which the results are served, once it is known.
    pub(crate) fn serves_at(&self, address: Arc<OnceLock<SocketAddr>>) {
        assert!(self.address.set(address).is_ok(), "there is one server");
    }

    /// Follows `run` on a thread of its own.
    pub(crate) fn start(self: &Arc<Self>, run: &Run) {
        let (stop, stopped) = channel();
        let (follow, run) = (Arc::clone(self), run.clone());
        assert!(self.run.set(run.clone()).is_ok(), "there is one run");
        let to_an_end = self.to_an_end;
        run.on_published(move |sink, file| {
            if !to_an_end {
                eprintln!("published {} with {} rows of {sink}", file.name, file.rows);
            }
        });
        let thread = std::thread::spawn(move || {
            let bar = follow.to_an_end.then(progress_bar);
            let every = if follow.to_an_end {
                millis(100)
            } else {
                seconds(1)
            };
            let (mut wait, mut before) = (millis(100), 0);
            let mut resuming = true;
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                let status = run.status();
                if resuming && run.is_ready() {
                    say(&bar, &what_it_is(&run, &status));
                    resuming = false;
                }
                match &bar {
                    Some(bar) => show_progress(bar, &status),
                    None if !follow.greeted.swap(true, Relaxed) => follow.greet(&status),
                    None => before = follow.tell(&status, before),
                }
                wait = every;
            }
            if resuming && run.is_ready() {
                say(&bar, &what_it_is(&run, &run.status()));
            }
            if let Some(bar) = bar {
                bar.finish_and_clear();
            }
        });
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some((stop, thread));
    }

    /// Ends the telling.
    pub(crate) fn stop(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some((stop, thread)) = thread {
            drop(stop);
            // It only tells; if it panicked there is nothing to add.
            let _ = thread.join();
        }
    }

    /// A line of what is happening; gives the number of events so far.
    fn tell(&self, status: &PipelineStatus, before: u64) -> u64 {
        let events: u64 = status.sources.iter().map(|source| source.events).sum();
        let rejected: u64 = status.sources.iter().map(|source| source.rejected).sum();
        let windows = status.steps.iter().filter(|step| step.kind == "window");
        let open = windows
            .clone()
            .map(|step| step.open_windows)
            .max()
            .unwrap_or(0);
        let late = windows.clone().map(|step| step.late).max().unwrap_or(0);
        let watermark = windows.filter_map(|step| step.watermark).min();
        let watermark = watermark.map_or("none yet".into(), |at| at.to_string());
        eprintln!(
            "{} events={events} (+{}) rejected={rejected} late={late} open_windows={open} watermark={watermark}",
            status.now,
            events - before
        );
        events
    }

    /// Says, once, where to look and what to expect.
    fn greet(&self, status: &PipelineStatus) {
        if let Some(address) = self.address.get().and_then(|address| address.get()) {
            eprintln!("dashboard: http://{address}/");
        }
        let minute = Window::tumbling(status.now, minutes(1));
        let due = minute.end.plus(seconds(5 + 30 + 60));
        eprintln!(
            "the first minute is final at about {}, and its files appear below {} at about {due}",
            minute.end.plus(seconds(5 + 30)),
            self.out.display()
        );
    }

    /// The one line on standard output: what was done.
    #[expect(clippy::print_stdout, reason = "the result")]
    pub(crate) fn summary(&self, report: &Report) {
        let seconds = self.started.elapsed().as_secs_f64();
        // Events are those of all runs so far, the time is that of this one.
        let before = self.run.get().and_then(Run::resumed);
        let events = report.events - before.map_or(0, |before| before.events);
        println!(
            "events={} rejected={} late={} seconds={seconds:.3} events_per_second={:.0}",
            report.events,
            report.rejected,
            report.late,
            events as f64 / seconds.max(Duration::from_millis(1).as_secs_f64())
        );
    }
}

/// From where the run goes on, and what holds if it is killed.
fn what_it_is(run: &Run, status: &PipelineStatus) -> String {
    let begins = match run.resumed() {
        Some(resumed) => format!(
            "resumed from epoch {} in {:.3} s",
            resumed.from,
            resumed.took.as_secs_f64()
        ),
        None => "begins anew".into(),
    };
    format!(
        "{begins}; if it is killed and started again, events count {}",
        status.guarantee
    )
}

/// Says a line on standard error, above the bar if there is one.
fn say(bar: &Option<ProgressBar>, line: &str) {
    match bar {
        Some(bar) if !bar.is_hidden() => bar.println(line),
        _ => eprintln!("{line}"),
    }
}

fn progress_bar() -> ProgressBar {
    let style = "{bar:40} {percent:>3} % {bytes}/{total_bytes} {bytes_per_sec} {msg}";
    ProgressBar::new(0).with_style(ProgressStyle::with_template(style).expect("a template"))
}

fn show_progress(bar: &ProgressBar, status: &PipelineStatus) {
    let partitions = || status.sources.iter().flat_map(|source| &source.partitions);
    bar.set_length(partitions().filter_map(|p| p.bytes_total).sum());
    bar.set_position(partitions().map(|p| p.bytes).sum());
    bar.set_message(format!(
        "{} events",
        status
            .sources
            .iter()
            .map(|source| source.events)
            .sum::<u64>()
    ));
}
