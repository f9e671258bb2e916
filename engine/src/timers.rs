//! Timers: when a worker must wake up by itself.
//!
//! An operator that has nothing to do until some time of the wall clock says so here and returns. The worker loop parks
//! until the earliest of these times and activates who asked. A worker without timers parks until someone wakes it.
//!
//! *Invariants*: there is one timer for each who asks, the earliest: an operator that is activated asks again for what it
//! still waits for. So timers do not heap up under load, when each activation asks for a later time than the last.

use std::cell::RefCell;
use std::rc::Rc;

use timely::scheduling::Activator;

use crate::time::EventTime;

/// The timers of one worker.
#[derive(Clone, Default)]
pub(crate) struct Timers(Rc<RefCell<Vec<(EventTime, Rc<Activator>)>>>);

impl Timers {
    /// Has `activator` activated at `time`, unless it will be earlier.
    pub(crate) fn at(&self, time: EventTime, activator: &Rc<Activator>) {
        let mut timers = self.0.borrow_mut();
        let known = timers
            .iter_mut()
            .find(|(_, known)| Rc::ptr_eq(known, activator));
        match known {
            Some((earliest, _)) => *earliest = time.min(*earliest),
            None => timers.push((time, Rc::clone(activator))),
        }
    }

    /// The earliest time anyone asked for.
    pub(crate) fn next(&self) -> Option<EventTime> {
        self.0.borrow().iter().map(|(time, _)| *time).min()
    }

    /// Activates all that are due.
    pub(crate) fn fire(&self, now: EventTime) {
        self.0.borrow_mut().retain(|(time, activator)| {
            let is_due = *time <= now;
            if is_due {
                activator.activate();
            }
            !is_due
        });
    }
}

#[cfg(test)]
mod tests {
    use timely::scheduling::Activations;

    use super::*;

    #[test]
    fn each_who_asks_has_one_timer_the_earliest() {
        let queue = Rc::new(RefCell::new(Activations::new(None)));
        let path = Rc::from([0_usize]);
        let (one, other) = (
            Rc::new(Activator::new(Rc::clone(&path), Rc::clone(&queue))),
            Rc::new(Activator::new(path, queue)),
        );
        let at = EventTime::from_millis;
        let timers = Timers::default();
        for ms in (10..20).chain([7]).chain(20..30) {
            timers.at(at(ms), &one);
        }
        timers.at(at(8), &other);
        assert_eq!((timers.0.borrow().len(), timers.next()), (2, Some(at(7))));
        timers.fire(at(6));
        assert_eq!(timers.next(), Some(at(7)));
        timers.fire(at(7));
        assert_eq!(timers.next(), Some(at(8)));
        timers.fire(at(8));
        assert_eq!(timers.next(), None, "nothing wakes anyone for nothing");
    }
}
