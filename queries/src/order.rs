//! Orders: `order=-views,url` puts the largest `views` first and equal ones by `url`.
//!
//! Where the columns named leave rows equal, and where none are named, the order of the view decides:
//! newest window first, then key. So the order is total, and a page can go on after a row.

use std::cmp::Ordering;

use millstream_engine::{Column, RowKey, Value};

use crate::filter::{BadParameter, unknown_column};

/// The columns to order by; none for the order of the view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Order(Vec<By>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct By {
    column: usize,
    descending: bool,
}

impl Order {
    /// Reads the value of parameter `order`.
    pub(crate) fn parse(columns: &[Column], text: &str) -> Result<Self, BadParameter> {
        let mut order = Vec::new();
        for part in text.split(',').map(str::trim) {
            let name = part.strip_prefix('-').unwrap_or(part);
            // A name cannot begin with a minus, so there is no doubt what one means.
            let Some(column) = columns.iter().position(|column| column.name == name) else {
                let reason = format!("{name:?}: {}", unknown_column(columns));
                return Err(BadParameter::new("order", reason));
            };
            order.push(By {
                column,
                descending: part.starts_with('-'),
            });
        }
        Ok(Order(order))
    }

    /// Whether rows come in the order of the view.
    pub(crate) fn is_of_view(&self) -> bool {
        self.0.is_empty()
    }

    /// How many columns this order looks at.
    pub(crate) fn n_columns(&self) -> usize {
        self.0.len()
    }

    /// The values of a row that this order looks at.
    pub(crate) fn values_of(&self, row: &[Value]) -> Vec<Value> {
        self.0.iter().map(|by| row[by.column].clone()).collect()
    }

    /// How two rows stand to each other.
    pub(crate) fn compare(&self, a: (&RowKey, &[Value]), b: (&RowKey, &[Value])) -> Ordering {
        let of_columns = self
            .0
            .iter()
            .map(|by| by.compare(&a.1[by.column], &b.1[by.column]));
        of_columns
            .fold(Ordering::Equal, Ordering::then)
            .then_with(|| a.0.cmp(b.0))
    }

    /// How a row stands to one of which only the key and the [values looked at](Self::values_of) are known.
    pub(crate) fn compare_with(
        &self,
        a: (&RowKey, &[Value]),
        key: &RowKey,
        values: &[Value],
    ) -> Ordering {
        let of_columns = self
            .0
            .iter()
            .zip(values)
            .map(|(by, value)| by.compare(&a.1[by.column], value));
        of_columns
            .fold(Ordering::Equal, Ordering::then)
            .then_with(|| a.0.cmp(key))
    }
}

impl By {
    fn compare(&self, a: &Value, b: &Value) -> Ordering {
        if self.descending { b.cmp(a) } else { a.cmp(b) }
    }
}

#[cfg(test)]
mod tests {
    use millstream_engine::ColumnType;

    use super::*;

    fn check(order: &str, expected: &[usize]) {
        let columns = [
            Column::new("url", ColumnType::Text),
            Column::new("n", ColumnType::Int64),
        ];
        let rows: Vec<(RowKey, [Value; 2])> = [("c", 1), ("a", 2), ("b", 1)]
            .into_iter()
            .map(|(url, n)| {
                let key = RowKey {
                    window: None,
                    key: [Value::Text(url.into())].into(),
                };
                (key, [Value::Text(url.into()), Value::Int(n)])
            })
            .collect();
        let order = Order::parse(&columns, order).unwrap();
        let mut sorted: Vec<usize> = (0..rows.len()).collect();
        sorted
            .sort_by(|a, b| order.compare((&rows[*a].0, &rows[*a].1), (&rows[*b].0, &rows[*b].1)));
        assert_eq!(sorted, expected, "{order:?}");
    }

    #[test]
    fn rows_come_by_columns_then_by_key() {
        check("n", &[2, 0, 1]);
        check("-n", &[1, 2, 0]);
        check("n,-url", &[0, 2, 1]);
        check("-url", &[0, 2, 1]);
    }

    #[test]
    fn unknown_columns_are_told() {
        let columns = [Column::new("url", ColumnType::Text)];
        for order in ["-uri", "", "url,", "url,,url", "--url"] {
            let error = Order::parse(&columns, order).unwrap_err();
            assert_eq!(error.parameter, "order", "{order}");
        }
    }
}
