//! Bodies that nobody would think of: whatever is sent, what comes of it is in order.
//!
//! Each body is made of a seed, which is printed if something is wrong with it: `MILLSTREAM_FUZZ_SEED` begins with that one.
//! `MILLSTREAM_FUZZ_SECONDS` says for how long to go on, 2 if it does not.

use std::env;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::*;
use crate::Event;
use crate::format::Json;
use crate::testing::Random;

const BODY_EVENTS: usize = 40;
const DECODED_BYTES: usize = 30_000;
const EVENT_BYTES: usize = 2_000;

fn limits() -> Limits {
    Limits {
        decoded_bytes: DECODED_BYTES,
        body_events: BODY_EVENTS,
        event_bytes: EVENT_BYTES,
        ..Limits::default()
    }
}

/// Says which seed it was, if the test ends with it.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("MILLSTREAM_FUZZ_SEED={}", self.0);
        }
    }
}

#[test]
fn whatever_is_sent_is_read_in_order() {
    let of_env = |name| env::var(name).ok().and_then(|text| text.parse().ok());
    let seconds = of_env("MILLSTREAM_FUZZ_SECONDS").unwrap_or(2);
    let first = of_env("MILLSTREAM_FUZZ_SEED");
    let first = first.unwrap_or_else(|| RandomState::new().build_hasher().finish() >> 1);
    println!("from MILLSTREAM_FUZZ_SEED={first} on, for {seconds} s");
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut n_events = [0; 2];
    for case in 0_u64.. {
        let seed = Seed(first.wrapping_add(case));
        let mut random = Random::new(seed.0);
        let offer = offer(&mut random);
        let n = match random.below(3) {
            0 => check(offer, &mut Json::<Event<u32>>::new()),
            1 => check(offer, &mut Json::<Event<Value>>::new()),
            _ => check(offer, &mut Json::<Value>::new()),
        };
        n_events = [n_events[0] + n[0], n_events[1] + n[1]];
        if Instant::now() > until {
            println!("{case} bodies: {n_events:?} events kept and refused");
            break;
        }
    }
    assert!(
        n_events.into_iter().all(|n| n > 0),
        "{n_events:?}: it tries nothing"
    );
}

/// Reads `offer`, and checks what comes of it; gives how many events were kept and refused.
fn check<F: Decode>(offer: Offer, format: &mut F) -> [usize; 2] {
    let is_named_by_itself = offer.headers.get("idempotency-key").is_none();
    let n_header_bytes: usize = offer.headers.iter().map(|(_, value)| value.len()).sum();
    let n_bytes = offer
        .body
        .len()
        .max(match offer.headers.get("content-encoding") {
            Some(_) => DECODED_BYTES,
            None => 0,
        });
    let arrived = match read(offer, format, &limits(), EventTime::from_micros(0)) {
        Ok(arrived) => arrived,
        Err(error) => {
            assert!(error.to_string().len() < 2_000, "{error}");
            return [0, 0];
        }
    };
    assert!(arrived.len() <= BODY_EVENTS);
    let mut n_out = 0;
    let mut lines = Vec::new();
    for Arrived { id, what } in &arrived {
        n_out += id.len();
        match what {
            Ok(kept) => {
                assert!(kept.len() <= EVENT_BYTES && !kept.contains(&b'\n'));
                assert!(format.decode(kept).is_ok(), "what is kept decodes");
                lines.extend_from_slice(kept);
                lines.push(b'\n');
            }
            Err(refused) => {
                let n = refused.reason.len();
                assert!(n > 0 && n <= REASON_BYTES_MAX + 3, "{}", refused.reason);
                n_out += refused.raw.len();
            }
        }
    }
    n_out += lines.len();
    // A character may take six times as many as an escape, and an envelope has some of its own.
    let n_out_max = 8 * (n_bytes + n_header_bytes) + arrived.len() * (200 + KEY_BYTES_MAX);
    assert!(
        n_out <= n_out_max,
        "{n_out} bytes of {n_bytes} and {n_header_bytes}"
    );

    let mut kept = arrived.iter().filter(|arrived| arrived.what.is_ok());
    let n_kept = kept.clone().count();
    if n_kept > 0 {
        let again = Offer {
            headers: [("content-type", "application/x-ndjson")]
                .into_iter()
                .collect(),
            body: lines,
        };
        let again = read(again, format, &limits(), EventTime::from_micros(1)).unwrap();
        assert_eq!(again.len(), n_kept);
        let is_same = |again: &Arrived| {
            let before = kept.next().unwrap();
            let is_plain = is_named_by_itself && !before.id.contains(&UNIT_SEPARATOR);
            again.what == before.what && (!is_plain || again.id == before.id)
        };
        assert!(
            again.iter().all(is_same),
            "what is kept is read as the same again"
        );
    }
    [n_kept, arrived.len() - n_kept]
}

fn offer(random: &mut Random) -> Offer {
    let mut headers = Vec::new();
    let mut body = match random.below(8) {
        0 => noise(random),
        _ => sensible(random, &mut headers),
    };
    for _ in 0..random.below(4) * random.below(2) {
        mutate(random, &mut body);
    }
    for _ in 0..random.below(3) * random.below(2) {
        let encoding = ["gzip", "zstd", "gzip", "zstd", "identity", "br"][random.below(6)];
        body = match encoding {
            "gzip" => gzip(&body),
            "zstd" => zstd::encode_all(&body[..], 1).unwrap(),
            _ => body,
        };
        headers.push(("content-encoding", encoding.to_owned()));
        if random.below(8) == 0 {
            mutate(random, &mut body);
        }
    }
    if random.below(6) == 0 {
        headers.push(("idempotency-key", "k".repeat(random.below(300))));
    }
    if random.below(10) == 0 {
        headers.push(("content-type", token(random).to_owned()));
    }
    Offer {
        headers: headers.into_iter().collect(),
        body,
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn noise(random: &mut Random) -> Vec<u8> {
    match random.below(3) {
        0 => (0..random.below(200))
            .map(|_| random.below(256) as u8)
            .collect(),
        1 => {
            let text: String = (0..random.below(60)).map(|_| token(random)).collect();
            text.into_bytes()
        }
        _ => token(random).repeat(random.below(9_000)).into_bytes(),
    }
}

/// A body that somebody might send, with what it takes for that.
fn sensible(random: &mut Random, headers: &mut Vec<(&'static str, String)>) -> Vec<u8> {
    let n = random.below(12) * random.below(5);
    match random.below(8) {
        0 => event(random).into_bytes(),
        1 => {
            let value: Value = serde_json::from_str(&event(random)).unwrap();
            serde_json::to_vec_pretty(&value).unwrap()
        }
        2 | 3 => {
            let events: Vec<_> = (0..n).map(|_| event(random)).collect();
            format!("[{}]", events.join(", ")).into_bytes()
        }
        4 | 5 => {
            if random.below(2) == 0 {
                headers.push(("content-type", "application/x-ndjson".to_owned()));
            }
            (0..n)
                .flat_map(|_| (event(random) + "\r\n").into_bytes())
                .collect()
        }
        6 => {
            let is_batch = random.below(2) == 0;
            let kind = ["cloudevents", "cloudevents-batch"][usize::from(is_batch)];
            headers.push(("content-type", format!("application/{kind}+json")));
            let events: Vec<_> = (0..n).map(|_| cloud_event(random)).collect();
            let batch = format!("[{}]", events.join(","));
            if is_batch { batch } else { cloud_event(random) }.into_bytes()
        }
        _ => {
            for name in [
                "ce-specversion",
                "ce-id",
                "ce-source",
                "ce-type",
                "ce-time",
                "ce-subject",
            ] {
                if random.below(12) > 0 {
                    let value = match name {
                        "ce-specversion" => "1.0",
                        "ce-time" => "2025-01-15T10:30:00Z",
                        _ => ["a%20b", "\"c\\\"\"", "%ff", "", "%"][random.below(40).min(4)],
                    };
                    headers.push((name, value.to_owned()));
                }
            }
            let kinds = ["application/json", "text/plain", "image/png"];
            headers.push(("content-type", kinds[random.below(3)].to_owned()));
            ["7", "text \u{1}", "{\"a\":\n[1]}", ""][random.below(4)].into()
        }
    }
}

fn event(random: &mut Random) -> String {
    let id = random.below(1_000);
    let data = ["7", "{\"url\":\"/é\"}", "[1,\"]\"]", "null", "\"\\u0000\""][random.below(5)];
    let more = match random.below(20) {
        0 => format!(",\"more\":\"{}\"", "x".repeat(random.below(4_000))),
        _ => String::new(),
    };
    format!(r#"{{"eventId":"e{id}","timestamp":"2025-01-15T10:30:00Z","data":{data}{more}}}"#)
}

fn cloud_event(random: &mut Random) -> String {
    let id = random.below(1_000);
    let data = [
        "\"data\":7",
        "\"data_base64\":\"/w==\"",
        "\"data\":{\"a\":[]}",
        "\"x\":1",
    ];
    let data = data[random.below(4)];
    format!(r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"t","subject":"u",{data}}}"#)
}

/// A piece of text that means something somewhere.
fn token(random: &mut Random) -> &'static str {
    const TOKENS: [&str; 32] = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        ",",
        ":",
        "\n",
        "\r\n",
        " ",
        "\\",
        "\\u0000",
        "\\ud800",
        "null",
        "true",
        "-",
        "1e999",
        "0.1",
        "\u{feff}",
        "\0",
        "é",
        "{\"a\":1}",
        "{\"eventId\":\"",
        "[[",
        "{\"a\":",
        "]]",
        "\"data\":",
        "\"timestamp\":\"2025-01-15T10:30:00Z\"",
        "%",
        "\u{1f}",
        "x",
        "application/cloudevents",
    ];
    TOKENS[random.below(TOKENS.len())]
}

fn mutate(random: &mut Random, body: &mut Vec<u8>) {
    if body.is_empty() {
        return;
    }
    let at = random.below(body.len());
    let to = at + random.below((body.len() - at).min(64)) + 1;
    match random.below(6) {
        0 => body[at] ^= 1 << random.below(8),
        1 => body.truncate(at),
        2 => drop(body.drain(at..to)),
        3 => {
            let copy = body[at..to].repeat(1 + random.below(3));
            body.splice(at..at, copy);
        }
        4 => drop(body.splice(at..at, token(random).bytes())),
        _ => body[at..to].fill(random.below(256) as u8),
    }
}
