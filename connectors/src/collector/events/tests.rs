//! What becomes of the events of a body, one by one.

use std::io::Write;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::*;
use crate::Event;
use crate::format::Json;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Hit {
    url: String,
}

const NOW: EventTime = EventTime::from_micros(0);

fn limits() -> Limits {
    Limits {
        decoded_bytes: 100_000,
        body_events: 20,
        event_bytes: 200,
        ..Limits::default()
    }
}

fn read_with(
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
) -> Result<Vec<Arrived>, BodyError> {
    let offer = Offer {
        headers: headers.iter().copied().collect(),
        body: body.into(),
    };
    read(offer, &mut Json::<Event<Hit>>::new(), &limits(), NOW)
}

fn event(id: &str, url: &str) -> String {
    format!(r#"{{"eventId":"{id}","timestamp":"2025-01-15T10:30:00Z","data":{{"url":"{url}"}}}}"#)
}

/// The ids as text, `␟` between their parts, `!` for what they say of the bytes of an event that was refused.
fn ids(arrived: &[Arrived]) -> Vec<String> {
    let text = |arrived: &Arrived| {
        let text = String::from_utf8_lossy(&arrived.id).replace('\x1f', "␟");
        match text.split_once("␟refused ") {
            Some((text, _)) => format!("{text}!"),
            None => text,
        }
    };
    arrived.iter().map(text).collect()
}

/// The reason why the only event was refused, and its bytes.
fn refused(arrived: Vec<Arrived>) -> (String, Bytes) {
    let [arrived] = <[Arrived; 1]>::try_from(arrived).unwrap();
    let refused = arrived.what.unwrap_err();
    (refused.reason, refused.raw)
}

#[test]
fn each_event_is_kept_or_refused_by_itself() {
    let body = format!(
        "{}\n{{\"eventId\":\"bad\"}}\n[{}]\n{{\"eventId\":\"b\\u00e9\",\"timestamp\":\"2025-01-15T10:30:00Z\",\"data\":{{\"url\":\"\u{e9}\"}}}}\n",
        event("a", "/"),
        event("c", "/")
    );
    let mut bytes = body.clone().into_bytes();
    bytes.extend_from_slice(b"{\"eventId\":\"x\",\"url\":\"\xff\"}\noops");
    let arrived = read_with(&[], bytes).unwrap();
    assert_eq!(ids(&arrived), ["a", "bad!", "", "bé", "x!", ""]);
    let reasons: Vec<_> = arrived
        .iter()
        .map(|arrived| match &arrived.what {
            Ok(kept) => String::from_utf8_lossy(kept).into_owned(),
            Err(refused) => refused.reason.clone(),
        })
        .collect();
    assert_eq!(reasons[0], event("a", "/"));
    assert!(
        reasons[1].contains("missing field `timestamp`"),
        "{}",
        reasons[1]
    );
    assert!(
        reasons[2].starts_with("found an array at column 1, expected an object"),
        "{}",
        reasons[2]
    );
    assert!(reasons[3].contains("\"url\":\"é\""), "{}", reasons[3]);
    assert!(
        reasons[4].starts_with("not UTF-8 at column 23"),
        "{}",
        reasons[4]
    );
    assert!(
        reasons[5].starts_with("not JSON at column 1"),
        "{}",
        reasons[5]
    );
}

#[test]
fn an_event_is_named_by_its_id_or_by_its_place() {
    let body = format!("[{}, {{\"timestamp\":1}}, 7]", event("a", "/"));
    let arrived = read_with(&[("Idempotency-Key", " k1 ")], body.clone()).unwrap();
    assert_eq!(ids(&arrived), ["a", "k1␟1!", "k1␟2!"]);
    assert_eq!(ids(&read_with(&[], body.clone()).unwrap()), ["a", "", ""]);
    assert_eq!(
        ids(&read_with(&[("idempotency-key", "")], body).unwrap()),
        ["a", "", ""]
    );
    let long = "k".repeat(257);
    let error = read_with(&[("idempotency-key", &long)], "1").unwrap_err();
    assert!(error.to_string().contains("257 bytes"), "{error}");
}

#[test]
fn an_event_that_was_put_right_is_not_the_one_that_was_refused() {
    let id = |body: &str| read_with(&[], body).unwrap().remove(0).id;
    let bad = r#"{"eventId":"a","data":{}}"#;
    assert_eq!(id(bad), id(bad), "a body that is sent again");
    assert_ne!(id(bad), id(&event("a", "/")));
    assert_ne!(id(bad), id(r#"{"eventId":"a","data":[]}"#));
}

#[test]
fn of_an_event_that_is_too_long_the_beginning_is_kept() {
    let long = event("long", &"x".repeat(70_000));
    let (reason, raw) = refused(read_with(&[], long.clone()).unwrap());
    let n = long.len();
    assert_eq!(
        reason,
        format!("the event has {n} bytes, more than the 200 allowed")
    );
    assert_eq!(raw, long.as_bytes()[..65_536]);
    let arrived = read_with(&[], long).unwrap();
    assert_eq!(ids(&arrived), ["long!"]);

    let exactly = event("e", &"x".repeat(200 - event("e", "").len()));
    assert!(read_with(&[], exactly.clone()).unwrap()[0].what.is_ok());
    let one_more = exactly.replace("\"e\"", "\"ee\"");
    assert!(read_with(&[], one_more).unwrap()[0].what.is_err());
}

#[test]
fn a_long_quotation_in_a_reason_is_cut() {
    let limits = Limits {
        event_bytes: 1_000_000,
        ..limits()
    };
    let offer = Offer {
        body: format!("\"{}\"", "é".repeat(40_000)).into_bytes(),
        ..Offer::default()
    };
    let (reason, _) = refused(read(offer, &mut Json::<u64>::new(), &limits, NOW).unwrap());
    assert!(reason.len() < 1_100 && reason.ends_with("é…"), "{reason}");
}

#[test]
fn an_event_over_several_lines_is_kept_in_one() {
    let pretty = "{\n \"timestamp\": \"2025-01-15T10:30:00Z\",\r\n \"data\": {\"url\": \"a\\nb\"}}";
    let arrived = read_with(&[], pretty).unwrap();
    let kept = arrived[0].what.as_ref().unwrap();
    assert_eq!(kept, &pretty.replace(['\n', '\r'], " ").as_bytes());
}

/// Lines of a text that is no JSON.
#[derive(Clone)]
struct Raw;

impl Decode for Raw {
    type Item = String;

    fn decode(&mut self, record: &[u8]) -> Result<String, crate::DecodeError> {
        Ok(String::from_utf8_lossy(record).into_owned())
    }
}

#[test]
fn an_event_that_is_no_json_is_kept_as_it_is() {
    let body = "some text\nof two lines";
    let offer = Offer {
        body: body.into(),
        ..Offer::default()
    };
    let arrived = read(offer, &mut Raw, &limits(), NOW).unwrap();
    assert_eq!(arrived[0].what.as_ref().unwrap(), body.as_bytes());
    assert!(arrived[0].id.is_empty(), "a format need not know of names");
}

#[test]
fn what_cannot_be_told_apart_is_refused_as_a_whole() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&[b' '; 100_001]).unwrap();
    let bomb = gzip.finish().unwrap();
    for (headers, body, words) in [
        (&[][..], b"".to_vec(), "it is empty"),
        (&[], b"[1,2".to_vec(), "does not end"),
        (
            &[],
            "1\n".repeat(21).into_bytes(),
            "more than the 20 events",
        ),
        (
            &[],
            vec![b' '; (16 << 20) + 1],
            "has 16777217 bytes, more than the 16777216",
        ),
        (
            &[("content-encoding", "br")],
            b"1".to_vec(),
            "encoded as \"br\"",
        ),
        (
            &[("content-encoding", "gzip")],
            b"1".to_vec(),
            "it is not \"gzip\"",
        ),
        (
            &[("content-encoding", "gzip")],
            bomb,
            "more than the 100000",
        ),
    ] {
        let error = read_with(headers, body).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

const BATCH: (&str, &str) = ("content-type", "application/cloudevents-batch+json");

#[test]
fn a_batch_of_cloud_events_loses_only_those_that_are_none() {
    let good = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"url":"/"}}"#;
    let body = format!(
        r#"[{good}, {{"id":"2","source":"/s"}}, 5, {}, {}]"#,
        good.replace("\"1\"", "\"3\"").replace("url", "uri"),
        good.replace("\"/\"", &format!("\"{}\"", "x".repeat(300)))
    );
    let key = ("idempotency-key", "k");
    let arrived = read_with(&[BATCH, key], body).unwrap();
    // What is too long is not looked into.
    assert_eq!(ids(&arrived), ["/s␟1", "/s␟2!", "k␟2!", "/s␟3!", "k␟4!"]);
    assert_eq!(
        arrived[0].what.as_ref().unwrap(),
        &br#"{"eventId":"1","eventType":"t","timestamp":"1970-01-01T00:00:00Z","data":{"url":"/"},"metadata":{"source":"/s"}}"#[..]
    );
    let reason = |i: usize| &arrived[i].what.as_ref().unwrap_err().reason;
    let raw = |i: usize| &arrived[i].what.as_ref().unwrap_err().raw;
    assert!(reason(1).contains("no \"specversion\""), "{}", reason(1));
    assert_eq!(raw(1), &br#"{"id":"2","source":"/s"}"#[..]);
    assert!(
        reason(2).contains("invalid type: integer `5`"),
        "{}",
        reason(2)
    );
    assert!(reason(3).contains("missing field `url`"), "{}", reason(3));
    assert!(
        raw(3).starts_with(b"{\"eventId\":\"3\""),
        "what was decoded: {:?}",
        raw(3)
    );
    assert!(reason(4).contains("more than the 200"), "{}", reason(4));
}

#[test]
fn an_envelope_that_is_too_long_is_refused() {
    let name = "n".repeat(90);
    let body = format!(
        r#"{{"specversion":"1.0","id":"1","source":"/s","type":"{name}","data":{{"url":"/"}}}}"#
    );
    assert!(body.len() <= 200);
    let (reason, raw) =
        refused(read_with(&[("content-type", "application/cloudevents+json")], body).unwrap());
    assert!(reason.contains("more than the 200"), "{reason}");
    assert!(raw.starts_with(b"{\"eventId\""));
}

#[test]
fn a_cloud_event_in_headers_keeps_them_if_it_is_none() {
    let headers = [
        ("ce-specversion", "0.3"),
        ("ce-id", "1"),
        ("ce-source", "/s"),
    ];
    let arrived = read_with(&headers, "{}").unwrap();
    assert_eq!(ids(&arrived), ["/s␟1!"]);
    let (reason, raw) = refused(arrived);
    assert!(reason.contains("specversion \"0.3\": only 1.0"), "{reason}");
    assert_eq!(
        raw,
        &br#"{"id":"1","source":"/s","specversion":"0.3","data":"{}"}"#[..]
    );
    let raw: &RawValue = serde_json::from_slice(&raw).unwrap();
    assert!(raw.get().contains("specversion"));

    let headers = [("ce-id", "%ff"), ("content-type", "image/png")];
    let (reason, raw) = refused(read_with(&headers, "\u{1}").unwrap());
    assert!(reason.contains("\"ce-id\""), "{reason}");
    assert_eq!(raw, "\u{1}");
}

#[test]
fn deep_nesting_costs_an_event_and_no_more() {
    let limits = Limits {
        event_bytes: 10_000_000,
        ..limits()
    };
    let deep = |open: &str, close: &str| {
        let open = format!("[{}1{}", open.repeat(100_000), close.repeat(100_000));
        format!("{open}, {}]", event("a", "/"))
    };
    for body in [deep("[", "]"), deep("{\"data\":", "}")] {
        for content_type in ["application/json", "application/cloudevents-batch+json"] {
            let offer = Offer {
                headers: [("content-type", content_type)].into_iter().collect(),
                body: body.clone().into_bytes(),
            };
            let arrived = read(
                offer,
                &mut Json::<Event<serde_json::Value>>::new(),
                &limits,
                NOW,
            )
            .unwrap();
            assert_eq!(arrived.len(), 2);
            assert!(arrived[0].what.is_err());
        }
    }
}
