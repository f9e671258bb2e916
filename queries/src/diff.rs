//! What changed in a view between two snapshots.
//!
//! Snapshots share what is the same, so the difference is found in time proportional to what changed, not to
//! the size of the view. A filter is part of the question: a row that fulfils it no longer is gone for
//! whoever asked with it.
//!
//! *Invariant*: applying the changes to the filtered rows of the older snapshot gives the filtered rows of
//! the newer one, plus rows of windows that the view no longer keeps: to leave the view by age is no change
//! of the table, so whoever follows drops rows by `retained_from`, if they want to.

use imbl::ordmap::DiffItem;
use millstream_engine::{EventTime, RowKey, Rows, Value, ViewSnapshot};

use crate::filter::Filter;

/// One row's change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Change<'a> {
    /// The row is there, with these values.
    Upsert(&'a RowKey, &'a [Value]),
    /// The row is gone; these were its values.
    Delete(&'a RowKey, &'a [Value]),
}

impl<'a> Change<'a> {
    pub(crate) fn key(&self) -> &'a RowKey {
        match self {
            Change::Upsert(key, _) | Change::Delete(key, _) => key,
        }
    }
}

/// The changes that lead from `old` to `new`, in the order of the view.
pub(crate) fn changes<'a>(
    old: &'a ViewSnapshot,
    new: &'a ViewSnapshot,
    filter: &Filter,
) -> Vec<Change<'a>> {
    // Before the first epoch a view has no parts; after it, always as many as there are workers.
    let n_parts = old.parts.len().max(new.parts.len());
    let mut changes = Vec::new();
    for i in 0..n_parts {
        match (old.parts.get(i), new.parts.get(i)) {
            (Some(old), Some(new_part)) => {
                changes_of_part(old, new_part, filter, new.retained_from, &mut changes);
            }
            (None, Some(part)) => {
                changes.extend(held(part, filter).map(|(k, v)| Change::Upsert(k, v)))
            }
            (Some(part), None) => {
                changes.extend(held(part, filter).map(|(k, v)| Change::Delete(k, v)))
            }
            (None, None) => {}
        }
    }
    changes.sort_unstable_by_key(Change::key);
    changes
}

fn held<'a>(part: &'a Rows, filter: &Filter) -> impl Iterator<Item = (&'a RowKey, &'a [Value])> {
    part.iter()
        .map(|(key, values)| (key, &values[..]))
        .filter(|(_, values)| filter.holds(values))
}

fn changes_of_part<'a>(
    old: &'a Rows,
    new: &'a Rows,
    filter: &Filter,
    retained_from: Option<EventTime>,
    changes: &mut Vec<Change<'a>>,
) {
    let aged_out = |key: &RowKey| match (key.window, retained_from) {
        (Some(window), Some(from)) => window.end < from,
        _ => false,
    };
    changes.extend(old.diff(new).filter_map(|item| match item {
        DiffItem::Add(key, row) => filter.holds(row).then_some(Change::Upsert(key, row)),
        DiffItem::Update {
            new: (key, row), ..
        } if filter.holds(row) => Some(Change::Upsert(key, row)),
        DiffItem::Update {
            old: (key, row), ..
        } => filter.holds(row).then_some(Change::Delete(key, row)),
        DiffItem::Remove(key, _) if aged_out(key) => None,
        DiffItem::Remove(key, row) => filter.holds(row).then_some(Change::Delete(key, row)),
    }));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use millstream_engine::{Column, ColumnType, Window, minutes};

    use super::*;

    fn columns() -> Vec<Column> {
        vec![
            Column::new("url", ColumnType::Text),
            Column::new("n", ColumnType::Int64),
        ]
    }

    /// A view whose rows are (minute, url, n), those of one URL in the same part.
    fn view(rows: &[(i64, &str, i64)]) -> ViewSnapshot {
        let mut parts = vec![Rows::new(); 2];
        for (minute, url, n) in rows {
            let start = EventTime::from_micros(minute * 60_000_000);
            let window = Some(Window::tumbling(start, minutes(1)));
            let url_value = Value::Text((*url).into());
            let key = RowKey {
                window,
                key: [url_value.clone()].into(),
            };
            parts[url.len() % 2].insert(key, Arc::new([url_value, Value::Int(*n)]));
        }
        ViewSnapshot {
            columns: columns().into(),
            watermark: EventTime::MIN,
            retained_from: None,
            parts,
        }
    }

    fn written(changes: &[Change<'_>]) -> Vec<String> {
        let write = |change: &Change<'_>| {
            let (sign, row) = match change {
                Change::Upsert(_, row) => ('+', row),
                Change::Delete(_, row) => ('-', row),
            };
            let (Value::Text(url), Value::Int(n)) = (&row[0], &row[1]) else {
                unreachable!()
            };
            let minute = change.key().window.unwrap().start.micros() / 60_000_000;
            format!("{sign}{minute}{url}{n}")
        };
        changes.iter().map(write).collect()
    }

    #[test]
    fn changes_come_in_the_order_of_the_view() {
        let old = view(&[(1, "a", 1), (1, "bb", 1), (2, "a", 5)]);
        let new = view(&[(1, "a", 2), (2, "a", 5), (3, "bb", 1)]);
        let all = Filter::default();
        assert_eq!(
            written(&changes(&old, &new, &all)),
            ["+3bb1", "+1a2", "-1bb1"]
        );
        assert!(changes(&new, &new, &all).is_empty());
    }

    #[test]
    fn a_row_that_no_longer_fulfils_the_filter_is_gone() {
        let old = view(&[(1, "a", 1), (1, "b", 9), (1, "c", 1)]);
        let new = view(&[(1, "a", 9), (1, "b", 1), (1, "c", 2)]);
        let mut filter = Filter::default();
        filter.add(&columns(), "n.gte", "5").unwrap();
        assert_eq!(written(&changes(&old, &new, &filter)), ["+1a9", "-1b9"]);
    }

    #[test]
    fn everything_is_new_after_no_epoch() {
        let mut none = view(&[]);
        none.parts.clear();
        let new = view(&[(1, "a", 1), (1, "bb", 1)]);
        assert_eq!(
            written(&changes(&none, &new, &Filter::default())),
            ["+1a1", "+1bb1"]
        );
    }

    #[test]
    fn leaving_the_view_by_age_is_no_change() {
        let old = view(&[(1, "a", 1), (2, "a", 1), (3, "a", 1)]);
        let mut new = view(&[]);
        new.retained_from = Some(EventTime::from_micros(3 * 60_000_000));
        // The window of minute 1 ended before minute 3; that of minute 2 ended with it.
        assert_eq!(
            written(&changes(&old, &new, &Filter::default())),
            ["-3a1", "-2a1"]
        );
    }
}
