//! The graph: what a building of a pipeline came across, by name.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use crate::epoch::Epoch;
use crate::error::{BoxError, Error};
use crate::inlet::Inlet;
use crate::sink::{Delivery, Staged};
use crate::snapshot::publish::Outlet;
use crate::source::Ack;
use crate::source_meter::SourceMeter;
use crate::step::Step;
use crate::value::Column;

/// What a building came across.
#[derive(Default)]
pub(crate) struct Graph {
    pub(crate) names: HashMap<(&'static str, String), &'static Location<'static>>,
    pub(crate) steps: Vec<Arc<Step>>,
    pub(crate) sources: Vec<Arc<SourceMeter>>,
    pub(crate) views: BTreeMap<String, Arc<[Column]>>,
    pub(crate) inlets: BTreeMap<String, Arc<dyn Inlet>>,
    pub(crate) acks: BTreeMap<String, Arc<dyn Ack>>,
    /// The sinks' parts on this worker.
    pub(crate) outlets: Vec<Rc<RefCell<Outlet>>>,
    pub(crate) sinks: Vec<SinkAsked>,
    pub(crate) something_comes_out: bool,
    pub(crate) errors: Vec<Error>,
}

type Recover = Box<dyn FnOnce(Epoch, &[Staged]) -> Result<(), BoxError>>;

/// What is known of a sink before anything starts.
pub(crate) struct SinkAsked {
    pub(crate) name: String,
    pub(crate) delivery: Delivery,
    /// Undoes what came after the last commit.
    pub(crate) recover: Option<Recover>,
}
