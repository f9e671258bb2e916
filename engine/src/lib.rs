//! The machine under Millstream: time, streams, epochs, views, sinks and workers.
//!
//! This crate knows timely dataflow; it knows no format, no file layout and no HTTP. Users depend on `millstream`, which
//! re-exports what they need; this crate is where the words of the design live, a file each, in the order in which a
//! record meets them.

mod epoch;
mod float;
mod record;
mod registry;
mod row;
mod scalar;
mod time;
mod value;
mod wall;
mod window;

mod dead_letter;
mod dead_letters;
mod driven;
mod epoch_clock;
mod epoch_settings;
mod inlet;
mod input;
mod intake;
mod mark;
mod mark_clock;
mod pulse;
mod reader;
mod side_input;
mod source;
mod source_meter;
mod source_step;
mod watermarks;

mod branched;
mod building;
mod chunked;
mod content_bytes;
mod diffs;
mod flow;
mod graph;
mod key;
mod keyed;
mod keyed_state;
mod keyed_step;
mod lazily;
mod logic;
mod shard;
mod shell;
mod stateful;
mod stream;
mod table;
mod table_changes;
mod table_key;
mod table_reshaped;
mod table_rows;
mod unclocked;

mod output;
mod row_stream;
mod sink;
mod view;
mod view_step;

mod snapshot;

mod app;
mod error;
mod guarantee;
mod prepare;
mod run;
mod running;
mod shared;
mod signals;
mod state_place;
mod state_settings;
mod status;
mod step;
mod tally;
mod timers;
mod worker;

pub mod raw;
pub mod testing;

pub use app::App;
pub use dead_letter::{DeadLetter, RAW_BYTES_MAX, Trial};
pub use dead_letters::DEAD_LETTERS;
pub use epoch::{Epoch, ParseEpochError};
pub use error::{BoxError, Error, Result};
pub use float::Float;
pub use flow::Flow;
pub use guarantee::{Guarantee, Level};
pub use inlet::{Again, AgainAnswer, Answer, BadToken, Headers, Inlet, Offer, Receipt, Refusal};
pub use intake::{Intake, Known, TooFarAhead};
pub use key::{Key, KeyOf};
pub use keyed::KeyedStream;
pub use record::{Data, Record};
pub use registry::Registry;
pub use row::Row;
pub use row_stream::RowStream;
pub use run::{Resumed, Run, Service};
pub use running::Running;
pub use scalar::{Columns, Names, Scalar};
pub use sink::{
    Delivery, Published, Sink, SinkContext, SinkPart, SinkRow, StageAt, Staged, Unpublished,
};
pub use snapshot::entry::{LoadError, Loading};
pub use snapshot::error::StateError;
pub use snapshot::follow::CommitStep;
pub use snapshot::local::LocalStore;
pub use snapshot::log::Saving;
pub use snapshot::store::{Store, StoreFile};
pub use source::{Ack, Arrival, Partition, Polled, Position, Rewind, Source, SourceContext, Waker};
pub use state_place::StatePlace;
pub use state_settings::State;
pub use status::{PartitionStatus, PipelineStatus, Report, SourceStatus, StepStatus};
pub use stream::Stream;
pub use table::{Change, Stage, Table, ViewSettings};
pub use table_changes::TableRow;
pub use table_key::{TableKey, Windowed};
pub use table_rows::WindowRow;
pub use time::{EventTime, ParseTimeError, days, hours, millis, minutes, seconds};
pub use unclocked::Unclocked;
pub use value::{Column, ColumnType, Value};
pub use view::{Catalog, RowKey, Rows, Snapshot, ViewSnapshot};
pub use wall::{SystemClock, VirtualClock, WallClock};
pub use watermarks::Watermarks;
pub use window::Window;
