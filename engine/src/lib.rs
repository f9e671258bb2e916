//! The machine under Millstream: time, streams, epochs, views, sinks and workers.
//!
//! This crate knows timely dataflow; it knows no format, no file layout and no HTTP. Users depend on `millstream`, which
//! re-exports what they need; this crate is where the words of the design live, a file each, in the order in which a
//! record meets them.

mod time;
mod epoch;
mod window;
mod record;
mod value;
mod wall;
mod registry;
mod source;
mod inlet;
mod dead_letter;
mod sink;
mod view;
mod status;
mod run;
mod error;

pub use dead_letter::{DeadLetter, DeadLetters, RAW_BYTES_MAX, RecentDeadLetters};
pub use epoch::Epoch;
pub use error::{BoxError, Error, Result};
pub use inlet::{Inlet, Receipt, Refusal};
pub use record::{Data, Record};
pub use registry::Registry;
pub use run::{Run, Service};
pub use sink::{Published, Sink, SinkContext, SinkPart, SinkRow, StageAt, Staged};
pub use source::{Arrival, Intake, Partition, Polled, Source, SourceContext, TooFarAhead, Waker};
pub use status::{PartitionStatus, PipelineStatus, Report, SourceStatus, StepStatus};
pub use time::{EventTime, ParseTimeError, hours, millis, minutes, seconds};
pub use value::{Column, ColumnType, Columns, Names, Scalar, Value};
pub use view::{Catalog, RowKey, Rows, Snapshot, ViewSnapshot};
pub use wall::{SystemClock, VirtualClock, WallClock};
pub use window::Window;
