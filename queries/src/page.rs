//! Pages: which rows of a view an answer holds.
//!
//! A [`Question`] is what the parameters of a request ask: filter, order, how many rows, after which one.
//! In the order of the view a page is found by seeking to where it begins, and ends as soon as it is
//! full; another order looks at every row, but sorts only those of the page.

use std::ops::Bound;

use millstream_engine::{Column, RowKey, Value, ViewSnapshot};

use crate::cursor::Cursor;
use crate::filter::{BadParameter, Filter};
use crate::order::Order;

/// How many rows a page has if nothing else is asked for.
pub(crate) const LIMIT_DEFAULT: usize = 1_000;
/// How many rows a page has at most.
pub(crate) const LIMIT_MAX: usize = 10_000;

/// What is asked of a view.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    filter: Filter,
    order: Order,
    order_text: String,
    limit: usize,
    after: Option<Cursor>,
}

/// An answer: rows in order, and where the next page begins if there is one.
pub(crate) struct Page<'a> {
    pub(crate) rows: Vec<&'a [Value]>,
    pub(crate) next: Option<String>,
}

type Row<'a> = (&'a RowKey, &'a [Value]);

impl Question {
    /// Reads the parameters of a request to a view of `columns`.
    pub(crate) fn parse(
        columns: &[Column],
        parameters: &[(String, String)],
    ) -> Result<Self, BadParameter> {
        let mut question = Question {
            filter: Filter::default(),
            order: Order::default(),
            order_text: String::new(),
            limit: LIMIT_DEFAULT,
            after: None,
        };
        for (parameter, text) in parameters {
            match parameter.as_str() {
                "order" => {
                    question.order = Order::parse(columns, text)?;
                    question.order_text.clone_from(text);
                }
                "limit" => question.limit = parse_limit(text)?,
                "cursor" => question.after = Some(parse_cursor(text)?),
                _ => question.filter.add(columns, parameter, text)?,
            }
        }
        question.check_cursor()?;
        Ok(question)
    }

    fn check_cursor(&self) -> Result<(), BadParameter> {
        let Some(after) = &self.after else {
            return Ok(());
        };
        let fits = after.order == self.order_text && after.values.len() == self.order.n_columns();
        if fits {
            return Ok(());
        }
        let reason = format!(
            "the cursor belongs to order {:?}: ask for the same order",
            after.order
        );
        Err(BadParameter::new("cursor", reason))
    }

    /// The rows of `view` that are asked for.
    pub(crate) fn answer<'a>(&self, view: &'a ViewSnapshot) -> Page<'a> {
        let mut rows = if self.order.is_of_view() {
            self.rows_of_view(view)
        } else {
            self.rows_in_order(view)
        };
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next = rows.last().filter(|_| more).map(|(key, values)| {
            let (order, key) = (self.order_text.clone(), (*key).clone());
            Cursor {
                order,
                key,
                values: self.order.values_of(values),
            }
            .encode()
        });
        Page {
            rows: rows.into_iter().map(|(_, values)| values).collect(),
            next,
        }
    }

    /// One row more than the limit, if there is one.
    fn rows_of_view<'a>(&self, view: &'a ViewSnapshot) -> Vec<Row<'a>> {
        let after = self.after.as_ref().map(|cursor| &cursor.key);
        rows_after(view, after)
            .filter(|(_, values)| self.filter.holds(values))
            .take(self.limit + 1)
            .collect()
    }

    /// One row more than the limit, if there is one.
    fn rows_in_order<'a>(&self, view: &'a ViewSnapshot) -> Vec<Row<'a>> {
        let comes_after = |row: &Row<'_>| match &self.after {
            Some(after) => self
                .order
                .compare_with(*row, &after.key, &after.values)
                .is_gt(),
            None => true,
        };
        let rows = view
            .parts
            .iter()
            .flatten()
            .map(|(key, values)| (key, &values[..]));
        let mut rows: Vec<_> = rows
            .filter(|row| self.filter.holds(row.1) && comes_after(row))
            .collect();
        if rows.len() > self.limit + 1 {
            rows.select_nth_unstable_by(self.limit, |a, b| self.order.compare(*a, *b));
            rows.truncate(self.limit + 1);
        }
        rows.sort_unstable_by(|a, b| self.order.compare(*a, *b));
        rows
    }
}

pub(crate) fn parse_limit(text: &str) -> Result<usize, BadParameter> {
    match text.parse() {
        Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => Ok(limit),
        _ => Err(BadParameter::new(
            "limit",
            format!("take a whole number from 1 to {LIMIT_MAX}"),
        )),
    }
}

fn parse_cursor(text: &str) -> Result<Cursor, BadParameter> {
    let reason = "take the value of `next` from the page before, as it is";
    Cursor::decode(text).ok_or_else(|| BadParameter::new("cursor", reason))
}

/// The rows after `after` in the order of the view.
fn rows_after<'a>(view: &'a ViewSnapshot, after: Option<&RowKey>) -> impl Iterator<Item = Row<'a>> {
    let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
    let parts = view.parts.iter();
    let mut parts: Vec<_> = parts
        .map(|part| {
            part.range::<_, RowKey>((begin, Bound::Unbounded))
                .peekable()
        })
        .collect();
    std::iter::from_fn(move || {
        let heads = parts.iter_mut().enumerate();
        let heads = heads.filter_map(|(i, part)| part.peek().map(|(key, _)| (*key, i)));
        let (_, least) = heads.min()?;
        parts[least].next().map(|(key, values)| (key, &values[..]))
    })
}
