//! How operators put a step with state into the graph.
//!
//! ```text
//!  one worker:    records ─────────────────────────────────────▶ Windowing::whole ───▶ changes, late
//!  more workers:  records ─▶ Windowing::ahead ═▶ by shard of key ═▶ Windowing::behind ──▶ changes
//!                                └──▶ late
//! ```
//!
//! With one worker there is neither exchange nor second hash. With more, a step *ahead* sees the records on the worker
//! they came to, and may combine those of an epoch before they are sent to the worker that has the key.

use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};

use crate::diffs::RowsOf;
use crate::key::Key;
use crate::lazily::Lazily;
use crate::logic::Logic;
use crate::record::Data;
use crate::scalar::Columns;
use crate::shard::Shard;
use crate::stateful::{Counted, Fed, Speaks, stateful};
use crate::stream::{Batch, Batches, Marks, Stream};
use crate::table::{Change, Demand, Table};
use crate::table_key::Windowed;
use crate::value::Column;
use crate::window::Spacing;

/// A windowed aggregation: its parts, made on demand.
pub trait Windowing<T: Data>: 'static {
    /// The key.
    type Key: Key;
    /// The aggregates.
    type Values: Columns + Data;
    /// What the step ahead sends to the worker that has the key.
    type Ahead: Data;

    /// The step that does all of it, for one worker.
    fn whole(
        &self,
        demand: &Demand,
    ) -> impl Logic<In = Batch<T>, Out = Change<Windowed<Self::Key>, Self::Values>, Late = T>;

    /// The step ahead of the exchange.
    fn ahead(&self) -> impl Logic<In = Batch<T>, Out = Self::Ahead, Late = T>;

    /// The hash of the key of what the step ahead sends.
    fn hash(ahead: &Self::Ahead) -> u64;

    /// The step behind the exchange.
    fn behind(
        &self,
        demand: &Demand,
    ) -> impl Logic<In = Vec<Self::Ahead>, Out = Change<Windowed<Self::Key>, Self::Values>, Late = ()>;
}

/// The changes of the table that a windowed aggregation makes, in the dataflow.
type Changes<'f, T, W> =
    StreamVec<'f, u64, Change<Windowed<<W as Windowing<T>>::Key>, <W as Windowing<T>>::Values>>;

/// What the user said about a windowed aggregation.
pub struct Asked {
    /// What kind of a step it is, in a word.
    pub kind: &'static str,
    /// The name of the step.
    pub name: String,
    /// Where it stands in the user's code.
    pub location: &'static Location<'static>,
    /// The names of the key's columns.
    pub key_names: Vec<String>,
    /// The names of the values' columns.
    pub value_names: Vec<String>,
    /// How the values are made, in words: state that was kept for others cannot be used.
    pub made_by: String,
    /// How the windows follow one another, if all are of one length.
    pub spacing: Option<Spacing>,
    /// The lateness that records are allowed.
    pub lateness: Duration,
    /// How far behind the watermark the end of a window may lie whose row is still to come.
    pub behind: Duration,
}

impl<'f, T: Data> Stream<'f, T> {
    /// Puts a windowed aggregation into the graph; gives its table and the records that came too late.
    #[doc(hidden)]
    pub fn aggregate_windows<W: Windowing<T>>(
        &self,
        asked: Asked,
        windowing: &W,
    ) -> (Table<'f, Windowed<W::Key>, W::Values>, Stream<'f, T>) {
        let Asked {
            kind,
            name,
            location,
            key_names,
            value_names,
            made_by,
            spacing,
            lateness,
            behind,
        } = asked;
        let build = &self.flow.build;
        build.claim("step", &name, location);
        let closes = format!("its end and {} s of lateness", lateness.as_secs_f64());
        let key_columns = self.columns_of::<W::Key>(&key_names, location);
        let value_columns = self.columns_of::<W::Values>(&value_names, location);
        let columns = crate::value::in_words(key_columns.iter().chain(&*value_columns));
        let definition = format!("{made_by}; {columns}");
        let inputs = self.reads.to_vec();
        let step = build.step(kind, &name, inputs, Some(closes), definition);
        let counted = |counts_state| Counted {
            step: Arc::clone(&step),
            worker: build.worker,
            counts_state,
        };
        let demand = Demand {
            snapshots: build.setup.place.is_kept(),
            kept: build
                .live
                .as_ref()
                .is_some_and(|live| live.shared.has_new_steps()),
            ..Demand::default()
        };
        let speaks = Speaks {
            origin: build.new_origin(),
            by: behind,
            wanted: Rc::default(),
        };
        let (changes, own_marks, late) = self.windows(windowing, &demand, counted, &speaks);
        let table = Table {
            flow: self.flow.clone(),
            name: Rc::from(name.as_str()),
            step,
            changes: Lazily::there(changes),
            rows: RowsOf::default(),
            marks: self.marks.clone(),
            origins: self.origins.clone(),
            key_columns,
            value_columns,
            demand,
            spacing,
            own_marks,
            speaks,
        };
        build.check_columns(&name, &table.columns(), location);
        (table, self.of(late))
    }

    /// Wires the steps of a windowed aggregation, one or two; gives changes, marks of their own, and what came too late.
    fn windows<W: Windowing<T>>(
        &self,
        windowing: &W,
        demand: &Demand,
        counted: impl Fn(bool) -> Counted,
        speaks: &Speaks,
    ) -> (Changes<'f, T, W>, Marks<'f>, Batches<'f, T>) {
        let flow = &self.flow;
        let speaks = Some(speaks.clone());
        if flow.peers() == 1 {
            let logic = windowing.whole(demand);
            let fed = self.fed(self.batches.clone());
            let built = stateful(flow, counted(true), fed, Pipeline, speaks, logic);
            (built.out, built.marks, built.late)
        } else {
            let logic = windowing.ahead();
            let fed = self.fed(self.batches.clone());
            let ahead = stateful(flow, counted(false), fed, Pipeline, None, logic);
            let by_shard =
                Exchange::new(|ahead: &W::Ahead| Shard::of_hash(W::hash(ahead)).number());
            let logic = windowing.behind(demand);
            let fed = self.fed(ahead.out);
            let built = stateful(flow, counted(true), fed, by_shard, speaks, logic);
            (built.out, built.marks, ahead.late)
        }
    }

    /// `batches`, with what accompanies this stream.
    fn fed<C>(&self, batches: timely::dataflow::Stream<'f, u64, C>) -> Fed<'f, C> {
        Fed {
            batches,
            marks: self.marks.clone(),
            n_origins: self.origins.len(),
        }
    }

    fn columns_of<C: Columns>(
        &self,
        names: &[String],
        location: &'static Location<'static>,
    ) -> Arc<[Column]> {
        crate::stream::named_columns::<C>(names, location, &self.flow.build)
    }
}
