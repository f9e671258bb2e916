//! Server-sent events as bytes.
//!
//! ```text
//! event: change
//! id: 1.12
//! data: {"epoch":"1.12","watermark":…,"retained_from":…,"key":["url"],"rows":[{"op":"upsert","url":"/","views":3}]}
//! ```
//!
//! A row of a snapshot is as in `GET /v1/views/{view}`; a row of a change begins with `op`, and has all columns
//! when it is an upsert, those of the key when it is a delete. JSON has no line breaks, so `data` is one line.

use millstream_engine::{Column, EventTime, Snapshot, Value, ViewSnapshot};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::diff::{Change, changes};
use crate::encode::{RowsJson, ValueJson};
use crate::filter::Filter;
use crate::server::views::{key_columns, promised};

#[derive(Serialize)]
struct Data<'a, R> {
    epoch: String,
    watermark: Option<EventTime>,
    retained_from: Option<EventTime>,
    key: Option<Vec<&'a str>>,
    rows: R,
}

/// The whole view as one event.
pub(crate) fn snapshot_frame(
    snapshot: &Snapshot,
    name: &str,
    filter: &Filter,
) -> serde_json::Result<Vec<u8>> {
    let view = &snapshot.views[name];
    let rows = view.rows().map(|(_, values)| &values[..]);
    let rows: Vec<_> = rows.filter(|values| filter.holds(values)).collect();
    frame(
        "snapshot",
        snapshot,
        view,
        RowsJson {
            columns: &view.columns,
            rows: &rows,
        },
    )
}

/// What changed between two snapshots as one event; nothing if nothing did.
pub(crate) fn change_frame(
    old: &Snapshot,
    new: &Snapshot,
    name: &str,
    filter: &Filter,
) -> serde_json::Result<Vec<u8>> {
    let (old, view) = (&old.views[name], &new.views[name]);
    let changes = changes(old, view, filter);
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<_> = changes
        .iter()
        .map(|change| ChangeJson {
            columns: &view.columns,
            change,
        })
        .collect();
    frame("change", new, view, rows)
}

fn frame(
    event: &str,
    snapshot: &Snapshot,
    view: &ViewSnapshot,
    rows: impl Serialize,
) -> serde_json::Result<Vec<u8>> {
    let epoch = snapshot.epoch.to_string();
    let mut frame = format!("event: {event}\nid: {epoch}\ndata: ").into_bytes();
    let data = Data {
        epoch,
        watermark: promised(view),
        retained_from: view.retained_from,
        key: key_columns(view),
        rows,
    };
    serde_json::to_writer(&mut frame, &data)?;
    frame.extend(b"\n\n");
    Ok(frame)
}

struct ChangeJson<'a> {
    columns: &'a [Column],
    change: &'a Change<'a>,
}

impl Serialize for ChangeJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (op, values): (_, &[Value]) = match self.change {
            Change::Upsert(_, values) => ("upsert", values),
            Change::Delete(key, values) => {
                let n_columns = key.key.len() + if key.window.is_some() { 2 } else { 0 };
                ("delete", &values[..n_columns.min(values.len())])
            }
        };
        let mut row = serializer.serialize_map(None)?;
        row.serialize_entry("op", op)?;
        for (column, value) in self.columns.iter().zip(values) {
            row.serialize_entry(&column.name, &ValueJson(value))?;
        }
        row.end()
    }
}
