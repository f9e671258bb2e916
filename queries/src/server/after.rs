//! `?after=<token>&wait_ms=`: an answer that has seen what the client wrote.
//!
//! ```text
//!  POST event ─▶ token ─▶ GET view?after=token ─▶ which epoch has seen it? ─▶ answered from that epoch or a later one
//!                                                  └─ none yet: wait for the next snapshot, at most wait_ms
//! ```
//!
//! Nothing is polled: the question is asked again with each new snapshot, for what was read becomes visible with one.

use std::time::Duration;

use millstream_engine::Epoch;
use tokio::time::{Instant, timeout_at};

use crate::filter::BadParameter;
use crate::problem::Problem;
use crate::server::state::State;

/// How long a client waits if it does not say, and at most.
const WAIT_DEFAULT: Duration = Duration::from_secs(10);
const WAIT_MAX: Duration = Duration::from_secs(60);

/// What an answer must have seen, and how long the client waits for that.
pub(crate) struct After {
    token: String,
    wait: Duration,
}

impl After {
    /// Takes the two parameters out of those of a request.
    pub(crate) fn take(
        parameters: &mut Vec<(String, String)>,
    ) -> Result<Option<Self>, BadParameter> {
        let mut token = None;
        let mut wait = None;
        let mut rest = Vec::with_capacity(parameters.len());
        for (name, text) in parameters.drain(..) {
            match name.as_str() {
                "after" => token = Some(text),
                "wait_ms" => wait = Some(parse_wait(&text)?),
                _ => rest.push((name, text)),
            }
        }
        *parameters = rest;
        match (token, wait) {
            (Some(token), wait) => Ok(Some(After {
                token,
                wait: wait.unwrap_or(WAIT_DEFAULT),
            })),
            (None, Some(_)) => {
                let reason = "there is nothing to wait for without `after`, a token";
                Err(BadParameter::new("wait_ms", reason))
            }
            (None, None) => Ok(None),
        }
    }

    /// Waits until the newest snapshot has seen it.
    pub(crate) async fn seen(&self, state: &State) -> Result<(), Problem> {
        let deadline = Instant::now() + self.wait;
        // Before the first look, so that no news between that and the waiting goes unheard.
        let mut news = state.news.subscribe();
        let mut ending = state.ending.subscribe();
        loop {
            if !state.reading.is_ready() {
                let state = state.reading.status().state;
                return Err(Problem::NotReady { state });
            }
            let epoch = self.epoch(state)?;
            if epoch.is_some_and(|epoch| state.reading.snapshot().epoch >= epoch) {
                return Ok(());
            }
            let not_yet = || Problem::NotSeenYet {
                token: self.token.clone(),
                waited: self.wait,
            };
            let changed = async {
                tokio::select! {
                    changed = news.changed() => changed.is_ok(),
                    _ = ending.wait_for(|ending| *ending) => false,
                }
            };
            match timeout_at(deadline, changed).await {
                Ok(true) => {}
                Ok(false) | Err(_) => return Err(not_yet()),
            }
        }
    }

    /// The epoch that has seen it, if one has.
    fn epoch(&self, state: &State) -> Result<Option<Epoch>, BadParameter> {
        let bad = |reason: String| BadParameter::new("after", reason);
        let source = self.token.split_once(':').map(|(source, _)| source);
        let source = source.ok_or_else(|| {
            bad("take the `token` of the answer to a POST to a source, as it is".into())
        })?;
        let inlet = state.reading.inlet(source).ok_or_else(|| {
            bad(format!(
                "it names source {source:?}, and there is none that takes events"
            ))
        })?;
        inlet
            .seen(&self.token)
            .map_err(|error| bad(error.to_string()))
    }
}

fn parse_wait(text: &str) -> Result<Duration, BadParameter> {
    let most = WAIT_MAX.as_millis();
    match text.parse::<u64>().map(Duration::from_millis) {
        Ok(wait) if wait <= WAIT_MAX => Ok(wait),
        _ => Err(BadParameter::new(
            "wait_ms",
            format!("take a whole number of milliseconds from 0 to {most}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(query: &[(&str, &str)]) -> Result<(Option<(String, u128)>, usize), String> {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        let mut parameters: Vec<_> = query.iter().map(owned).collect();
        let taken = After::take(&mut parameters).map_err(|bad| bad.to_string())?;
        let taken = taken.map(|after| (after.token, after.wait.as_millis()));
        Ok((taken, parameters.len()))
    }

    #[test]
    fn the_two_parameters_are_taken_and_the_others_left() {
        let token = |ms| Some(("s:0.1".to_owned(), ms));
        let query = [("a", "1"), ("after", "s:0.1"), ("b", "2")];
        assert_eq!(take(&query), Ok((token(10_000), 2)));
        let query = [("wait_ms", "0"), ("after", "s:0.1")];
        assert_eq!(take(&query), Ok((token(0), 0)));
        assert_eq!(take(&[("limit", "1")]), Ok((None, 1)));
    }

    #[test]
    fn a_wait_that_makes_no_sense_is_refused() {
        for (query, said) in [
            (
                vec![("after", "s:0.1"), ("wait_ms", "long")],
                "from 0 to 60000",
            ),
            (
                vec![("after", "s:0.1"), ("wait_ms", "60001")],
                "from 0 to 60000",
            ),
            (vec![("wait_ms", "5")], "nothing to wait for"),
        ] {
            let refused = take(&query).unwrap_err();
            assert!(refused.contains(said), "{refused}");
        }
    }
}
