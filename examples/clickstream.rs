//! The main job: page views in, three one-minute tables out, live over HTTP and as Parquet files.
//!
//! Without arguments a generator makes 5,000 page views a second and `http://127.0.0.1:8080` shows them; more can be posted
//! to `/v1/sources/page_views`. With `--input` it reads NDJSON files to their end instead.

#[path = "clickstream/job.rs"]
mod job;

use job::Job;
use millstream::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    Job::from_args().run(pipeline)
}

fn pipeline(flow: &mut Flow<'_>, job: &Job) -> Result<()> {
    let views = page_views(flow, job);
    let minute = Tumbling::of(minutes(1)).lateness(seconds(30));

    let pages = views
        .key_by("url", |e| &e.data.url)
        .window(minute)
        .aggregate("pages_per_minute", |of| {
            (
                of.count("views"),
                of.count_distinct("visitors", |e| &e.data.user_id),
                of.quantile("p95_duration_ms", 0.95, |e| f64::from(e.data.duration_ms)),
            )
        });
    pages.view("pages_per_minute")?;
    pages
        .closed()
        .sink("pages_per_minute", job.files("pages_per_minute"))?;

    let countries = views
        .key_by("country", |e| &e.data.country)
        .window(minute)
        .aggregate("countries_per_minute", |of| {
            (
                of.count("views"),
                of.approx_count_distinct("approx_visitors", |e| &e.data.user_id),
            )
        });
    countries.view("countries_per_minute")?;
    countries
        .closed()
        .sink("countries_per_minute", job.files("countries_per_minute"))?;

    let traffic = views.window(minute).aggregate("traffic_per_minute", |of| {
        (
            of.count("views"),
            of.count_distinct("visitors", |e| &e.data.user_id),
            of.count_distinct("sessions", |e| &e.data.session_id),
        )
    });
    traffic.view("traffic_per_minute")?;
    traffic
        .closed()
        .sink("traffic_per_minute", job.files("traffic_per_minute"))
}

/// Page views from files, or else from the generator and from whoever posts them.
fn page_views<'f>(flow: &mut Flow<'f>, job: &Job) -> Stream<'f, Event<PageView>> {
    let json = Json::<Event<PageView>>::new();
    let in_order = Watermarks::bounded(seconds(5)).idle_after(seconds(10));
    if let Some(input) = &job.input {
        let watermarks = if job.unsorted {
            Watermarks::at_end()
        } else {
            in_order
        };
        return flow
            .source("files", NdjsonFiles::new(input).decode(json))
            .event_time(|e| e.timestamp, watermarks);
    }
    let posted = flow
        .source("page_views", Collector::new().decode(json))
        .event_time(|e| e.timestamp, in_order);
    match job.generator() {
        Some(generator) => flow
            .source("generator", generator)
            .event_time(|e| e.timestamp, in_order)
            .merge(&posted),
        None => posted,
    }
}
