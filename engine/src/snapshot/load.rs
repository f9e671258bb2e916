//! Loading: what an earlier run has left, and whether this pipeline can go on from it.
//!
//! The newest manifest that is whole says what there is. Steps are found again by kind and name. A step that is new starts
//! empty; one that is gone, or is another one now, is an error: what it kept would be lost, and that is for the user to
//! say.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::collect::{our_names, remove_unnamed};
use super::error::StateError;
use super::file::StateReader;
use super::manifest::{Manifest, SLOTS, SourceState, StepState};
use super::state::Durable;
use super::store::Store;
use crate::source_meter::SourceMeter;
use crate::step::Step;
use crate::time::EventTime;

/// Whether there is anything but manifests in the store.
pub(crate) fn has_files(store: &dyn Store) -> Result<bool, StateError> {
    let names = our_names(store)?;
    let is_state = |name: &String| !SLOTS.iter().any(|slot| name.starts_with(slot));
    Ok(names.iter().any(is_state))
}

/// The manifest to go on from: what an earlier run left at `place`, fitted to the pipeline, or a new one.
pub(crate) fn fit(
    found: Option<&Manifest>,
    place: &str,
    fresh: &Fresh,
    pipeline: &Asked<'_>,
) -> Result<Manifest, StateError> {
    let mut manifest = match found {
        Some(found) => found.clone(),
        None => Manifest {
            lineage: fresh.lineage.clone(),
            started: fresh.started,
            ..Manifest::default()
        },
    };
    // What is staged and not published yet is published by going on: there is nothing else left to do.
    let kept: Vec<String> = manifest.keys().collect();
    if manifest.finished && manifest.staged.is_empty() {
        return Err(StateError::Finished {
            place: place.into(),
        });
    }
    fit_sources(&mut manifest, place, pipeline)?;
    fit_steps(&mut manifest, pipeline)?;
    pipeline.warn_of_nothing_dropped(&kept);
    manifest.sequence += 1;
    manifest.run += 1;
    Ok(manifest)
}

/// What a state that is new begins with.
pub(crate) struct Fresh {
    pub(crate) lineage: String,
    pub(crate) started: EventTime,
}

/// What the pipeline consists of, and what the user wants to be without.
pub(crate) struct Asked<'a> {
    pub(crate) steps: &'a [Arc<Step>],
    pub(crate) sources: &'a [Arc<SourceMeter>],
    /// Names, or kind and name with a colon between them.
    pub(crate) drop: &'a [String],
}

impl Asked<'_> {
    /// Whether the state of `kind` `name` is to be dropped; by its bare name only if it `fits` nothing any more.
    fn drops(&self, kind: &str, name: &str, fits: bool) -> bool {
        let is_asked = |asked: &String| match asked.split_once(':') {
            Some((of_kind, named)) => of_kind == kind && named == name,
            None => !fits && asked == name,
        };
        self.drop.iter().any(is_asked)
    }
}

impl Asked<'_> {
    /// Warns of names that are no state's: a slip, or dropped by an earlier start.
    fn warn_of_nothing_dropped(&self, kept: &[String]) {
        for asked in self.drop {
            let is_it = |key: &String| {
                let (kind, name) = key.split_once(' ').unwrap_or(("", key));
                *asked == name || *asked == format!("{kind}:{name}")
            };
            if !kept.iter().any(is_it) {
                tracing::warn!("there is no state called {asked:?} to go on without");
            }
        }
    }
}

fn fit_sources(
    manifest: &mut Manifest,
    place: &str,
    pipeline: &Asked<'_>,
) -> Result<(), StateError> {
    let mut kept = std::mem::take(&mut manifest.sources);
    for source in pipeline.sources {
        let name = source.name.to_string();
        let (found, identity) = (kept.remove(&name), &source.identity);
        let fits = found
            .as_ref()
            .is_none_or(|found| found.identity == *identity);
        let state = match found {
            Some(found) if !pipeline.drops("source", &name, fits) => {
                if !fits {
                    return Err(StateError::OtherInput {
                        place: place.into(),
                        source_name: name,
                        kept: found.identity,
                        found: identity.clone(),
                    });
                }
                found
            }
            _ => SourceState {
                identity: identity.clone(),
                partitions: BTreeMap::new(),
            },
        };
        manifest.sources.insert(name, state);
    }
    let mut gone = kept
        .into_keys()
        .filter(|name| !pipeline.drops("source", name, false));
    match gone.next() {
        Some(name) => Err(StateError::StepGone {
            step: format!("source {name}"),
            name,
        }),
        None => Ok(()),
    }
}

fn fit_steps(manifest: &mut Manifest, pipeline: &Asked<'_>) -> Result<(), StateError> {
    let mut kept = std::mem::take(&mut manifest.steps);
    for step in pipeline.steps {
        let key = step.key();
        let found = kept.remove(&key);
        let fits = found
            .as_ref()
            .is_none_or(|found| found.definition == step.definition);
        let state = match found {
            Some(found) if !pipeline.drops(step.kind, &step.name, fits) => {
                if !fits {
                    return Err(StateError::StepChanged {
                        step: key,
                        name: step.name.clone(),
                        kept: found.definition,
                        found: step.definition.clone(),
                    });
                }
                found
            }
            found => {
                if found.is_some() {
                    manifest.drop_staged(step.kind, &step.name);
                }
                StepState {
                    definition: step.definition.clone(),
                    // What had the name before is not found by it any more.
                    in_files: format!("{key}#{}", manifest.sequence + 1),
                    watermark: EventTime::MIN,
                    ..StepState::default()
                }
            }
        };
        manifest.steps.insert(key, state);
    }
    for (step, state) in kept {
        let (kind, name) = step.split_once(' ').unwrap_or(("step", &step));
        if !pipeline.drops(kind, name, false) {
            return Err(StateError::StepGone {
                step: step.clone(),
                name: name.into(),
            });
        }
        let staged = manifest.drop_staged(kind, name);
        tracing::warn!(
            step,
            records = state.counted.records_in,
            staged,
            "the state of a step that is gone is dropped"
        );
    }
    Ok(())
}

impl Manifest {
    /// Kind and name of all that has state.
    fn keys(&self) -> impl Iterator<Item = String> {
        let sources = self.sources.keys().map(|name| format!("source {name}"));
        sources.chain(self.steps.keys().cloned())
    }

    /// Drops what a sink has staged and not published, if the step is one; gives how much that is.
    fn drop_staged(&mut self, kind: &str, name: &str) -> usize {
        let before = self.staged.len();
        self.staged
            .retain(|entry| kind != "sink" || entry.sink != name);
        before - self.staged.len()
    }
}

/// Keeps other runs away from the store.
pub(crate) fn lock(store: &dyn Store) -> Result<Box<dyn Any + Send + Sync>, StateError> {
    store.lock().map_err(|source| match source.kind() {
        io::ErrorKind::WouldBlock => StateError::InUse {
            place: store.place(""),
        },
        _ => StateError::io("lock", store.place(""))(source),
    })
}

/// Begins a run: writes its number down, removes what died with earlier ones, and opens the files it goes on from.
pub(crate) fn begin(
    store: Arc<dyn Store>,
    mut manifest: Manifest,
    is_new: bool,
) -> Result<Durable, StateError> {
    // First what can be found to be damaged: the manifests are left alone then.
    let readers = manifest.files.iter();
    let readers = readers
        .map(|file| StateReader::open(&store, file))
        .collect::<Result<_, _>>()?;
    manifest.write(&*store)?;
    if is_new {
        // A slot that is torn is not taken for the first of nothing, once there are two.
        manifest.sequence += 1;
        manifest.write(&*store)?;
    }
    remove_unnamed(&*store, &manifest)?;
    Ok(Durable::new(store, manifest, readers))
}
