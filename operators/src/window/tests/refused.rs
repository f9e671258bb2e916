//! What no window wrote is refused, and says why.

use millstream_engine::raw::{ByRef, Log, Replayed, Shard, hash_key};
use millstream_engine::{LoadError, Window, seconds};

use super::{Made, demand, seconds_at};
use crate::aggregate::Of;
use crate::window::open_windows::OpenWindows;

#[test]
fn what_windows_do_not_write_they_do_not_read() {
    let key = ByRef::new(<String as AsRef<str>>::as_ref);
    let made = Made::new(key, Of::<String>::new().count("n"), demand(true));
    let restored = |log: &Log| {
        let mut windows: OpenWindows<String, _, _, _> = made.windows();
        let result = log.replay(|replayed| match replayed {
            Replayed::Entry(_, entry) => windows.restore(&entry),
            Replayed::Forgotten(window) => panic!("{window:?} is forgotten"),
        });
        (result, windows.size().keys)
    };
    let shard = Shard::of_hash(hash_key("a"));
    let window = Some(Window::tumbling(seconds_at(3), seconds(10)));

    let mut log = Log::default();
    log.put(shard, window, "a", |to| to.put(&7_u64));
    assert_eq!(restored(&log), (Ok(()), 1));
    let mut log = Log::default();
    log.put(shard, None, "a", |to| to.put(&7_u64));
    assert_eq!(restored(&log), (Err(LoadError::Unexpected), 0));
    let mut log = Log::default();
    log.remove(shard, window, "a");
    assert_eq!(restored(&log), (Err(LoadError::Unexpected), 0));
    let mut log = Log::default();
    log.put(shard, window, &7_u64, |to| to.put(&7_u64));
    let (result, _) = restored(&log);
    assert!(matches!(result, Err(LoadError::Mismatch { .. })));
}
