//! The shortest pipeline: page views per country and minute, printed as each minute is over.

use millstream::prelude::*;

fn pipeline(flow: &mut Flow<'_>) -> Result<()> {
    let views = flow
        .source(
            "page_views",
            Clickstream::new().rate(Rate::Max).events(1_000_000),
        )
        .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));

    views
        .key_by("country", |e| &e.data.country)
        .window(Tumbling::of(minutes(1)).lateness(seconds(30)))
        .aggregate("views_per_country", |of| {
            (
                of.count("views"),
                of.count_distinct("visitors", |e| &e.data.user_id),
            )
        })
        .closed()
        .sink("console", Console::new())
}

fn main() -> Result<()> {
    let report = App::new("hello").run(pipeline)?;
    eprintln!("{} events in {} epochs", report.events, report.epochs);
    Ok(())
}
