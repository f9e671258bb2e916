//! Tables: keyed collections that change.
//!
//! A table's content is known by its changes: for a key, its new value, or that it is gone. Window aggregates are tables
//! whose keys have a window; a row of theirs is first *open*, then its window has *ended* but late records may still
//! correct it, then it is *final* and never changes again.

use std::cell::Cell;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;

use crate::diffs::RowsOf;
use crate::error::Result;
use crate::flow::Flow;
use crate::lazily::Lazily;
use crate::mark::Origin;
use crate::record::Data;
use crate::scalar::Columns;
use crate::stateful::{Counted, Fed, Speaks, stateful};
use crate::step::Step;
use crate::stream::Marks;
use crate::table_key::TableKey;
use crate::time::hours;
use crate::value::{Column, ColumnType, in_words};
use crate::view_step::ViewLogic;
use crate::window::Spacing;

/// How settled a row of a windowed table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// The window is open: this is what came so far.
    Open,
    /// The window has ended, and this is what it had then; late records may still correct it.
    Ended,
    /// The window had ended, and a record within the lateness has corrected the row.
    Corrected,
    /// The row will not change any more.
    Final,
}

/// A change of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change<K, V> {
    /// The row's key.
    pub key: K,
    /// Its value from now on; `None` if it is gone.
    pub value: Option<V>,
    /// How settled it is.
    pub stage: Stage,
}

/// What the readers of a table want to hear; a step makes only what someone wants.
#[derive(Clone, Default)]
pub struct Demand {
    /// Partial results of open windows, and corrections.
    pub partial: Rc<Cell<bool>>,
    /// The rows of a window when it ends, and what corrects them later.
    pub ended: Rc<Cell<bool>>,
    /// Of a table without windows: all rows once more, when the input has ended.
    pub closed: Rc<Cell<bool>>,
    /// What has changed since the last snapshot: whether snapshots are taken at all.
    pub snapshots: bool,
    /// All rows that were kept: whether a step of the pipeline is new.
    pub kept: bool,
}

/// A keyed, changing collection.
pub struct Table<'f, K: 'static, V: 'static> {
    pub(crate) flow: Flow<'f>,
    pub(crate) name: Rc<str>,
    /// The step that makes it.
    pub(crate) step: Arc<Step>,
    pub(crate) changes: Lazily<'f, StreamVec<'f, u64, Change<K, V>>>,
    /// Its rows, for steps that must know what a row was before it changed.
    pub(crate) rows: RowsOf<'f, K, V>,
    pub(crate) marks: Marks<'f>,
    pub(crate) origins: std::collections::BTreeSet<Origin>,
    pub(crate) key_columns: Arc<[Column]>,
    pub(crate) value_columns: Arc<[Column]>,
    pub(crate) demand: Demand,
    /// How its windows follow one another, if all are of one length.
    pub(crate) spacing: Option<Spacing>,
    /// How far the rows have come, worker by worker; said if it is wanted.
    pub(crate) own_marks: Marks<'f>,
    pub(crate) speaks: Speaks,
}

impl<K: Clone, V: Clone> Clone for Table<'_, K, V> {
    fn clone(&self) -> Self {
        Table {
            flow: self.flow.clone(),
            name: Rc::clone(&self.name),
            step: Arc::clone(&self.step),
            changes: self.changes.clone(),
            rows: self.rows.clone(),
            marks: self.marks.clone(),
            origins: self.origins.clone(),
            key_columns: Arc::clone(&self.key_columns),
            value_columns: Arc::clone(&self.value_columns),
            demand: self.demand.clone(),
            spacing: self.spacing,
            own_marks: self.own_marks.clone(),
            speaks: self.speaks.clone(),
        }
    }
}

/// What operators make of tables; not for users.
impl<K, V> Table<'_, K, V> {
    /// Columns of these names, or an error when the building ends.
    #[doc(hidden)]
    #[must_use]
    pub fn named_columns<C: Columns>(
        &self,
        names: &[String],
        location: &'static Location<'static>,
    ) -> Vec<Column> {
        crate::stream::named_columns::<C>(names, location, &self.flow.build).to_vec()
    }

    /// The columns of the key.
    #[doc(hidden)]
    #[must_use]
    pub fn key_columns(&self) -> &[Column] {
        &self.key_columns
    }

    /// The columns of the values.
    #[doc(hidden)]
    #[must_use]
    pub fn value_columns(&self) -> &[Column] {
        &self.value_columns
    }
}

/// How a view is kept.
#[derive(Clone, Copy, Debug)]
pub struct ViewSettings {
    keep: Duration,
}

impl Default for ViewSettings {
    fn default() -> Self {
        ViewSettings { keep: hours(1) }
    }
}

impl ViewSettings {
    /// Keeps the rows of a window for `keep` of event time after its end (default one hour).
    #[must_use]
    pub fn keep(mut self, keep: Duration) -> Self {
        self.keep = keep;
        self
    }
}

impl<K, V> Table<'_, K, V>
where
    K: TableKey + Ord,
    V: Columns + Data,
{
    /// Publishes the table as view `name`: partial results at publish epochs, then final ones.
    ///
    /// A view keeps the rows of a window for an hour of event time after the window's end; see
    /// [`view_with`](Self::view_with).
    ///
    /// # Errors
    /// Never of itself; mistakes in names are told when the building ends.
    ///
    /// # Examples
    /// ```
    /// # use std::sync::{Arc, Mutex};
    /// # use millstream_connectors::{Clickstream, Rate};
    /// # use millstream_engine::{App, Snapshot, Watermarks, hours, seconds};
    /// # use millstream_operators::{KeyBy, Tumbling, Windows};
    /// let last = Arc::new(Mutex::new(Arc::new(Snapshot::default())));
    /// let seen = Arc::clone(&last);
    /// App::new("doc")
    ///     .workers(1)
    ///     .watch(move |run| run.catalog().watch(move |s| *seen.lock().unwrap() = Arc::clone(s)))
    ///     .run(|flow| {
    ///         flow.source("views", Clickstream::new().rate(Rate::Max).events(100))
    ///             .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///             .key_by("device", |e| &e.data.device)
    ///             .window(Tumbling::of(hours(1)))
    ///             .aggregate("per_device", |of| of.count("views"))
    ///             .view("per_device")
    ///     })?;
    /// let last = last.lock().unwrap();
    /// let view = &last.views["per_device"];
    /// let names: Vec<_> = view.columns.iter().map(|column| column.name.as_str()).collect();
    /// assert_eq!(names, ["window_start", "window_end", "device", "views", "final"]);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn view(&self, name: &str) -> Result<()> {
        self.view_with(name, ViewSettings::default())
    }

    /// Publishes the table as view `name`, kept as `settings` says.
    ///
    /// # Errors
    /// As [`view`](Self::view).
    ///
    /// # Examples
    /// ```
    /// # use std::sync::{Arc, Mutex};
    /// # use millstream_connectors::{Clickstream, Rate};
    /// # use millstream_engine::{App, EventTime, Snapshot, ViewSettings, VirtualClock, Watermarks, seconds};
    /// # use millstream_operators::{Tumbling, Windows};
    /// let last = Arc::new(Mutex::new(Arc::new(Snapshot::default())));
    /// let seen = Arc::clone(&last);
    /// App::new("doc")
    ///     .clock(VirtualClock::starting_at(EventTime::from_micros(0)))
    ///     .watch(move |run| run.catalog().watch(move |s| *seen.lock().unwrap() = Arc::clone(s)))
    ///     .run(|flow| {
    ///         flow.source("views", Clickstream::new().rate(Rate::Max).events(500_000)) // 100 s of them
    ///             .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    ///             .window(Tumbling::of(seconds(1)))
    ///             .aggregate("traffic", |of| of.count("views"))
    ///             .view_with("traffic", ViewSettings::default().keep(seconds(10)))
    ///     })?;
    /// let last = last.lock().unwrap();
    /// assert!(last.views["traffic"].retained_from > Some(EventTime::from_micros(0)));
    /// assert!(last.views["traffic"].n_rows() < 100);
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn view_with(&self, name: &str, settings: ViewSettings) -> Result<()> {
        let location = Location::caller();
        let build = &self.flow.build;
        build.claim("view", name, location);
        self.demand.partial.set(true);

        let mut columns = self.columns();
        if K::WINDOWED {
            columns.push(Column::new("final", ColumnType::Bool));
        }
        build.check_columns(name, &columns, location);
        let columns: Arc<[Column]> = columns.into();
        let definition = in_words(&*columns);
        build.graph.borrow_mut().views.insert(name.into(), columns);
        let step = build.step("view", name, vec![self.name.to_string()], None, definition);
        let counted = Counted {
            step,
            worker: build.worker,
            counts_state: true,
        };
        let run = build.live.as_ref().map(|live| live.run.clone());
        let logic = ViewLogic::<K, V>::new(
            name,
            build.worker,
            run,
            settings.keep,
            build.setup.place.is_kept(),
        );
        let fed = Fed {
            batches: self.changes.get(),
            marks: self.marks.clone(),
            n_origins: self.origins.len(),
        };
        let built = stateful(&self.flow, counted, fed, Pipeline, None, logic);
        build.comes_out(built.out);
        Ok(())
    }

    /// The columns of a row: the window, the key, the values.
    #[doc(hidden)]
    #[must_use]
    pub fn columns(&self) -> Vec<Column> {
        let window = self.window_columns();
        window
            .into_iter()
            .chain(self.key_columns.iter().cloned())
            .chain(self.value_columns.iter().cloned())
            .collect()
    }

    fn window_columns(&self) -> Vec<Column> {
        if K::WINDOWED {
            vec![
                Column::new("window_start", ColumnType::Timestamp),
                Column::new("window_end", ColumnType::Timestamp),
            ]
        } else {
            Vec::new()
        }
    }
}
