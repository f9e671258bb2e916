//! From a file of NDJSON to a file of Parquet: page views counted by minute and page, with their visitors.
//!
//! `cargo bench -p millstream-benches --bench files` makes 2,000,000 page views (594 MB) and has one and two workers read them
//! into a type of all their fields, and into one that names the four that are needed, in turn, with snapshots every second.
//! `MILLSTREAM_FILE` names another file of such page views, `MILLSTREAM_ROUNDS` how often it is read (5 if it is not set).
#![expect(clippy::print_stdout, reason = "the result")]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use millstream::engine::Data;
use millstream::prelude::*;
use millstream_benches::{median, rounds};
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const N_EVENTS: u64 = 2_000_000;

/// What the table needs of a page view.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Narrow {
    timestamp: EventTime,
    data: NarrowData,
}

/// The same of what is in the envelope.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NarrowData {
    user_id: String,
    url: String,
}

/// A page view, whatever else it has.
trait View: Data {
    fn time(&self) -> EventTime;
    fn url(&self) -> &String;
    fn user(&self) -> &String;
}

impl View for Narrow {
    fn time(&self) -> EventTime {
        self.timestamp
    }
    fn url(&self) -> &String {
        &self.data.url
    }
    fn user(&self) -> &String {
        &self.data.user_id
    }
}

impl View for Event<PageView> {
    fn time(&self) -> EventTime {
        self.timestamp
    }
    fn url(&self) -> &String {
        &self.data.url
    }
    fn user(&self) -> &String {
        &self.data.user_id
    }
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let given = std::env::var_os("MILLSTREAM_FILE").map(PathBuf::from);
    let file = given.unwrap_or_else(|| made_in(folder.path()));
    for workers in [1, 2] {
        let (mut all, mut narrow) = (Vec::new(), Vec::new());
        for _ in 0..rounds() {
            all.push(pages::<Event<PageView>>(&file, workers) / 1e6);
            narrow.push(pages::<Narrow>(&file, workers) / 1e6);
        }
        println!(
            "{workers} workers, all fields   : {}",
            median(all, 2, "M events/s")
        );
        println!(
            "{workers} workers, fields wanted: {}",
            median(narrow, 2, "M events/s")
        );
    }
}

/// Makes the file.
fn made_in(folder: &Path) -> PathBuf {
    let path = folder.join("views.ndjson");
    let generator = Clickstream::new().rate(Rate::PerSecond(5_000)).seed(1);
    let start = EventTime::from_millis(1_768_473_000_000);
    let mut out = BufWriter::new(File::create(&path).expect("a file"));
    for n in 0..N_EVENTS {
        serde_json::to_writer(&mut out, &generator.event(n, start)).expect("it is written");
        out.write_all(b"\n").expect("it is written");
    }
    out.flush().expect("it is written");
    path
}

/// Events a second from `file` to Parquet.
fn pages<V: View>(file: &Path, workers: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let state = State::in_directory(folder.path().join("state"));
    let (file, out) = (file.display().to_string(), folder.path().join("pages"));
    let started = Instant::now();
    let app = App::new("files").workers(workers).state(state);
    let report = app.run(move |flow| {
        let lines = NdjsonFiles::new(&file).decode(Json::<V>::new());
        let views = flow
            .source("views", lines)
            .event_time(V::time, Watermarks::bounded(seconds(5)));
        let pages = views
            .key_by("url", V::url)
            .window(Tumbling::of(minutes(1)).lateness(seconds(30)))
            .aggregate("pages", |of| {
                (of.count("views"), of.count_distinct("visitors", V::user))
            });
        pages.closed().sink("pages", ParquetFiles::new(&out))
    });
    let report = report.expect("it runs");
    assert_eq!(report.rejected, 0, "all lines are page views");
    report.events as f64 / started.elapsed().as_secs_f64()
}
