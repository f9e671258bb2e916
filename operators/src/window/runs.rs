//! Runs: a batch in pieces of one window each, without what is late.

use millstream_engine::{Data, EventTime, Record, Window};

use super::tumbling::Tumbling;

/// Divides a batch into runs of records of one window, so that each window is looked up once per run.
///
/// Late records are copied to `late`; `each` is given the window and the others of the run.
pub(super) fn runs<T: Data>(
    batch: &[Record<T>],
    tumbling: Tumbling,
    watermark: EventTime,
    late: &mut Vec<Record<T>>,
    mut each: impl FnMut(Window, &mut dyn Iterator<Item = &T>),
) {
    let mut rest = batch;
    while let Some(first) = rest.first() {
        let window = tumbling.holding(first.time);
        // The first is in, whatever its time: a run that is empty would be looked at for ever.
        let length = rest[1..]
            .iter()
            .position(|r| r.time < window.start || r.time >= window.end)
            .map_or(rest.len(), |others| others + 1);
        let (run, after) = rest.split_at(length);
        rest = after;
        let close = tumbling.close(window);
        if close <= watermark {
            late.extend_from_slice(run);
            continue;
        }
        let mut on_time = run.iter().filter_map(|record| {
            if record.behind >= close {
                late.push(record.clone());
                return None;
            }
            Some(&record.value)
        });
        each(window, &mut on_time);
    }
}
