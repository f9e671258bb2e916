//! Writes the generator's page views to standard output as NDJSON, in the order in which they arrive.
//!
//! `cargo run --release --example record -- 1000 > page_views.ndjson`

use std::io::{BufWriter, Write};

use millstream::prelude::*;

fn main() -> anyhow::Result<()> {
    let n_events = std::env::args().nth(1).map_or(Ok(1_000), |n| n.parse())?;
    let start: EventTime = "2026-01-15T10:30:00Z".parse()?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    for event in Clickstream::new()
        .rate(Rate::Max)
        .events(n_events)
        .in_order_of_arrival(start)
    {
        serde_json::to_writer(&mut out, &event)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
