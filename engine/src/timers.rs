//! Timers: when a worker must wake up by itself.
//!
//! An operator that has nothing to do until some time of the wall clock says so here and returns. The worker loop parks
//! until the earliest of these times and activates who asked. A worker without timers parks until someone wakes it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use timely::scheduling::Activator;

use crate::time::EventTime;

/// The timers of one worker.
#[derive(Clone, Default)]
pub(crate) struct Timers(Rc<RefCell<BTreeMap<EventTime, Vec<Rc<Activator>>>>>);

impl Timers {
    /// Has `activator` activated at `time`.
    pub(crate) fn at(&self, time: EventTime, activator: &Rc<Activator>) {
        let mut timers = self.0.borrow_mut();
        let asked = timers.entry(time).or_default();
        if !asked.iter().any(|known| Rc::ptr_eq(known, activator)) {
            asked.push(Rc::clone(activator));
        }
    }

    /// The earliest time anyone asked for.
    pub(crate) fn next(&self) -> Option<EventTime> {
        self.0.borrow().keys().next().copied()
    }

    /// Activates all that are due.
    pub(crate) fn fire(&self, now: EventTime) {
        let mut timers = self.0.borrow_mut();
        while let Some(due) = timers.first_entry().filter(|entry| *entry.key() <= now) {
            due.remove()
                .iter()
                .for_each(|activator| activator.activate());
        }
    }
}
