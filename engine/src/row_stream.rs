//! Streams whose records have columns, and so can go to a sink.

use std::ops::Deref;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use crate::error::{BoxError, Error, Result};
use crate::graph::SinkAsked;
use crate::output::output;
use crate::record::{Data, Record};
use crate::sink::{Sink, SinkContext, SinkRow};
use crate::step;
use crate::stream::Stream;
use crate::value::Column;
use crate::window::Spacing;

/// A stream of records with named columns; everything a [`Stream`] can do, it can do too.
pub struct RowStream<'f, T: 'static> {
    pub(crate) stream: Stream<'f, T>,
    pub(crate) columns: Arc<[Column]>,
    pub(crate) row: Rc<dyn Fn(&Record<T>) -> SinkRow>,
    /// Of rows that are timed at the start of their window: how these follow one another.
    pub(crate) windows: Option<Spacing>,
}

impl<'f, T> Deref for RowStream<'f, T> {
    type Target = Stream<'f, T>;
    fn deref(&self) -> &Stream<'f, T> {
        &self.stream
    }
}

impl<T> Clone for RowStream<'_, T> {
    fn clone(&self) -> Self {
        RowStream {
            stream: self.stream.clone(),
            columns: Arc::clone(&self.columns),
            row: Rc::clone(&self.row),
            windows: self.windows,
        }
    }
}

impl<'f, T: Data> RowStream<'f, T> {
    /// A stream whose records `row` turns into values for `columns`; for operators.
    #[doc(hidden)]
    pub fn new(
        stream: Stream<'f, T>,
        columns: Arc<[Column]>,
        row: impl Fn(&Record<T>) -> SinkRow + 'static,
    ) -> Self {
        RowStream {
            stream,
            columns,
            row: Rc::new(row),
            windows: None,
        }
    }

    /// Sends every record to `sink`, known as `name` in the status, in metrics and in errors.
    ///
    /// # Errors
    /// If the sink says that it cannot work: a directory that cannot be written, say.
    ///
    /// # Examples
    /// ```
    /// # use millstream_connectors::{Clickstream, Memory, Rate};
    /// # use millstream_engine::{App, Watermarks, seconds};
    /// let (countries, urls) = (Memory::new(), Memory::new());
    /// let (first, second) = (countries.clone(), urls.clone());
    /// App::new("doc").workers(1).run(move |flow| {
    ///     let views = flow
    ///         .source("views", Clickstream::new().rate(Rate::Max).events(100))
    ///         .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)));
    ///     views.columns("country", |e| e.data.country.clone()).sink("countries", first.clone())?;
    ///     views.columns("url", |e| e.data.url.clone()).sink("urls", second.clone())
    /// })?;
    /// assert_eq!((countries.rows().len(), urls.rows().len()), (100, 100));
    /// # Ok::<(), millstream_engine::Error>(())
    /// ```
    #[track_caller]
    pub fn sink(&self, name: &str, sink: impl Sink) -> Result<()> {
        let build = &self.stream.flow.build;
        build.claim("sink", name, Location::caller());
        let cx = SinkContext {
            name: name.into(),
            worker: build.worker,
            workers: build.setup.workers,
            run: build.setup.run_stamp.clone(),
            place: build.setup.place.clone(),
            columns: Arc::clone(&self.columns),
            registry: Arc::clone(&build.setup.registry),
        };
        let error = |source: BoxError| {
            let name = name.to_owned();
            // Kept as well: a worker on which a sink is missing does not fit to the others, whoever ignores this.
            let copy = source.to_string().into();
            build.error(Error::Sink {
                name: name.clone(),
                source: copy,
            });
            Error::Sink { name, source }
        };
        let kind = sink.kind();
        if build.live.is_none() {
            // A sink may make a directory when it is looked at: not for a pipeline that will not start.
            if build.graph.borrow().errors.is_empty() {
                sink.check(&cx).map_err(error)?;
            }
            output(self, name, &kind, None);
            let delivery = sink.delivery();
            build.graph.borrow_mut().sinks.push(SinkAsked {
                name: name.into(),
                delivery,
                recover: Some(Box::new(move |committed, staged| {
                    sink.recover(&cx, committed, staged)
                })),
            });
        } else {
            step::enter(&Rc::from(format!("sink {name}")));
            let part = sink.open(&cx).map_err(error)?;
            output(self, name, &kind, Some(part));
        }
        Ok(())
    }
}
