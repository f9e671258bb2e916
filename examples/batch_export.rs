//! From NDJSON to Parquet, without a server: visitors per page and hour.
//!
//! `cargo run --example batch_export -- examples/data/page_views.ndjson /tmp/pages_per_hour`

use millstream::prelude::*;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(input), Some(out)) = (args.next(), args.next()) else {
        anyhow::bail!("usage: batch_export INPUT.ndjson OUTPUT_DIRECTORY");
    };
    let files = out.clone();
    let report = App::new("batch_export")
        .dead_letters(ParquetFiles::new(format!("{out}/dead-letters")))
        .run(move |flow| {
            flow.source(
                "files",
                NdjsonFiles::new(&input).decode(Json::<Event<PageView>>::new()),
            )
            .event_time(|e| e.timestamp, Watermarks::at_end())
            .key_by("url", |e| &e.data.url)
            .window(Tumbling::of(hours(1)))
            .aggregate("pages_per_hour", |of| {
                (
                    of.count("views"),
                    of.count_distinct("visitors", |e| &e.data.user_id),
                )
            })
            .closed()
            .sink(
                "pages_per_hour",
                ParquetFiles::new(format!("{files}/pages_per_hour")),
            )
        })?;
    eprintln!(
        "events={} rejected={} files={} under {out}",
        report.events, report.rejected, report.published
    );
    Ok(())
}
