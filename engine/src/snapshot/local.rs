//! A directory as a store.
//!
//! A name is durable when the directory was synced, and the directory itself when the one above it was; so the directories
//! that had to be made are synced from the top down, each before the next is made in it.
//!
//! *Invariants*: a name has no separators, so that nothing outside the directory is touched. The file `lock` belongs to
//! the lock alone; it is never listed and never removed, or two runs could each lock a file of that name.

use std::any::Any;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::StateError;
use super::store::{Store, StoreFile};

/// The file that whoever runs on the directory has locked.
const LOCK: &str = "lock";

/// Keeps snapshots in a directory of the local file system.
///
/// # Examples
/// ```
/// use millstream_engine::{LocalStore, Store};
/// let dir = std::env::temp_dir().join("millstream_local_store");
/// let store = LocalStore::open(&dir)?;
/// let mut file = store.create("greeting")?;
/// file.write(b"hello")?;
/// file.sync()?; // what is in the file
/// store.sync()?; // that there is such a file
/// assert_eq!(store.read("greeting", 1, 4)?, b"ello");
/// # std::fs::remove_dir_all(&dir)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LocalStore {
    dir: PathBuf,
}

impl LocalStore {
    /// Takes the directory `dir`, and makes it if there is none; after that its name is durable.
    ///
    /// # Errors
    /// [`StateError::Io`] if it cannot be made, or is no directory.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, StateError> {
        let dir = dir.as_ref();
        // The place must stay the same if the process changes its own.
        let dir =
            std::path::absolute(dir).map_err(StateError::io("find", dir.display().to_string()))?;
        create_durably(&dir)?;
        Ok(LocalStore { dir })
    }

    fn path(&self, name: &str) -> PathBuf {
        let is_flat = !name.contains(['/', '\\']) && !matches!(name, "" | "." | "..");
        assert!(is_flat, "{name:?} is no flat name");
        assert_ne!(name, LOCK, "this name belongs to the lock");
        self.dir.join(name)
    }
}

impl Store for LocalStore {
    fn place(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StoreFile>> {
        Ok(Box::new(LocalFile(File::create(self.path(name))?)))
    }

    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let file = File::open(self.path(name))?;
        let mut bytes = vec![0; length];
        read_exact_at(&file, &mut bytes, offset)?;
        Ok(bytes)
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.path(name))?.len())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            // What is no file, or has a name that is no text, is none of ours.
            if let Ok(name) = entry.file_name().into_string()
                && name != LOCK
                && entry.file_type()?.is_file()
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn sync(&self) -> io::Result<()> {
        sync_dir(&self.dir)
    }

    fn lock(&self) -> io::Result<Box<dyn Any + Send + Sync>> {
        let path = self.dir.join(LOCK);
        let mut options = File::options();
        let file = options
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        // The system lets go of it however the process ends.
        file.try_lock()?;
        Ok(Box::new(file))
    }

    fn within(&self, name: &str) -> io::Result<Arc<dyn Store>> {
        match Self::open(self.path(name)) {
            Ok(store) => Ok(Arc::new(store)),
            Err(StateError::Io { source, .. }) => Err(source),
            Err(other) => Err(io::Error::other(other)),
        }
    }
}

struct LocalFile(File);

impl StoreFile for LocalFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

fn create_durably(dir: &Path) -> Result<(), StateError> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|dir| !dir.is_dir()).collect();
    let nearest = missing.last().map_or(Some(dir), |dir| dir.parent());
    if let Some(above) = nearest.and_then(Path::parent) {
        // Whoever made the nearest one may have been killed before its name was synced. If this cannot be done, the
        // directory above is not ours to sync, and nothing was changed in it.
        let _ = sync_dir(above);
    }
    for dir in missing.into_iter().rev() {
        if let Err(error) = fs::create_dir(dir)
            && !dir.is_dir()
        {
            return Err(failed("create the directory", dir)(error));
        }
        if let Some(above) = dir.parent() {
            sync_dir(above).map_err(failed("sync the directory", above))?;
        }
    }
    sync_dir(dir).map_err(failed("sync the directory", dir))
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StateError {
    StateError::io(action, path.display().to_string())
}

#[cfg(unix)]
fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Names are durable in the order in which they change; a directory cannot be opened like a file.
#[cfg(not(unix))]
fn sync_dir(_dir: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn read_exact_at(mut file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(store: &LocalStore, name: &str, bytes: &[u8]) {
        let mut file = store.create(name).unwrap();
        file.write(bytes).unwrap();
        file.sync().unwrap();
    }

    #[test]
    fn files_are_read_renamed_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::open(dir.path().join("some/where")).unwrap();
        write(&store, "a", b"first");
        write(&store, "b", b"second");
        store.rename("b", "a").unwrap();
        store.sync().unwrap();
        assert_eq!(store.names().unwrap(), ["a"]);
        assert_eq!(store.length("a").unwrap(), 6);
        assert_eq!(store.read("a", 2, 4).unwrap(), b"cond");
        let past = store.read("a", 2, 5).unwrap_err();
        assert_eq!(past.kind(), io::ErrorKind::UnexpectedEof);
        store.remove("a").unwrap();
        let gone = store.length("a").unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn only_its_own_files_are_listed() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::open(dir.path()).unwrap();
        let _guard = store.lock().unwrap();
        fs::create_dir(dir.path().join("lost+found")).unwrap();
        write(&store, "a", b"");
        assert_eq!(store.names().unwrap(), ["a"]);
    }

    #[test]
    fn a_second_run_is_kept_away() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::open(dir.path()).unwrap();
        let guard = store.lock().unwrap();
        let other = LocalStore::open(dir.path()).unwrap();
        let refused = other.lock().unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        drop(guard);
        assert!(other.lock().is_ok());
    }

    #[test]
    fn a_file_is_no_directory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "").unwrap();
        let error = LocalStore::open(path.join("below"))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("cannot create the directory "), "{error}");
        let error = LocalStore::open(path).unwrap_err().to_string();
        assert!(error.contains("/file: "), "{error}");
    }

    #[test]
    #[should_panic(expected = "is no flat name")]
    fn nothing_outside_is_touched() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::open(dir.path()).unwrap();
        let _ = store.remove("../a");
    }
}
