//! What windows keep is reported right as soon as they are restored.

use millstream_engine::raw::{ByRef, Log};
use millstream_engine::{EventTime, Record};

use super::workers::Workers;
use super::{Made, at, demand, seconds_at};
use crate::aggregate::Of;

#[test]
fn sizes_are_right_at_once() {
    let of = Of::<String>::new();
    let last = of.max("last", |name: &String| name.clone());
    let made = Made::new(
        ByRef::new(<String as AsRef<str>>::as_ref),
        last,
        demand(true),
    );
    let mut workers = Workers::new(&made, 1, false);
    let names: Vec<_> = (0..100)
        .map(|n| Record::new(format!("name {n}"), seconds_at(n / 5)))
        .collect();
    workers.batch(&names, at(1, EventTime::MIN));
    workers.end(at(1, EventTime::MIN), at(1, seconds_at(3)), true);
    workers.freeze();
    let mut logs = [Log::default()];
    while !workers.save(&mut logs, &mut [false], 1000) {}

    let mut restored = Workers::new(&made, 1, false);
    restored.restore(&logs).expect("it was written so");
    restored.resume(at(1, seconds_at(3)));
    let size = |workers: &Workers<String, _, _, _>| {
        let size = workers.windows().next().expect("one worker").size();
        (size.keys, size.open_windows, size.bytes, size.next_close)
    };
    assert_eq!(size(&restored), size(&workers));
    assert_eq!(size(&restored).0, 100);
}
