//! Rows in their own windows: whatever these are, and whichever of them began first.

use millstream_engine::raw::{Demand, NoKey};
use millstream_engine::{EventTime, Record, Stage, Window, WindowRow};

use super::{Made, at, seconds_at};
use crate::aggregate::Of;
use crate::window::their_windows::TheirWindows;

type Row = WindowRow<u8, u64>;

/// The row of a window, timed as rows are.
fn row(start: EventTime, end: EventTime, key: u8) -> Record<Row> {
    let row = WindowRow {
        window: Window { start, end },
        key,
        values: 1,
        stage: Stage::Final,
    };
    Record::new(row, EventTime::from_micros(end.micros() - 1))
}

#[test]
fn rows_count_in_the_windows_that_they_are_of() {
    let made = Made::cut(
        TheirWindows::new(),
        NoKey,
        Of::<Row>::new().count("n"),
        Demand::default(),
    );
    let mut windows = made.windows();
    let [long, short] =
        [(0, 100), (10, 20)].map(|(start, end)| (seconds_at(start), seconds_at(end)));
    let first_ever = (EventTime::MIN, seconds_at(20));
    let last_ever = (seconds_at(10), EventTime::MAX);
    let rows = [long, short, long, first_ever, last_ever, short, short]
        .into_iter()
        .zip(0..)
        .map(|((start, end), key)| row(start, end, key));
    let rows: Vec<_> = rows.collect();
    let mut late = Vec::new();
    windows.fold(&rows, at(0, seconds_at(19)), &mut late);
    assert_eq!(late.len(), 0);
    let size = windows.size();
    assert_eq!((size.open_windows, size.next_close), (4, seconds_at(20)));
    let mut closed = |watermark| {
        let mut out = Vec::new();
        windows.pass(watermark, &mut out);
        let rows = out.into_iter().map(|change| {
            let window = change.key.window;
            (window.start, window.end, change.value.expect("a count"))
        });
        rows.collect::<Vec<_>>()
    };
    let of = |(start, end), n| (start, end, n);
    assert_eq!(closed(seconds_at(20)), [of(first_ever, 1), of(short, 3)]);
    assert_eq!(closed(seconds_at(99)), []);
    assert_eq!(closed(seconds_at(100)), [of(long, 2)]);
    assert_eq!(closed(EventTime::MAX), [of(last_ever, 1)]);
    windows.fold(&rows[..2], at(1, EventTime::MAX), &mut late);
    assert_eq!(late.len(), 2, "{late:?}");
}
