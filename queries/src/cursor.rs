//! Cursors: where a page ended, so that the next one can begin there.
//!
//! A cursor holds no place in a list but the last row itself: its key, and what it was ordered by. The next
//! page is whatever comes after that row *now*. Within an epoch pages fit together exactly; when rows
//! have come or gone in between, no row that stayed where it was is shown twice or left out.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use millstream_engine::{RowKey, Value, Window};
use serde::{Deserialize, Serialize};

/// The last row of a page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cursor {
    /// The order asked for, as it was written: a cursor makes no sense in another one.
    pub(crate) order: String,
    /// The key of the row.
    pub(crate) key: RowKey,
    /// What it was ordered by.
    pub(crate) values: Vec<Value>,
}

/// How a cursor is written: order, window, key, values.
type Written = (String, Option<Window>, Vec<Part>, Vec<Part>);

/// A value as it is written: JSON has no NaN, so a float goes by its bits.
#[derive(Serialize, Deserialize)]
enum Part {
    Bits(u64),
    Other(Value),
}

impl From<&Value> for Part {
    fn from(value: &Value) -> Self {
        match value {
            Value::Float(number) => Part::Bits(number.to_bits()),
            other => Part::Other(other.clone()),
        }
    }
}

impl From<Part> for Value {
    fn from(part: Part) -> Self {
        match part {
            Part::Bits(bits) => Value::Float(f64::from_bits(bits)),
            Part::Other(value) => value,
        }
    }
}

impl Cursor {
    /// The cursor as text that can stand in a URL.
    pub(crate) fn encode(&self) -> String {
        let written: Written = (
            self.order.clone(),
            self.key.window,
            self.key.key.iter().map(Part::from).collect(),
            self.values.iter().map(Part::from).collect(),
        );
        let json = serde_json::to_vec(&written).expect("no map keys and no NaN in it");
        BASE64_URL_SAFE_NO_PAD.encode(json)
    }

    /// Reads what [`encode`](Self::encode) wrote; `None` for anything else.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let json = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (order, window, key, values): Written = serde_json::from_slice(&json).ok()?;
        let key = RowKey {
            window,
            key: key.into_iter().map(Value::from).collect(),
        };
        Some(Cursor {
            order,
            key,
            values: values.into_iter().map(Value::from).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use millstream_engine::{EventTime, minutes};

    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let window = Window::tumbling(EventTime::from_micros(-123), minutes(1));
        let key = [
            Value::Text("é\"/".into()),
            Value::Null,
            Value::Int(i64::MIN),
        ];
        let cursor = Cursor {
            order: "-views".into(),
            key: RowKey {
                window: Some(window),
                key: key.into(),
            },
            values: vec![Value::Float(f64::NAN), Value::Float(0.1), Value::Bool(true)],
        };
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "x", "bm9uc2Vuc2U", "[]", "W10"] {
            assert_eq!(Cursor::decode(text), None, "{text}");
        }
    }
}
