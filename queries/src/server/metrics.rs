//! `GET /metrics`: the pipeline's counters as Prometheus text.
//!
//! The engine counts for itself. A scrape takes one look at its status and writes that down through a recorder
//! that lives for as long as the scrape: between scrapes this costs nothing, and all numbers of one scrape
//! are of one moment.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge, with_local_recorder};
use metrics_exporter_prometheus::PrometheusBuilder;
use millstream_engine::{
    EventTime, PartitionStatus, PipelineStatus, Snapshot, SourceStatus, StepStatus,
};
use tokio::task::spawn_blocking;

use crate::problem::Problem;
use crate::server::state::State;

/// `GET /metrics`.
pub(crate) async fn scrape(Shared(state): Shared<Arc<State>>) -> Result<Response, Problem> {
    // Not on a serving thread: the recorder's clock is calibrated at its first use.
    let text = spawn_blocking(move || {
        let reading = &state.reading;
        render(&reading.status(), &reading.snapshot(), reading.is_ready())
    });
    let text = text.await.map_err(|panicked| Problem::Internal {
        reason: panicked.to_string(),
    })?;
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}

fn render(status: &PipelineStatus, snapshot: &Snapshot, ready: bool) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    with_local_recorder(&recorder, || {
        describe();
        record_pipeline(status, ready);
        for source in &status.sources {
            for partition in &source.partitions {
                record_partition(source, partition, status.now);
            }
        }
        for step in &status.steps {
            record_step(step, status.now);
        }
        for (name, view) in &snapshot.views {
            gauge!("millstream_view_rows", "view" => name.clone()).set(float(view.n_rows() as u64));
        }
    });
    recorder.handle().render()
}

/// Names and meanings of the gauges.
const GAUGES: &[(&str, &str)] = &[
    (
        "millstream_pipeline_info",
        "Name and state of the pipeline; always 1",
    ),
    (
        "millstream_ready",
        "Whether every worker is built and its state is there",
    ),
    ("millstream_workers", "Workers that drive the pipeline"),
    (
        "millstream_publish_interval_seconds",
        "Longest wait for the next publish epoch",
    ),
    (
        "millstream_snapshot_stall_seconds",
        "Longest time that a snapshot has held up a worker",
    ),
    (
        "millstream_committed_info",
        "The last epoch that is committed; always 1",
    ),
    (
        "millstream_source_input_bytes",
        "Bytes of input there are, where that is known",
    ),
    (
        "millstream_source_lag_events",
        "Records that wait to be read, where that is known",
    ),
    (
        "millstream_source_watermark_seconds",
        "Watermark of the partition, since 1970",
    ),
    (
        "millstream_source_watermark_lag_seconds",
        "Wall clock less watermark of the partition",
    ),
    ("millstream_step_keys", "Keys, windows or rows kept"),
    ("millstream_step_open_windows", "Windows that are open"),
    ("millstream_step_state_bytes", "State kept, estimated"),
    (
        "millstream_step_watermark_seconds",
        "Event time up to which input is complete, since 1970",
    ),
    (
        "millstream_step_watermark_lag_seconds",
        "Wall clock less that event time",
    ),
    ("millstream_view_rows", "Rows of the view"),
];

/// Names and meanings of the counters.
const COUNTERS: &[(&str, &str)] = &[
    ("millstream_source_events_total", "Records taken in"),
    (
        "millstream_source_rejected_total",
        "Records refused: they are dead letters",
    ),
    (
        "millstream_source_bytes_total",
        "Bytes of input gone through",
    ),
    ("millstream_step_records_in_total", "Records that came in"),
    ("millstream_step_records_out_total", "Records that went out"),
    ("millstream_step_late_total", "Records that came too late"),
];

fn describe() {
    for (name, text) in GAUGES {
        describe_gauge!(*name, unit_of(name), *text);
    }
    for (name, text) in COUNTERS {
        describe_counter!(*name, unit_of(name), *text);
    }
}

fn unit_of(name: &str) -> Unit {
    if name.contains("_bytes") {
        Unit::Bytes
    } else if name.ends_with("_seconds") {
        Unit::Seconds
    } else {
        Unit::Count
    }
}

fn record_pipeline(status: &PipelineStatus, ready: bool) {
    let (name, state) = (status.name.clone(), status.state);
    gauge!("millstream_pipeline_info", "name" => name, "state" => state).set(1.0);
    gauge!("millstream_ready").set(f64::from(u8::from(ready)));
    gauge!("millstream_workers").set(float(status.workers as u64));
    let interval_seconds = float(status.publish_interval_ms) / 1e3;
    gauge!("millstream_publish_interval_seconds").set(interval_seconds);
    let stall_seconds = float(status.snapshot_stall_us) / 1e6;
    gauge!("millstream_snapshot_stall_seconds").set(stall_seconds);
    if let Some(epoch) = &status.committed {
        gauge!("millstream_committed_info", "epoch" => epoch.clone()).set(1.0);
    }
}

fn record_partition(source: &SourceStatus, partition: &PartitionStatus, now: EventTime) {
    let labels = [
        ("source", source.name.clone()),
        ("partition", partition.partition.to_string()),
    ];
    counter!("millstream_source_events_total", &labels).absolute(partition.events);
    counter!("millstream_source_rejected_total", &labels).absolute(partition.rejected);
    counter!("millstream_source_bytes_total", &labels).absolute(partition.bytes);
    if let Some(bytes) = partition.bytes_total {
        gauge!("millstream_source_input_bytes", &labels).set(float(bytes));
    }
    if let Some(lag) = partition.lag {
        gauge!("millstream_source_lag_events", &labels).set(float(lag));
    }
    if let Some(watermark) = partition.watermark.and_then(EventTime::finite) {
        gauge!("millstream_source_watermark_seconds", &labels).set(seconds(watermark));
        let lag = seconds(now) - seconds(watermark);
        gauge!("millstream_source_watermark_lag_seconds", &labels).set(lag);
    }
}

fn record_step(step: &StepStatus, now: EventTime) {
    let labels = [("step", step.name.clone()), ("kind", step.kind.into())];
    counter!("millstream_step_records_in_total", &labels).absolute(step.records_in);
    counter!("millstream_step_records_out_total", &labels).absolute(step.records_out);
    counter!("millstream_step_late_total", &labels).absolute(step.late);
    gauge!("millstream_step_keys", &labels).set(float(step.keys));
    gauge!("millstream_step_open_windows", &labels).set(float(step.open_windows));
    gauge!("millstream_step_state_bytes", &labels).set(float(step.state_bytes));
    if let Some(watermark) = step.watermark.and_then(EventTime::finite) {
        gauge!("millstream_step_watermark_seconds", &labels).set(seconds(watermark));
        let lag = seconds(now) - seconds(watermark);
        gauge!("millstream_step_watermark_lag_seconds", &labels).set(lag);
    }
}

fn seconds(time: EventTime) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "Prometheus knows floats only")]
    let micros = time.micros() as f64;
    micros / 1e6
}

fn float(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "Prometheus knows floats only")]
    let float = count as f64;
    float
}
