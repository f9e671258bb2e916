//! Bodies that were built once and are shared by everyone who asks the same of the same epoch.
//!
//! *Invariant*: a body is kept under the question and the epoch it answers, and only while that epoch is
//! the newest that was asked for; so nobody gets an older answer than the snapshot they looked at.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use millstream_engine::Epoch;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use crate::problem::Problem;

/// When more bytes than these are kept, all are given up.
const BYTES_MAX: usize = 32 << 20;

/// A body, ready to be sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Built {
    pub(crate) bytes: Bytes,
    /// The cursor of the next page, if there is one.
    pub(crate) next: Option<Arc<str>>,
}

/// The bodies of one epoch.
#[derive(Default)]
pub(crate) struct Bodies(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    epoch: Epoch,
    cells: HashMap<String, Arc<Cell>>,
    bytes: usize,
}

type Cell = OnceCell<Result<Built, Problem>>;

impl Bodies {
    /// The body that answers `question` at `epoch`: a kept one, or what `build` makes on a thread where it may
    /// take its time.
    pub(crate) async fn get(
        &self,
        epoch: Epoch,
        question: String,
        build: impl FnOnce() -> Result<Built, Problem> + Send + 'static,
    ) -> Result<Built, Problem> {
        let cell = self.cell(epoch, question);
        let built = cell.get_or_init(|| async {
            let built = spawn_blocking(build).await.unwrap_or_else(|panicked| {
                Err(Problem::Internal {
                    reason: panicked.to_string(),
                })
            });
            self.count(epoch, built.as_ref().map_or(0, |built| built.bytes.len()));
            built
        });
        built.await.clone()
    }

    fn cell(&self, epoch: Epoch, question: String) -> Arc<Cell> {
        let mut kept = self.lock();
        if epoch > kept.epoch {
            *kept = Kept {
                epoch,
                ..Kept::default()
            };
        }
        if epoch < kept.epoch {
            return Arc::default();
        }
        // What a question costs beside its body is little, but not nothing.
        kept.bytes += 256;
        Arc::clone(kept.cells.entry(question).or_default())
    }

    fn count(&self, epoch: Epoch, bytes: usize) {
        let mut kept = self.lock();
        if epoch != kept.epoch {
            return;
        }
        kept.bytes += bytes;
        if kept.bytes > BYTES_MAX {
            *kept = Kept {
                epoch,
                ..Kept::default()
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .build()
            .unwrap()
            .block_on(future)
    }

    async fn ask(
        bodies: &Bodies,
        epoch: Epoch,
        question: &str,
        builds: &Arc<AtomicUsize>,
    ) -> usize {
        let builds = Arc::clone(builds);
        let build = move || {
            let n = builds.fetch_add(1, Ordering::SeqCst) + 1;
            Ok(Built {
                bytes: vec![0; n].into(),
                next: None,
            })
        };
        bodies
            .get(epoch, question.into(), build)
            .await
            .unwrap()
            .bytes
            .len()
    }

    #[test]
    fn a_body_is_built_once_per_question_and_epoch() {
        let (bodies, builds) = (Bodies::default(), Arc::default());
        let (one, two) = (Epoch::from_u64(1), Epoch::from_u64(2));
        block_on(async {
            assert_eq!(ask(&bodies, one, "a", &builds).await, 1);
            assert_eq!(ask(&bodies, one, "a", &builds).await, 1);
            assert_eq!(ask(&bodies, one, "b", &builds).await, 2);
            assert_eq!(ask(&bodies, two, "a", &builds).await, 3);
            // Whoever still holds the older snapshot gets an answer of that one.
            assert_eq!(ask(&bodies, one, "a", &builds).await, 4);
            assert_eq!(ask(&bodies, two, "a", &builds).await, 3);
        });
    }

    #[test]
    fn no_more_is_kept_than_allowed() {
        let bodies = Bodies::default();
        block_on(async {
            for question in 0..40 {
                let build = || {
                    Ok(Built {
                        bytes: vec![0; 1 << 20].into(),
                        next: None,
                    })
                };
                bodies
                    .get(Epoch::from_u64(1), question.to_string(), build)
                    .await
                    .unwrap();
                assert!(bodies.lock().bytes <= BYTES_MAX);
            }
        });
        assert!(bodies.lock().cells.len() < 32);
    }
}
