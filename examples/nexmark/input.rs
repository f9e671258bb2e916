//! Where events come from: the generator, or a file of them.
//!
//! A file is a finite thing, and its lines may be in any order. So nothing is promised before its end: no event is ever late,
//! and every window stays open until all is read. Where the lines are nearly in order, `--out-of-orderness-ms` says by how
//! much they are not; then windows close as the file is read, and an event that is further behind is late.

use std::time::Duration;

use millstream::prelude::*;

use super::event::Event;
use super::queries::Timed;
use super::source::Events;

/// What events come from.
#[derive(Clone)]
pub(crate) enum Input {
    /// They are made up.
    MadeUp(Events),
    /// They are read from an NDJSON file, or from several that a glob matches.
    File {
        path: String,
        /// An event comes at most so much event time after a later one; `None` if nobody knows.
        out_of_orderness: Option<Duration>,
    },
}

impl Input {
    /// Adds the source to `flow`.
    pub(crate) fn events<'f>(&self, flow: &mut Flow<'f>, timed: Timed) -> Stream<'f, Event> {
        match self {
            Input::MadeUp(events) => {
                let events = flow.source("events", events.clone());
                match timed {
                    Timed::ByThemselves => events.event_time(Event::time, Events::watermarks()),
                    Timed::ByTheClock => events.processing_time(),
                }
            }
            Input::File {
                path,
                out_of_orderness,
            } => {
                let files = NdjsonFiles::new(path).decode(Json::<Event>::new());
                let events = flow.source("events", files);
                let watermarks =
                    out_of_orderness.map_or_else(Watermarks::at_end, Watermarks::bounded);
                match timed {
                    Timed::ByThemselves => events.event_time(Event::time, watermarks),
                    Timed::ByTheClock => events.processing_time(),
                }
            }
        }
    }
}
