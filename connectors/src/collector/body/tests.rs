//! Every kind of body, cut into its events.

use std::time::{Duration, Instant};

use super::*;
use crate::testing::Random;

fn check(kind: Kind, body: &[u8], expected: Result<&[&str], &str>) {
    let shown = String::from_utf8_lossy(body);
    match (split(kind, body, 10), expected) {
        (Ok(events), Ok(expected)) => {
            let events: Vec<_> = events
                .into_iter()
                .map(|event| String::from_utf8_lossy(&body[event]))
                .collect();
            assert_eq!(events, expected, "{shown} as {kind:?}");
        }
        (Err(reason), Err(words)) => assert!(reason.contains(words), "{shown}: {reason}"),
        (split, expected) => panic!("{shown} as {kind:?}: {split:?}, expected {expected:?}"),
    }
}

fn json(body: &str, expected: Result<&[&str], &str>) {
    check(Kind::Json, body.as_bytes(), expected);
}

#[test]
fn one_value() {
    for one in [
        "{\"a\":\n1}",
        "{\"a\":",
        "oops",
        "1 2",
        "{\"a\":1} oops",
        "{\"a\":1},{\"a\":2}",
        "{\n  \"a\": nil,\n  \"b\": 1\n}",
        "{\n  \"a\": 1,\n  \"b\": 1",
        "{\"items\": [\n{\"b\":1},\n{\"b\":2}\n], \"c\": nil}",
        "{\n\"a\": \"no end,\n\"b\": 1\n}",
        "{\n\"a\": 1\n}}",
        "some text\nof two lines",
    ] {
        json(one, Ok(&[one]));
        json(&format!(" \r\n{one}\n\t"), Ok(&[one]));
    }
}

#[test]
fn an_array() {
    json("[]", Ok(&[]));
    json("[ \n]", Ok(&[]));
    json(
        " [1, {\"a\":[2,3]} ,\"],\\\",\"]\n",
        Ok(&["1", "{\"a\":[2,3]}", "\"],\\\",\""]),
    );
    json("[1,{\"a\":},oops,]", Ok(&["1", "{\"a\":}", "oops", ""]));
    json("[{\"a\":1}{\"a\":2}, 3]", Ok(&["{\"a\":1}{\"a\":2}", "3"]));
    for endless in ["[", "[1,2", "[1,\"2]", "[{\"a\":1]", "[\"\\"] {
        json(endless, Err("the array in it does not end"));
    }
    json("[1}", Err("do not match, at byte 3"));
    json("[1]\n[2]", Err("more after the array, at byte 4"));
    check(
        Kind::Json,
        b"[1,\xff\xfe,3]",
        Ok(&["1", "\u{fffd}\u{fffd}", "3"]),
    );
}

#[test]
fn a_value_a_line() {
    json(
        "{\"a\":1}\r\n\n{\"a\":2}\n",
        Ok(&["{\"a\":1}", "{\"a\":2}"]),
    );
    json("1\n2", Ok(&["1", "2"]));
    json("oops\n{\"a\":2}", Ok(&["oops", "{\"a\":2}"]));
    json("{\"a\":\n{\"a\":2}", Ok(&["{\"a\":", "{\"a\":2}"]));
    json("{\"a\":1}\n{\"a\":", Ok(&["{\"a\":1}", "{\"a\":"]));
    json("{\"a\":1}\n{\"a\":2}}", Ok(&["{\"a\":1}", "{\"a\":2}}"]));
    json(
        "{\"a\":1}\n{\"a\":2}{\"a\":3}",
        Ok(&["{\"a\":1}", "{\"a\":2}{\"a\":3}"]),
    );
    json("{\"a\":1}\n[1,2]", Ok(&["{\"a\":1}", "[1,2]"]));
    check(
        Kind::Json,
        b"{\"a\":1}\n{\"a\":\"\xff\"}\n{}",
        Ok(&["{\"a\":1}", "{\"a\":\"\u{fffd}\"}", "{}"]),
    );
    check(
        Kind::Lines,
        b"[1]\n\n \t{\"a\":\n1}",
        Ok(&["[1]", "{\"a\":", "1}"]),
    );
    check(Kind::Lines, b"1", Ok(&["1"]));
    check(
        Kind::Lines,
        b"{\"a\":1}{\"a\":2}",
        Ok(&["{\"a\":1}{\"a\":2}"]),
    );
}

#[test]
fn what_could_be_either_is_refused() {
    for several in [
        "{\"a\":1}{\"a\":2}",
        "{\"a\":1} {\"a\":2}",
        "{\"a\":1} 5",
        "{\n\"a\":1\n}\n{\n\"a\":2\n}",
        "{\n\"a\":1\n}{\"a\":2}",
        "{\"a\":1}\n{\n\"a\":2\n}",
    ] {
        json(several, Err("several values that are not one a line"));
    }
    json(
        "{\"items\": [\n  {\"b\":1},\n  {\"b\":2}\n",
        Err("broken in line 1: if it is a value a line, send it as application/x-ndjson"),
    );
}

#[test]
fn cloud_events() {
    check(Kind::CloudEvent, b" {\"id\":\n1} ", Ok(&["{\"id\":\n1}"]));
    check(Kind::CloudEvent, b"oops", Ok(&["oops"]));
    check(Kind::CloudEvent, b"[{}]", Err("cloudevents-batch+json"));
    check(Kind::CloudEvent, b"{}\n{}", Err("cloudevents-batch+json"));
    check(Kind::CloudEvents, b"[{}, oops]", Ok(&["{}", "oops"]));
    check(Kind::CloudEvents, b"{}", Err("is an array of them"));
}

#[test]
fn no_more_events_than_are_taken_at_once() {
    let eleven = "1\n".repeat(11);
    for (kind, body) in [
        (Kind::Lines, eleven.clone()),
        (Kind::Json, eleven),
        (Kind::Json, format!("[{}]", ["1"; 11].join(","))),
    ] {
        check(kind, body.as_bytes(), Err("more than the 10 events"));
    }
    // Lines of one value are no events.
    let pretty = format!("{{\"a\":[{}]}}", ["1"; 50].join(",\n"));
    json(&pretty, Ok(&[&pretty]));
}

#[test]
fn text_is_told_from_what_is_none() {
    let of =
        |body: &'static [u8]| text(Bytes::from_static(body)).map_err(|error| error.to_string());
    assert_eq!(of(b"\xef\xbb\xbf{}").unwrap(), &b"{}"[..]);
    assert_eq!(of(b"1").unwrap(), &b"1"[..]);
    assert_eq!(
        of(b"\xff{}").unwrap(),
        &b"\xff{}"[..],
        "it is the event's affair"
    );
    for empty in [&b""[..], b" \r\n", b"\xef\xbb\xbf\n"] {
        assert!(of(empty).unwrap_err().contains("it is empty"));
    }
    for utf_16 in [
        &b"\xff\xfe{\0}\0"[..],
        b"\xfe\xff\0{\0}",
        b"{\0}\0",
        b"\0{\0}",
    ] {
        assert!(of(utf_16).unwrap_err().contains("UTF-16"), "{utf_16:?}");
    }
}

#[test]
fn deep_and_repeated_nesting_is_gone_through_once() {
    let n = 200_000;
    let began = Instant::now();
    for body in [
        "[".repeat(n),
        "{\"a\":".repeat(n),
        format!("{}{}", "[".repeat(n), "]".repeat(n)),
        format!("{}1{}", "{\"a\":".repeat(n), "}".repeat(n)),
        "{\"a\":\n".repeat(n),
        format!("{{}}\n{}", "{\"a\":[\n".repeat(n)),
        "{\"a\":\"\n".repeat(n),
        "{}\n}\n".repeat(n / 8),
    ] {
        for kind in [Kind::Json, Kind::CloudEvent, Kind::CloudEvents] {
            let _ = split(kind, body.as_bytes(), usize::MAX);
        }
    }
    // Going through it once for each of its lines would take minutes.
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn valid_bodies_are_split_as_a_parser_would() {
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let values: Vec<_> = (0..random.below(6))
            .map(|_| random_value(&mut random, 3))
            .collect();
        let lines: String = values.iter().map(|value| format!("{value}\n")).collect();
        for (kind, body) in [
            (Kind::Json, serde_json::to_string_pretty(&values).unwrap()),
            (Kind::Json, serde_json::to_string(&values).unwrap()),
            (Kind::Lines, lines),
        ] {
            let events = split(kind, body.as_bytes(), 10).unwrap();
            let parsed: Vec<serde_json::Value> = events
                .into_iter()
                .map(|event| serde_json::from_str(&body[event]).unwrap())
                .collect();
            assert_eq!(parsed, values, "seed {seed}");
        }
    }
}

#[test]
fn valid_values_are_guessed_right() {
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let values: Vec<_> = (0..1 + random.below(5))
            .map(|_| serde_json::json!({ "a": random_value(&mut random, 3) }))
            .collect();
        let lines: String = values.iter().map(|value| format!("{value}\n")).collect();
        assert_eq!(
            split(Kind::Json, lines.as_bytes(), 10).unwrap().len(),
            values.len(),
            "seed {seed}: {lines}"
        );
        let pretty = serde_json::to_string_pretty(&values[0]).unwrap();
        let [event] = &split(Kind::Json, pretty.as_bytes(), 10).unwrap()[..] else {
            panic!("seed {seed}: not one event: {pretty}");
        };
        assert_eq!(event, &(0..pretty.len()));
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
