//! Tokens: what a client waits for to read its own writes.
//!
//! ```text
//!  page_views:1f3a90c2.0-4711,3-12     everything of page_views before offset 4711 of partition 0, and before 12 of
//!                                      partition 3, in the log whose id begins so
//! ```
//!
//! A token is a place in the log, so it outlives the process that gave it; in another log it is no place.

use std::fmt;

use millstream_engine::BadToken;

/// How far a reader must have come in some partitions of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) source: String,
    /// What tells the log from others.
    pub(super) log: String,
    /// By partition: the offset of the first record that need not have been read.
    pub(super) ends: Vec<(u32, u64)>,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}.", self.source, self.log)?;
        for (i, (partition, end)) in self.ends.iter().enumerate() {
            let separator = if i == 0 { "" } else { "," };
            write!(f, "{separator}{partition}-{end}")?;
        }
        Ok(())
    }
}

impl Token {
    /// What stands for a topic in tokens, by its id.
    pub(super) fn log_of(topic_id: &str) -> String {
        topic_id.chars().take(8).collect()
    }

    /// Reads a token of `source` with this log, which has `n_partitions` partitions.
    pub(super) fn parse(
        text: &str,
        (source, log): (&str, &str),
        n_partitions: u32,
    ) -> Result<Self, BadToken> {
        let bad = |reason: String| BadToken {
            token: text.into(),
            reason,
        };
        let (named, ends) = text
            .split_once(':')
            .ok_or_else(|| bad("it names no source".into()))?;
        if named != source {
            return Err(bad(format!("it is of source {named:?}, not of {source:?}")));
        }
        let (of_log, ends) = ends
            .split_once('.')
            .ok_or_else(|| bad("take it as it was given".into()))?;
        if of_log != log {
            return Err(bad("it is of a log that is gone".into()));
        }
        let end = |text: &str| {
            let (partition, offset) = text.split_once('-')?;
            Some((partition.parse::<u32>().ok()?, offset.parse::<u64>().ok()?))
        };
        let ends = ends.split(',').filter(|part| !part.is_empty());
        let ends: Option<Vec<_>> = ends.map(end).collect();
        let ends = ends.ok_or_else(|| bad("take it as it was given".into()))?;
        match ends
            .iter()
            .find(|(partition, _)| *partition >= n_partitions)
        {
            Some((partition, _)) => Err(bad(format!(
                "{source:?} has no partition {partition}, only {n_partitions}"
            ))),
            None => Ok(Token {
                source: source.into(),
                log: log.into(),
                ends,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written() {
        for ends in [vec![], vec![(0, 7)], vec![(0, 4711), (3, u64::MAX)]] {
            let (source, log) = ("page_views".to_owned(), "1f3a90c2".to_owned());
            let token = Token { source, log, ends };
            let of = ("page_views", "1f3a90c2");
            assert_eq!(Token::parse(&token.to_string(), of, 4), Ok(token));
        }
    }

    #[test]
    fn what_is_no_token_of_the_source_is_told() {
        for (text, said) in [
            ("", "names no source"),
            ("orders:a.0-1", "of source \"orders\""),
            ("page_views:0-1", "as it was given"),
            ("page_views:a.0", "as it was given"),
            ("page_views:a.0-x", "as it was given"),
            ("page_views:a.0--1", "as it was given"),
            ("page_views:a.4-1", "no partition 4, only 4"),
            ("page_views:b.0-1", "a log that is gone"),
        ] {
            let error = Token::parse(text, ("page_views", "a"), 4).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
