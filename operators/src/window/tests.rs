//! What windows do, driven by hand and without a dataflow.

mod ended;
mod made_by;
mod model;
mod overlapping;
mod refused;
mod restored;
mod script;
mod sizes;
mod slices;
mod theirs;
mod workers;

use std::rc::Rc;

use millstream_engine::raw::{At, Demand};
use millstream_engine::{Data, Epoch, EventTime, KeyOf, seconds};

use super::cut::Cut;
use super::hopping::Hopping;
use super::open_windows::OpenWindows;
use super::tumbling::Tumbling;
use crate::aggregate::Aggregate;

/// What is driven: how its windows are made.
struct Made<K, A, C = Tumbling> {
    key: Rc<K>,
    aggregate: Rc<A>,
    cut: C,
    demand: Demand,
}

impl<K, A> Made<K, A> {
    fn new(key: K, aggregate: A, demand: Demand) -> Self {
        Made::cut(tumbling(), key, aggregate, demand)
    }
}

impl<K, A, C> Made<K, A, C> {
    fn cut(cut: C, key: K, aggregate: A, demand: Demand) -> Self {
        Made {
            key: Rc::new(key),
            aggregate: Rc::new(aggregate),
            cut,
            demand,
        }
    }

    fn windows<T: Data>(&self) -> OpenWindows<T, K, A, C>
    where
        K: KeyOf<T>,
        A: Aggregate<T>,
        C: Cut<T>,
    {
        let (key, aggregate) = (Rc::clone(&self.key), Rc::clone(&self.aggregate));
        OpenWindows::new(key, aggregate, self.cut.clone(), self.demand.clone())
    }
}

/// Windows of ten seconds, correctable for ten more.
fn tumbling() -> Tumbling {
    Tumbling::of(seconds(10)).lateness(seconds(10))
}

/// Windows of ten seconds every three, correctable for ten more: their pieces are one second and two seconds long.
fn hopping() -> Hopping {
    Hopping::of(seconds(10))
        .every(seconds(3))
        .lateness(seconds(10))
}

fn demand(snapshots: bool) -> Demand {
    Demand {
        snapshots,
        ..Demand::default()
    }
}

fn at(epoch: usize, watermark: EventTime) -> At {
    At {
        epoch: Epoch::from_u64(epoch as u64),
        watermark,
    }
}

fn seconds_at(seconds: i64) -> EventTime {
    EventTime::from_millis(seconds * 1000)
}
