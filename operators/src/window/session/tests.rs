//! What sessions do, driven by hand and without a dataflow.

mod ended;
mod late;
mod many;
mod recomputed;
mod restored;
mod script;
mod slices;
mod workers;

use std::rc::Rc;

use millstream_engine::raw::{At, Demand};
use millstream_engine::{Data, Epoch, EventTime, KeyOf, seconds};

use super::Session;
use super::open::OpenSessions;
use crate::aggregate::Aggregate;

/// What is driven: how its sessions are made.
struct Made<K, A> {
    key: Rc<K>,
    aggregate: Rc<A>,
    demand: Demand,
    rules: Session,
}

impl<K, A> Made<K, A> {
    fn new(key: K, aggregate: A, demand: Demand) -> Self {
        Made {
            key: Rc::new(key),
            aggregate: Rc::new(aggregate),
            demand,
            rules: rules(),
        }
    }

    /// With another lateness, in seconds.
    fn lateness(mut self, lateness: u64) -> Self {
        self.rules = self.rules.lateness(seconds(lateness));
        self
    }

    fn sessions<T: Data>(&self) -> OpenSessions<T, K, A>
    where
        K: KeyOf<T>,
        A: Aggregate<T>,
    {
        let (key, aggregate) = (Rc::clone(&self.key), Rc::clone(&self.aggregate));
        OpenSessions::new(key, aggregate, self.rules, self.demand.clone())
    }
}

/// A gap of ten seconds, and five of lateness.
fn rules() -> Session {
    Session::gap(seconds(10)).lateness(seconds(5))
}

fn demand(partial: bool, ended: bool, snapshots: bool) -> Demand {
    let demand = Demand {
        snapshots,
        ..Demand::default()
    };
    // Whoever wants to hear of ends wants to hear of corrections.
    demand.partial.set(partial || ended);
    demand.ended.set(ended);
    demand
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
