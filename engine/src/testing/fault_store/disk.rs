//! What is on the disk, and what of it would be there after a loss of power.
//!
//! Files are known by numbers, and names point to them: once as the process sees it, once as it is durable. What happened
//! to names since they were last synced is a list, so that a part of it can come about.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// What happens at an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It does nothing and fails.
    Fail,
    /// It does half and fails.
    Tear,
    /// It succeeds, and is the last that does.
    Lose,
}

/// How much of an operation is done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Half,
}

#[derive(Default)]
struct Contents {
    bytes: Vec<u8>,
    /// How many of them are durable.
    n_durable: usize,
}

type Names = BTreeMap<String, u64>;

#[derive(Clone)]
enum NameChange {
    Create(String, u64),
    Rename(String, String, u64),
    Remove(String),
}

impl NameChange {
    fn apply(self, names: &mut Names) {
        match self {
            NameChange::Create(name, id) => {
                names.insert(name, id);
            }
            NameChange::Rename(from, to, id) => {
                names.remove(&from);
                names.insert(to, id);
            }
            NameChange::Remove(name) => {
                names.remove(&name);
            }
        }
    }
}

#[derive(Default)]
pub(super) struct Disk {
    files: BTreeMap<u64, Contents>,
    n_created: u64,
    names: Names,
    durable_names: Names,
    /// What makes the names as they are of the durable ones.
    changes: Vec<NameChange>,
    n_operations: u64,
    fault: Option<(u64, Fault)>,
    /// Why nothing works any more.
    gone: Option<String>,
    capacity: Option<u64>,
    /// How often the process was started anew.
    start: u64,
    locked: bool,
}

// What happens to it from outside.
impl Disk {
    pub(super) fn set_fault(&mut self, n: u64, fault: Fault) {
        assert!(n > 0, "operations are counted from 1");
        self.fault = Some((self.n_operations + n, fault));
    }

    pub(super) fn set_capacity(&mut self, n_bytes: u64) {
        self.capacity = Some(n_bytes);
    }

    pub(super) fn n_operations(&self) -> u64 {
        self.n_operations
    }

    pub(super) fn crash(&mut self) {
        self.names = self.durable_names.clone();
        self.changes.clear();
        for file in self.files.values_mut() {
            file.bytes.truncate(file.n_durable);
        }
        self.drop_nameless();
        self.kill();
    }

    pub(super) fn kill(&mut self) {
        self.fault = None;
        self.gone = None;
        self.capacity = None;
        self.locked = false;
        self.start += 1;
    }

    /// Does `change` to what `name` holds, durably; `None` if there is no such file.
    pub(super) fn change<T>(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut Vec<u8>) -> T,
    ) -> Option<T> {
        let file = self.files.get_mut(self.names.get(name)?)?;
        let changed = change(&mut file.bytes);
        file.n_durable = file.n_durable.min(file.bytes.len());
        Some(changed)
    }

    /// Removes what no name leads to any more.
    fn drop_nameless(&mut self) {
        let ids = self.names.values().chain(self.durable_names.values());
        let named: BTreeSet<u64> = ids.copied().collect();
        self.files.retain(|id, _| named.contains(id));
    }
}

// What the process does.
impl Disk {
    pub(super) fn create(&mut self, name: &str) -> io::Result<u64> {
        let extent = self.begin(|| format!("create {name}"))?;
        let id = self.names.get(name).copied().unwrap_or_else(|| {
            self.n_created += 1;
            self.n_created
        });
        // Also if the name was there: then it leads to the same file, which is empty from now on.
        self.files.insert(id, Contents::default());
        self.change_name(NameChange::Create(name.into(), id), extent)?;
        Ok(id)
    }

    pub(super) fn write(&mut self, id: u64, name: &str, bytes: &[u8]) -> io::Result<()> {
        let n_bytes = bytes.len();
        let extent = self.begin(|| format!("write {n_bytes} bytes to {name}"))?;
        let room = usize::try_from(self.room()).unwrap_or(usize::MAX);
        // Invariant: a file that cannot be found has no name left; whoever writes it does not notice.
        let Some(file) = self.files.get_mut(&id) else {
            return self.end(extent);
        };
        if extent == Extent::Half {
            let half = (n_bytes / 2).min(room);
            file.bytes.extend_from_slice(&bytes[..half]);
            file.n_durable = file.bytes.len();
            return self.end(extent);
        }
        file.bytes.extend_from_slice(&bytes[..n_bytes.min(room)]);
        if n_bytes > room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    pub(super) fn sync_file(&mut self, id: u64, name: &str) -> io::Result<()> {
        let extent = self.begin(|| format!("sync {name}"))?;
        if let Some(file) = self.files.get_mut(&id) {
            let unsynced = file.bytes.len() - file.n_durable;
            file.n_durable += match extent {
                Extent::Whole => unsynced,
                Extent::Half => unsynced / 2,
            };
        }
        self.end(extent)
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let extent = self.begin(|| format!("rename {from} to {to}"))?;
        let id = self.id(from)?;
        if from == to {
            return self.end(extent);
        }
        self.change_name(NameChange::Rename(from.into(), to.into(), id), extent)
    }

    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        let extent = self.begin(|| format!("remove {name}"))?;
        self.id(name)?;
        self.change_name(NameChange::Remove(name.into()), extent)
    }

    pub(super) fn sync_names(&mut self) -> io::Result<()> {
        let extent = self.begin(|| "sync the names".into())?;
        let mut changes = std::mem::take(&mut self.changes);
        // Nothing says in which order names become durable: the last come first here.
        let n_skipped = match extent {
            Extent::Whole => 0,
            Extent::Half => changes.len() / 2,
        };
        for change in changes.drain(n_skipped..) {
            change.apply(&mut self.durable_names);
        }
        self.end(extent)?;
        self.drop_nameless();
        Ok(())
    }

    pub(super) fn read(&self, name: &str) -> io::Result<&[u8]> {
        self.check()?;
        let id = self.id(name)?;
        Ok(&self.files[&id].bytes)
    }

    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        self.check()?;
        Ok(self.names.keys().cloned().collect())
    }

    /// Takes the lock, for the process that is given.
    pub(super) fn lock(&mut self) -> io::Result<u64> {
        self.check()?;
        if self.locked {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.locked = true;
        Ok(self.start)
    }

    pub(super) fn unlock(&mut self, start: u64) {
        if self.start == start {
            self.locked = false;
        }
    }

    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Whether the process that was started at `start` still lives.
    pub(super) fn check_start(&self, start: u64) -> io::Result<()> {
        if self.start == start {
            return Ok(());
        }
        Err(io::Error::other("whoever began this file is no more"))
    }
}

impl Disk {
    /// Counts an operation, and says how much of it is to be done.
    fn begin(&mut self, what: impl FnOnce() -> String) -> io::Result<Extent> {
        self.check()?;
        self.n_operations += 1;
        let n = self.n_operations;
        let due = self.fault.take_if(|(at, _)| *at == n);
        let Some((_, fault)) = due else {
            return Ok(Extent::Whole);
        };
        self.gone = Some(format!("the disk is gone since operation {n}: {}", what()));
        match fault {
            Fault::Fail => self.check().map(|()| Extent::Whole),
            Fault::Tear => Ok(Extent::Half),
            Fault::Lose => Ok(Extent::Whole),
        }
    }

    fn end(&self, extent: Extent) -> io::Result<()> {
        match extent {
            Extent::Whole => Ok(()),
            Extent::Half => self.check(),
        }
    }

    fn check(&self) -> io::Result<()> {
        let gone = self.gone.clone();
        gone.map_or(Ok(()), |gone| Err(io::Error::other(gone)))
    }

    fn change_name(&mut self, change: NameChange, extent: Extent) -> io::Result<()> {
        change.clone().apply(&mut self.names);
        if extent == Extent::Half {
            change.apply(&mut self.durable_names);
            return self.end(extent);
        }
        self.changes.push(change);
        Ok(())
    }

    fn id(&self, name: &str) -> io::Result<u64> {
        let id = self.names.get(name).copied();
        id.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn room(&self) -> u64 {
        let Some(capacity) = self.capacity else {
            return u64::MAX;
        };
        let sizes = self
            .names
            .values()
            .map(|id| self.files[id].bytes.len() as u64);
        capacity.saturating_sub(sizes.sum())
    }
}
