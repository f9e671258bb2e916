//! Bodies: which events there are in what a client sent.
//!
//! Nothing is parsed here beyond what it takes to find where an event begins and ends, so that an event that is no valid
//! JSON costs only itself: the elements of an array are told by brackets, commas and strings alone, and it is the format
//! that looks at each of them.

use std::ops::Range;

use serde::de::IgnoredAny;

/// Where the events of `body` are, in order, if there are no more than `n_max`.
///
/// The error says why that cannot be told.
pub(super) fn split(
    content_type: Option<&str>,
    body: &str,
    n_max: usize,
) -> Result<Vec<Range<usize>>, String> {
    let events = Events {
        found: Vec::new(),
        n_max,
    };
    if content_type.is_some_and(is_ndjson) {
        return events.lines(body);
    }
    let whole = trimmed(body, 0..body.len());
    if body[whole.clone()].starts_with('[') {
        return events.elements(body, whole);
    }
    let is_one_line = memchr::memchr(b'\n', body[whole.clone()].as_bytes()).is_none();
    if is_one_line || is_value(&body[whole.clone()]) {
        return Ok(vec![whole]);
    }
    // Several lines of values, or one value that is broken? In the latter case its lines are no values.
    let lines = events.lines(body)?;
    let is_line_of_value = |line: &Range<usize>| {
        let line = &body[line.clone()];
        line.starts_with(['{', '[']) && is_value(line)
    };
    if lines.len() > 1 && lines.iter().any(is_line_of_value) {
        Ok(lines)
    } else {
        Ok(vec![whole])
    }
}

fn is_ndjson(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or("").trim();
    let known = [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonlines",
    ];
    known
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
}

fn is_value(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Events that were found in a body.
struct Events {
    found: Vec<Range<usize>>,
    n_max: usize,
}

impl Events {
    fn push(&mut self, event: Range<usize>) -> Result<(), String> {
        if self.found.len() == self.n_max {
            return Err(format!(
                "it has more than the {} events that can wait at once: send fewer",
                self.n_max
            ));
        }
        self.found.push(event);
        Ok(())
    }

    /// The lines that are not blank.
    fn lines(mut self, body: &str) -> Result<Vec<Range<usize>>, String> {
        let mut start = 0;
        for newline in memchr::memchr_iter(b'\n', body.as_bytes()).chain([body.len()]) {
            let line = trimmed(body, start..newline);
            if !line.is_empty() {
                self.push(line)?;
            }
            start = newline + 1;
        }
        Ok(self.found)
    }

    /// The elements of the array that is all of `body[whole]`.
    fn elements(mut self, body: &str, whole: Range<usize>) -> Result<Vec<Range<usize>>, String> {
        let bytes = body.as_bytes();
        let (mut at, mut depth) = (whole.start + 1, 1);
        let mut start = at;
        while at < whole.end {
            match bytes[at] {
                b'"' => at = closing_quote(bytes, at).unwrap_or(whole.end),
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth -= 1,
                b',' if depth == 1 => {
                    self.push(trimmed(body, start..at))?;
                    start = at + 1;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
            at += 1;
        }
        if bytes.get(at) != Some(&b']') {
            return Err("the array in it does not end".to_owned());
        }
        if at + 1 < whole.end {
            return Err(format!("there is more after the array, at byte {}", at + 1));
        }
        let last = trimmed(body, start..at);
        if !(last.is_empty() && self.found.is_empty()) {
            self.push(last)?;
        }
        Ok(self.found)
    }
}

/// Where the string that begins at `open` ends.
fn closing_quote(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// `range` without the white space around what is in it.
fn trimmed(body: &str, range: Range<usize>) -> Range<usize> {
    let is_blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    let text = body[range.clone()].trim_end_matches(is_blank);
    let start = range
        .end
        .min(range.start + (text.len() - text.trim_start_matches(is_blank).len()));
    start..(range.start + text.len()).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    fn check(content_type: Option<&str>, body: &str, expected: &[&str]) {
        let events =
            split(content_type, body, 10).unwrap_or_else(|reason| panic!("{body}: {reason}"));
        let events: Vec<_> = events.into_iter().map(|event| &body[event]).collect();
        assert_eq!(events, expected, "{body} as {content_type:?}");
    }

    #[test]
    fn one_value_an_array_or_a_value_a_line() {
        for content_type in [
            None,
            Some("application/json"),
            Some("text/plain; charset=utf-8"),
        ] {
            check(content_type, " {\"a\":\n1}\n", &["{\"a\":\n1}"]);
            check(
                content_type,
                "{\"a\":1}\r\n\n{\"a\":2}\n",
                &["{\"a\":1}", "{\"a\":2}"],
            );
            check(content_type, "oops\n{\"a\":2}", &["oops", "{\"a\":2}"]);
            check(
                content_type,
                "{\n  \"a\": nil,\n  \"b\": 1\n}",
                &["{\n  \"a\": nil,\n  \"b\": 1\n}"],
            );
            check(content_type, "{\"a\":", &["{\"a\":"]);
            check(content_type, "[]", &[]);
            check(content_type, "[ \n]", &[]);
            check(
                content_type,
                " [1, {\"a\":[2,3]} ,\"],\\\",\"]\n",
                &["1", "{\"a\":[2,3]}", "\"],\\\",\""],
            );
            check(
                content_type,
                "[1,{\"a\":},oops,]",
                &["1", "{\"a\":}", "oops", ""],
            );
        }
        check(
            Some("Application/X-NDJSON; charset=utf-8"),
            "[1]\n\n \t{\"a\":\n1}",
            &["[1]", "{\"a\":", "1}"],
        );
        check(Some("application/jsonl"), "1", &["1"]);
    }

    #[test]
    fn an_array_that_cannot_be_split_is_refused() {
        for body in ["[", "[1,2", "[1,\"2]", "[{\"a\":1]", "[1}", "[\"\\"] {
            assert_eq!(
                split(None, body, 10),
                Err("the array in it does not end".into()),
                "{body}"
            );
        }
        assert_eq!(
            split(None, "[1]\n[2]", 10),
            Err("there is more after the array, at byte 3".into())
        );
    }

    #[test]
    fn valid_arrays_are_split_as_a_parser_would() {
        for seed in 0..500 {
            let mut random = Random::new(seed);
            let values: Vec<_> = (0..random.below(6))
                .map(|_| random_value(&mut random, 3))
                .collect();
            let body = serde_json::to_string_pretty(&values).unwrap();
            let events = split(None, &body, 10).unwrap();
            let parsed: Vec<serde_json::Value> = events
                .into_iter()
                .map(|event| serde_json::from_str(&body[event]).unwrap())
                .collect();
            assert_eq!(parsed, values, "seed {seed}");
        }
    }

    fn random_value(random: &mut Random, depth: usize) -> serde_json::Value {
        let inner = |random: &mut Random| random_value(random, depth - 1);
        match random.below(if depth > 0 { 4 } else { 2 }) {
            0 => (0..random.below(8))
                .map(|_| ["\"", "\\", ",", "]", "}", "{", "é", "\n"][random.below(8)])
                .collect(),
            1 => random.below(100).into(),
            2 => (0..random.below(4)).map(|_| inner(random)).collect(),
            _ => (0..random.below(4))
                .map(|i| (format!("{i}],\""), inner(random)))
                .collect(),
        }
    }
}
