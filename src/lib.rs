//! Millstream is a streaming analytics engine that you add to a Rust program.
//!
//! Ingest connectors feed event streams into windowed dataflow operators; results live as queryable views (REST, SSE, a
//! dashboard) and are exported to Parquet. It runs in one process, with nothing else installed.
//!
//! ```
//! use millstream::prelude::*;
//!
//! fn pipeline(flow: &mut Flow<'_>) -> Result<()> {
//!     let views = flow
//!         .source("page_views", Clickstream::new().rate(Rate::Max).events(10_000))
//!         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
//!
//!     let per_country = views
//!         .key_by("country", |e| &e.data.country)
//!         .window(Tumbling::of(seconds(1)))
//!         .aggregate("views_per_country", |of| (
//!             of.count("views"),
//!             of.count_distinct("visitors", |e| &e.data.user_id),
//!         ));
//!
//!     per_country.view("views_per_country")
//! }
//!
//! # fn main() -> Result<()> {
//! let report = App::new("hello").run(pipeline)?;
//! assert_eq!(report.events, 10_000);
//! # Ok(())
//! # }
//! ```
//!
//! The crates behind it, in the order in which they know each other: `millstream-engine` (time, streams, epochs, views,
//! workers), `millstream-operators` (the vocabulary), `millstream-connectors` (sources, sinks, formats) and
//! `millstream-queries` (views over HTTP). Everything a user needs is re-exported here.

pub use millstream_connectors as connectors;
pub use millstream_engine as engine;
pub use millstream_engine::testing;
pub use millstream_operators as operators;
pub use millstream_queries as queries;

/// What a pipeline needs, in one line: `use millstream::prelude::*`.
pub mod prelude {
    pub use millstream_connectors::{
        Clickstream, Collector, Console, Decode, Event, Items, Json, LogSource, Memory,
        NdjsonFiles, PageView, ParquetFiles, Rate, ReadFrom, Topic, TopicSettings, TopicSink,
    };
    pub use millstream_engine::{
        App, Data, Error, EventTime, Float, Flow, KeyedStream, Report, Result, RowStream, Run,
        Running, Source, Stage, State, Stream, Table, TableRow, ViewSettings, Watermarks, Window,
        WindowRow, Windowed, days, hours, millis, minutes, seconds,
    };
    pub use millstream_operators::{
        Aggregated, Aggregating, AntiJoin, AsRows, Branch, Changelog, During, Enrich, Extremes,
        Filter, FilterMap, FilterRows, FlatMap, GroupBy, Grouped, Hopping, InRank, InTheirWindows,
        Inner, Inspect, Iterate, Join, JoinRow, Joined, Keep, Kept, KeyBy, LeftJoin, Loop, Map,
        Maybe, Rolling, RowChange, SemiJoin, Session, SideInput, Sided, Split, TopK, Tumbling,
        Upserted, Windows,
    };
    pub use millstream_queries::{Export, FromArgs, RunArgs, Serve};
}

/// Every example in the guide is compiled and run.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../docs/guide.md")]
    mod index {}
    #[doc = include_str!("../docs/pipelines.md")]
    mod pipelines {}
    #[doc = include_str!("../docs/time.md")]
    mod time {}
    #[doc = include_str!("../docs/windows.md")]
    mod windows {}
    #[doc = include_str!("../docs/joins.md")]
    mod joins {}
    #[doc = include_str!("../docs/tables.md")]
    mod tables {}
    #[doc = include_str!("../docs/sources.md")]
    mod sources {}
    #[doc = include_str!("../docs/sinks.md")]
    mod sinks {}
    #[doc = include_str!("../docs/log.md")]
    mod log {}
    #[doc = include_str!("../docs/recovery.md")]
    mod recovery {}
    #[doc = include_str!("../docs/http.md")]
    mod http {}
    #[doc = include_str!("../docs/extending.md")]
    mod extending {}
}
