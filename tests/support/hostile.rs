//! Bodies that should never have been sent, and what must be answered to them.
//!
//! Each case is made so that the right answer is known: because of how it was broken, or because a naive reading of it,
//! line by line with serde alone, says so.

#[path = "hostile/clouds.rs"]
mod clouds;
#[path = "hostile/packed.rs"]
mod packed;

use millstream::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::random::Random;
use packed::{gzip, zstd};

pub(crate) const BODY_BYTES: usize = 1 << 20;
pub(crate) const DECODED_BYTES: usize = 4 << 20;
pub(crate) const EVENT_BYTES: usize = 64 << 10;
pub(crate) const BODY_EVENTS: usize = 5_000;
pub(crate) const KEY: &str = "open-sesame";

/// What an event carries.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Payload {
    pub(crate) n: u32,
    #[serde(default)]
    pub(crate) note: Option<String>,
}

/// A request, and what must be answered.
#[derive(Debug)]
pub(crate) struct Case {
    /// What kind of body it is, for whoever reads that it failed.
    pub(crate) what: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) expected: Expected,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// 202, with so many.
    Taken { accepted: usize, rejected: usize },
    /// A problem with this status, whose detail has these words.
    Refused(u16, &'static str),
}

use Expected::{Refused, Taken};

/// Makes cases.
pub(crate) struct Hostile {
    random: Random,
    /// How many events were given a name.
    n_named: usize,
    /// Each says that it is much larger than it may be, in one way or another.
    bombs: Vec<(&'static str, Vec<u8>)>,
}

impl Hostile {
    pub(crate) fn new(seed: u64) -> Self {
        let zeros = vec![b' '; 16 * DECODED_BYTES];
        let (gzipped, zstded) = (gzip(&zeros), zstd(&zeros));
        let bombs = vec![
            ("gzip, zstd", zstd(&gzipped)),
            ("zstd, gzip", gzip(&zstded)),
            ("gzip", gzipped),
            ("zstd", zstded),
        ];
        let random = Random::new(seed);
        Hostile {
            random,
            n_named: 0,
            bombs,
        }
    }

    fn below(&mut self, n: usize) -> usize {
        self.random.next_u32() as usize % n
    }

    /// The next case; heavy ones are rare.
    pub(crate) fn next(&mut self) -> Case {
        match self.below(200) {
            0 => self.bomb(),
            1 => self.too_large(),
            2 => self.too_many(),
            3..=12 => self.nested(),
            13..=25 => self.too_long(),
            26..=55 => self.badly_packed(),
            56..=75 => self.wrongly_said(),
            76..=95 => self.not_told_apart(),
            96..=115 => self.cloud_events(),
            116..=135 => self.cloud_event_in_headers(),
            136..=145 => self.without_key(),
            146..=160 => self.good(),
            161..=175 => self.array(),
            _ => self.mutated_lines(),
        }
    }

    /// A name that no other event has.
    fn name(&mut self) -> String {
        self.n_named += 1;
        format!("e{}", self.n_named)
    }

    fn event(&mut self) -> String {
        let (id, n) = (self.name(), self.below(1_000));
        let time = format!("2025-01-15T10:30:{:02}Z", self.below(60));
        json!({"eventId": id, "timestamp": time, "data": {"n": n, "note": "é\n"}}).to_string()
    }

    /// Something of one line in an array that is no event, and leaves its neighbours alone.
    fn no_event(&mut self) -> String {
        let broken = [
            "{}",
            "7",
            "oops",
            "{\"timestamp\":\"2025-01-15T10:30:00Z\"}",
            "[]",
            "null",
            "\"\"",
            "{\"a\":}",
            "{,}",
            "{\"timestamp\":\"noon\",\"data\":{\"n\":1}}",
            "{\"timestamp\":\"2025-01-15T10:30:00Z\",\"data\":{\"n\":-1}}",
            "{\"timestamp\":\"2025-01-15T10:30:00Z\",\"data\":{\"n\":1e99}}",
            "{\"a\":1}{\"b\":2}",
            "\\",
            "{\"a\":01}",
        ];
        broken[self.below(broken.len())].to_owned()
    }

    /// Lines that were good once.
    fn mutated_lines(&mut self) -> Case {
        let n = 1 + self.below(20);
        let mut body: Vec<u8> = (0..n)
            .flat_map(|_| (self.event() + "\n").into_bytes())
            .collect();
        for _ in 0..self.below(6) {
            let at = self.below(body.len());
            let to = (at + 1 + self.below(20)).min(body.len());
            match self.below(5) {
                0 => body[at] ^= 1 << self.below(8),
                1 => body.truncate(at.max(1)),
                2 => body[at..to].fill(0xff),
                3 => drop(body.splice(at..at, *b"\n[[{\"")),
                _ => {
                    let copy = body[at..to].to_vec();
                    body.splice(at..at, copy);
                }
            }
        }
        let expected = of_lines(&body);
        ndjson("mutated lines", body, expected)
    }

    fn good(&mut self) -> Case {
        let n = 1 + self.below(30);
        let events: Vec<_> = (0..n).map(|_| self.event()).collect();
        let (lines, array) = (events.join("\r\n"), format!("[{}]", events.join(",\n")));
        let (accepted, rejected) = (n, 0);
        let expected = Taken { accepted, rejected };
        let of = |body: Vec<u8>, encoding: Option<&str>| Case {
            what: "good",
            headers: encoding
                .map(|name| ("content-encoding", name.to_owned()))
                .into_iter()
                .collect(),
            body,
            expected,
        };
        match self.below(4) {
            0 => of(lines.into_bytes(), None),
            1 => of(gzip(array.as_bytes()), Some("gzip")),
            2 => of(gzip(&zstd(lines.as_bytes())), Some("zstd, gzip")),
            _ => of(array.into_bytes(), Some("identity")),
        }
    }

    /// An array of events of which some are none.
    fn array(&mut self) -> Case {
        let (n, mut accepted) = (1 + self.below(30), 0);
        let mut elements = Vec::new();
        for _ in 0..n {
            let is_good = self.below(2) == 0;
            accepted += usize::from(is_good);
            elements.push(if is_good {
                self.event()
            } else {
                self.no_event()
            });
        }
        let rejected = n - accepted;
        let body = format!("[{}]", elements.join(" , ")).into_bytes();
        plain("array", body, Taken { accepted, rejected })
    }

    fn too_long(&mut self) -> Case {
        let note = "x".repeat(EVENT_BYTES + self.below(1_000));
        let long = self.event().replace("é", &note);
        let body = format!("{}\n{long}\n{}\n", self.event(), self.event()).into_bytes();
        let (accepted, rejected) = (2, 1);
        plain("too long", body, Taken { accepted, rejected })
    }

    fn too_large(&mut self) -> Case {
        let body = vec![b' '; BODY_BYTES + 1 + self.below(BODY_BYTES)];
        plain("too large", body, Refused(413, "more than the 1048576"))
    }

    fn too_many(&mut self) -> Case {
        let n = BODY_EVENTS + 1 + self.below(100_000);
        let body = b"1\n".repeat(n);
        plain("too many", body, Refused(400, "more than the 5000 events"))
    }

    /// As deep as it is long.
    fn nested(&mut self) -> Case {
        let n = 100_000;
        let one_rejected = Taken {
            accepted: 0,
            rejected: 1,
        };
        let (open, close) = ("[".repeat(n), "]".repeat(n));
        let short = format!("{}{}", &open[..20_000], &close[..20_000]);
        let more = self
            .event()
            .replacen('{', &format!("{{\"more\":{short},"), 1);
        let note = self.event().replace("\"é\\n\"", &short);
        match self.below(7) {
            0 => plain("nested", open.into(), Refused(400, "does not end")),
            1 => plain("nested", (open + &close).into(), one_rejected),
            2 => plain("nested", "{\"a\":".repeat(n).into(), one_rejected),
            3 => ndjson("nested", "{\"a\":".repeat(n).into(), one_rejected),
            4 => plain("nested", "{\"a\":\n".repeat(n).into(), one_rejected),
            5 => plain(
                "nested where nobody looks",
                more.into(),
                Taken {
                    accepted: 1,
                    rejected: 0,
                },
            ),
            _ => plain("nested where a text should be", note.into(), one_rejected),
        }
    }

    /// What no header says rightly.
    fn wrongly_said(&mut self) -> Case {
        let event = self.event();
        let utf_16 =
            |to: fn(u16) -> [u8; 2]| event.encode_utf16().flat_map(to).collect::<Vec<u8>>();
        let with = |name, value: &str, expected| Case {
            what: "wrongly said",
            headers: vec![(name, value.to_owned())],
            body: event.clone().into_bytes(),
            expected,
        };
        match self.below(8) {
            0 => plain("utf-16", utf_16(u16::to_le_bytes), Refused(400, "UTF-16")),
            1 => plain("utf-16", utf_16(u16::to_be_bytes), Refused(400, "UTF-16")),
            2 => plain(
                "utf-16",
                [b"\xff\xfe".to_vec(), utf_16(u16::to_le_bytes)].concat(),
                Refused(400, "UTF-16"),
            ),
            3 => with(
                "content-encoding",
                "br",
                Refused(415, "send it as gzip, as zstd"),
            ),
            4 => with(
                "content-encoding",
                "gzip, gzip, gzip",
                Refused(415, "at most 2 times"),
            ),
            5 => with(
                "content-type",
                "application/cloudevents+avro",
                Refused(415, "cloudevents+json"),
            ),
            6 => with(
                "idempotency-key",
                &"k".repeat(300),
                Refused(400, "idempotency-key has 300 bytes"),
            ),
            _ => with(
                "content-type",
                "image/png",
                Taken {
                    accepted: 1,
                    rejected: 0,
                },
            ),
        }
    }

    /// What has no events that can be told apart.
    fn not_told_apart(&mut self) -> Case {
        let (one, other) = (self.event(), self.event());
        let pretty = one.replacen('{', "{\n", 1);
        let several = Refused(400, "several values that are not one a line");
        let (body, expected) = match self.below(8) {
            0 => (String::new(), Refused(400, "it is empty")),
            1 => (" \r\n\t\n".to_owned(), Refused(400, "it is empty")),
            2 => (format!("[{one}, {other}"), Refused(400, "does not end")),
            3 => (
                format!("[{one}] [{other}]"),
                Refused(400, "more after the array"),
            ),
            4 => (format!("{one}{other}"), several),
            5 => (format!("{pretty}\n{pretty}"), several),
            6 => (format!("[{one}}}"), Refused(400, "do not match")),
            _ => (
                format!("{{\"of\": [\n{one},\n{other}\n"),
                Refused(400, "either one value or a value a line"),
            ),
        };
        plain("not told apart", body.into_bytes(), expected)
    }

    fn without_key(&mut self) -> Case {
        let shown = [
            "Bearer open",
            "Bearer ",
            "Basic b3BlbjpzZXNhbWU=",
            "open-sesame",
        ][self.below(4)];
        Case {
            what: "without key",
            headers: vec![("authorization", shown.to_owned())],
            body: self.event().into_bytes(),
            expected: Refused(401, "takes events only from those it knows"),
        }
    }
}

fn plain(what: &'static str, body: Vec<u8>, expected: Expected) -> Case {
    Case {
        what,
        headers: Vec::new(),
        body,
        expected,
    }
}

fn ndjson(what: &'static str, body: Vec<u8>, expected: Expected) -> Case {
    Case {
        what,
        headers: vec![("content-type", "application/x-ndjson".to_owned())],
        body,
        expected,
    }
}

/// What a naive reader makes of lines.
fn of_lines(body: &[u8]) -> Expected {
    if body.trim_ascii().is_empty() {
        return Refused(400, "it is empty");
    }
    if matches!(
        body,
        [0, 1..=255, ..] | [1..=255, 0, ..] | [0xff, 0xfe, ..] | [0xfe, 0xff, ..]
    ) {
        return Refused(400, "UTF-16");
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let is_blank = |byte: &u8| b" \t\r".contains(byte);
    let lines = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.iter().all(is_blank));
    let is_event = |line: &&[u8]| {
        let text = std::str::from_utf8(line)
            .unwrap_or("")
            .trim_matches([' ', '\t', '\r']);
        text.starts_with('{') && serde_json::from_str::<Event<Payload>>(text).is_ok()
    };
    let accepted = lines.clone().filter(is_event).count();
    let rejected = lines.count() - accepted;
    Taken { accepted, rejected }
}
