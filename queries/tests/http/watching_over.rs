//! Status, metrics and health.

use std::sync::atomic::Ordering;

use crate::made_up::{Served, Tested};

#[test]
fn the_pipeline_speaks_of_itself() -> Tested {
    let served = Served::start()?;
    let status = served.get("/v1/pipeline")?.json();
    assert_eq!(status["name"], "clickstream");
    let partition = &status["sources"][0]["partitions"][0];
    assert_eq!(partition["watermark"], "1970-01-01T00:03:00Z");
    assert_eq!(partition["reason"], "the newest event less 5 s");
    Ok(())
}

#[test]
fn metrics_are_prometheus_text() -> Tested {
    let served = Served::start()?;
    let answer = served.get("/metrics")?;
    assert_eq!(
        answer.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = answer.text();
    for line in [
        "# TYPE millstream_source_events_total counter",
        "# HELP millstream_source_events_total Records taken in",
        "millstream_source_events_total{source=\"page_views\",partition=\"0\"} 10",
        "millstream_source_watermark_lag_seconds{source=\"page_views\",partition=\"0\"} 60",
        "millstream_step_late_total{step=\"pages \\\"quoted\\\"\",kind=\"window\"} 2",
        "millstream_publish_interval_seconds 0.1",
        "millstream_view_rows{view=\"pages\"} 5",
        "millstream_ready 0",
    ] {
        assert!(
            text.lines().any(|told| told == line),
            "{line} is not in\n{text}"
        );
    }
    Ok(())
}

#[test]
fn alive_at_once_and_ready_later() -> Tested {
    let served = Served::start()?;
    assert_eq!(served.get("/healthz")?.status, 200);
    served.get("/readyz")?.is_problem(503, "it is running");
    served.made_up.ready.store(true, Ordering::SeqCst);
    assert_eq!(served.get("/readyz")?.status, 200);
    Ok(())
}
