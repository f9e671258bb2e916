//! Steps with state by key over one stream or several: how operators put them into the graph.
//!
//! ```text
//!  left:   records ─▶ hash ─┐
//!                           ├═▶ by shard of the key ─▶ the step's Logic ─▶ records, and those it found late
//!  right:  records ─▶ hash ─┘
//! ```
//!
//! Each record is hashed where it came in, and moved to the worker that has its shard; with one worker it stays where it is.
//! Where two streams meet, each record says which side it is of.
//!
//! *Frontiers*: those of the stateful shell. *Invariants*: what a step emits is no earlier than its own marks, if it has
//! any; one that never emits behind its input has none, and the marks of its input are those of its output.

use std::collections::BTreeSet;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use timely::container::{CapacityContainerBuilder, NoopBuilder};
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::vec::Broadcast;
use timely::dataflow::operators::{Concat, Operator};

use crate::flow::Flow;
use crate::logic::Logic;
use crate::mark::Origin;
use crate::record::{Data, Record};
use crate::shard::Shard;
use crate::stateful::{Built, Counted, Fed, Speaks, stateful};
use crate::step;
use crate::stream::{Batch, Batches, Marks, Stream, owned};

/// A record, and the hash of its key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hashed<T> {
    /// The hash of the key.
    pub hash: u64,
    /// The record.
    pub record: Record<T>,
}

/// Records on their way to the workers that have their keys.
pub struct Routed<'f, T: 'static> {
    pub(crate) flow: Flow<'f>,
    pub(crate) batches: StreamVec<'f, u64, Hashed<T>>,
    pub(crate) marks: Marks<'f>,
    pub(crate) origins: BTreeSet<Origin>,
    pub(crate) reads: Vec<String>,
}

/// What the user said about a step by key.
pub struct StepAsked {
    /// What kind of a step it is, in a word.
    pub kind: &'static str,
    /// The name of the step.
    pub name: String,
    /// Where it stands in the user's code.
    pub location: &'static Location<'static>,
    /// What it keeps, in words: state that was kept for others cannot be used.
    pub made_by: String,
    /// What makes an open window final, in words, if it has windows.
    pub closes: Option<String>,
    /// How far behind its watermark it may emit; `None` if it never does. A [`Logic`] may hold more back.
    pub behind: Option<Duration>,
}

impl<'f, T: Data> Stream<'f, T> {
    /// The records, each with the hash that `hashed` gives it.
    #[doc(hidden)]
    pub fn routed<X: Data>(
        &self,
        kind: &str,
        location: &'static Location<'static>,
        mut hashed: impl FnMut(Record<T>) -> Hashed<X> + 'static,
    ) -> Routed<'f, X> {
        let step: Rc<str> = format!("{kind} at {location}").into();
        let batches = self.batches.clone();
        // In small lists, as an exchange would make of a large one: large ones are given back to the system and taken from it
        // again and again.
        type Small<C> = CapacityContainerBuilder<Vec<C>>;
        let batches = batches.unary::<Small<Hashed<X>>, _, _, _>(Pipeline, "hash", |_, _| {
            move |input, output| {
                step::enter(&step);
                input.for_each(|capability, batch| {
                    let records = owned(std::mem::take(batch)).into_iter();
                    let mut session = output.session(&capability);
                    session.give_iterator(records.map(&mut hashed));
                });
            }
        });
        Routed {
            flow: self.flow.clone(),
            batches,
            marks: self.marks.clone(),
            origins: self.origins.clone(),
            reads: self.reads.to_vec(),
        }
    }
}

impl<'f, T: Data> Routed<'f, T> {
    /// These records and those of `other`.
    #[must_use]
    pub fn and(mut self, other: Routed<'f, T>) -> Self {
        self.batches = self.batches.concat(other.batches);
        // Marks of origins that both have are the same marks; who hears them twice learns nothing new.
        if !other.origins.is_subset(&self.origins) {
            self.marks = self.marks.concat(other.marks);
        }
        self.origins.extend(other.origins);
        let news = other.reads.into_iter();
        let news: Vec<_> = news.filter(|name| !self.reads.contains(name)).collect();
        self.reads.extend(news);
        self
    }

    /// Puts a step into the graph: the [`Logic`] that `logic` gives, told whether snapshots are taken. Gives what it emits
    /// and what it found late.
    pub fn step<L, O>(
        self,
        asked: StepAsked,
        logic: impl FnOnce(bool) -> L,
    ) -> (Stream<'f, O>, Stream<'f, T>)
    where
        L: Logic<In = Vec<Hashed<T>>, Out = Record<O>, Late = T>,
        O: Data,
    {
        let Routed {
            flow,
            batches,
            marks,
            origins,
            reads,
        } = self;
        let StepAsked {
            kind,
            name,
            location,
            made_by,
            closes,
            behind,
        } = asked;
        let build = &flow.build;
        build.claim("step", &name, location);
        let step = build.step(kind, &name, reads, closes, made_by);
        let counted = Counted {
            step: Arc::clone(&step),
            worker: build.worker,
            counts_state: true,
        };
        let speaks = behind.map(|by| {
            let speaks = Speaks {
                origin: build.new_origin(),
                by,
                wanted: Rc::default(),
            };
            speaks.wanted.set(true);
            speaks
        });
        let fed = Fed {
            batches,
            marks: marks.clone(),
            n_origins: origins.len(),
        };
        let logic = logic(build.setup.place.is_kept());
        let origin = speaks.as_ref().map(|speaks| speaks.origin);
        let built = if flow.peers() == 1 {
            stateful(&flow, counted, fed, Pipeline, speaks, logic)
        } else {
            let by_shard = Exchange::new(|hashed: &Hashed<T>| Shard::of_hash(hashed.hash).number());
            stateful(&flow, counted, fed, by_shard, speaks, logic)
        };
        let Built {
            out,
            late,
            marks: own_marks,
        } = built;
        let (marks, origins) = match origin {
            None => (marks, origins),
            Some(origin) => {
                let marks = own_marks.broadcast().concat(flow.pulse.clone());
                (marks, BTreeSet::from([origin]))
            }
        };
        let stream = Stream {
            flow: flow.clone(),
            batches: in_batches(out),
            marks,
            origins,
            reads: Rc::new(vec![name]),
        };
        let late = stream.of(late);
        (stream, late)
    }
}

/// Records as they leave a step, in batches that can be shared.
pub(crate) fn in_batches<T: Data>(records: StreamVec<'_, u64, Record<T>>) -> Batches<'_, T> {
    records.unary::<NoopBuilder<Batch<T>>, _, _, _>(Pipeline, "batch", |_, _| {
        |input, output| {
            input.for_each(|capability, records| {
                let mut batch = Rc::new(std::mem::take(records));
                let mut session = output.session_with_builder(&capability);
                session.give_container(&mut batch);
            });
        }
    })
}
