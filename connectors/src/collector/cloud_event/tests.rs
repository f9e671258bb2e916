//! CloudEvents of both modes, and what they become.

use millstream_engine::EventTime;
use serde_json::{Value, json};

use super::*;
use crate::{Decode, Event, Json};

const NOW: EventTime = EventTime::from_millis(1_500);

fn structured(event: &Value) -> Result<Value, String> {
    let json = event.to_string();
    let envelope = CloudEvent::from_json(json.as_bytes()).and_then(|event| event.envelope(NOW));
    let envelope = envelope.map_err(|error| error.to_string())?;
    Ok(serde_json::from_slice(&envelope).unwrap())
}

fn minimal(more: &Value) -> Value {
    let mut event = json!({"specversion": "1.0", "id": "i", "source": "/s", "type": "t"});
    let members = more.as_object().unwrap().clone();
    event.as_object_mut().unwrap().extend(members);
    event
}

#[test]
fn every_attribute_has_its_place() {
    let event = json!({
        "specversion": "1.0", "id": "i1", "source": "/shop", "type": "com.shop.viewed",
        "time": "2025-01-15T11:30:00.123456789+01:00", "subject": "s1",
        "datacontenttype": "application/json", "dataschema": "https://shop.example/v1",
        "correlationid": "c", "sampled": true, "rank": 7, "nothing": null,
        "data": {"url": "/", "n": 1.50}
    });
    assert_eq!(
        structured(&event).unwrap(),
        json!({
            "eventId": "i1", "eventType": "com.shop.viewed",
            "timestamp": "2025-01-15T11:30:00.123456789+01:00", "aggregateId": "s1",
            "data": {"url": "/", "n": 1.50},
            "metadata": {
                "source": "/shop", "dataschema": "https://shop.example/v1",
                "datacontenttype": "application/json", "correlationid": "c", "sampled": true, "rank": 7
            }
        })
    );
    assert_eq!(
        structured(&minimal(&json!({}))).unwrap(),
        json!({
            "eventId": "i", "eventType": "t", "timestamp": "1970-01-01T00:00:01.5Z", "data": null,
            "metadata": {"source": "/s"}
        })
    );
}

#[test]
fn data_keeps_its_text() {
    let data = r#"{"b":1.50,  "a":"\u00e9","a":10000000000000000000000001}"#;
    let event =
        format!(r#"{{"specversion":"1.0","id":"i","source":"s","type":"t","data":{data}}}"#);
    let envelope = CloudEvent::from_json(event.as_bytes())
        .unwrap()
        .envelope(NOW)
        .unwrap();
    let envelope = String::from_utf8(envelope).unwrap();
    assert!(envelope.contains(data), "{envelope}");
}

#[test]
fn it_decodes_as_an_event() {
    let event = minimal(&json!({"data": 7, "subject": "a", "time": "2025-01-15T10:30:00Z"}));
    let envelope = structured(&event).unwrap().to_string();
    let event = Json::<Event<u32>>::new()
        .decode(envelope.as_bytes())
        .unwrap();
    assert_eq!((event.data, event.aggregate_id.as_deref()), (7, Some("a")));
    assert_eq!(event.event_id.as_deref(), Some("i"));
}

#[test]
fn bytes_become_what_they_are() {
    let check = |content_type: Option<&str>, bytes: &[u8], data: &Value, base64: Option<&str>| {
        let mut event = minimal(&json!({"data_base64": STANDARD.encode(bytes)}));
        event["datacontenttype"] = content_type.into();
        let of_json = structured(&event).unwrap();
        let headers = [
            ("ce-specversion", "1.0"),
            ("ce-id", "i"),
            ("ce-source", "/s"),
            ("ce-type", "t"),
        ];
        let content_type = content_type.map(|kind| ("content-type", kind));
        let headers = headers.into_iter().chain(content_type).collect();
        let event = CloudEvent::from_headers(&headers, bytes).unwrap();
        let of_headers: Value = serde_json::from_slice(&event.envelope(NOW).unwrap()).unwrap();
        assert_eq!(of_json, of_headers, "both ways say the same");
        assert_eq!(&of_json["data"], data);
        let kept = of_json["metadata"].get("data_base64");
        assert_eq!(kept.and_then(Value::as_str), base64);
    };
    let json = Some("application/json; charset=utf-8");
    check(json, br#"{"url":"/"}"#, &json!({"url": "/"}), None);
    check(Some("application/vnd.a+JSON"), b"[1]", &json!([1]), None);
    check(None, b" 12 ", &json!(12), None);
    check(None, b"twelve", &json!("twelve"), None);
    check(Some("text/plain"), b"12", &json!("12"), None);
    check(Some("text/xml"), "<é>\n".as_bytes(), &json!("<é>\n"), None);
    check(
        Some("image/png"),
        b"\x89PNG",
        &Value::Null,
        Some("iVBORw=="),
    );
    check(None, b"\xff", &Value::Null, Some("/w=="));
    check(json, b"", &Value::Null, None);
}

#[test]
fn headers_are_attributes() {
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1%2F2"),
        ("ce-source", "\"/a \\\"b\\\"\""),
        ("ce-type", "t"),
        ("ce-time", "2025-01-15T10:30:00Z"),
        ("ce-subject", "Euro%20%E2%82%AC"),
        ("ce-dataschema", "https://shop.example/v1"),
        ("ce-tenant", "acme"),
        ("ce-datacontenttype", "text/wrong"),
        ("content-type", "application/json"),
        ("user-agent", "curl"),
    ];
    let headers = headers.into_iter().collect();
    let event = CloudEvent::from_headers(&headers, b"[1]").unwrap();
    assert_eq!(event.id().unwrap(), b"/a \"b\"\x1f1/2");
    let envelope: Value = serde_json::from_slice(&event.envelope(NOW).unwrap()).unwrap();
    assert_eq!(
        envelope,
        json!({
            "eventId": "1/2", "eventType": "t", "timestamp": "2025-01-15T10:30:00Z",
            "aggregateId": "Euro €", "data": [1],
            "metadata": {
                "source": "/a \"b\"", "dataschema": "https://shop.example/v1", "tenant": "acme",
                "datacontenttype": "application/json"
            }
        })
    );
}

#[test]
fn what_is_wrong_is_told() {
    let check = |more: Value, words: &str| {
        let error = structured(&minimal(&more)).unwrap_err();
        assert!(error.contains(words), "{error}");
    };
    check(json!({"id": null}), "no \"id\"");
    check(
        json!({"source": ""}),
        "\"source\" of the CloudEvent must be a string",
    );
    check(
        json!({"type": 5}),
        "\"type\" of the CloudEvent must be a string",
    );
    check(json!({"subject": 5}), "\"subject\"");
    check(json!({"dataschema": {}}), "\"dataschema\"");
    check(json!({"datacontenttype": []}), "\"datacontenttype\"");
    check(
        json!({"specversion": "0.3"}),
        "specversion \"0.3\": only 1.0 is known",
    );
    check(json!({"specversion": null}), "no \"specversion\"");
    check(
        json!({"time": "noon"}),
        "\"time\" of the CloudEvent is no time: \"noon\"",
    );
    check(json!({"time": 5}), "\"time\"");
    check(
        json!({"data": 1, "data_base64": "MQ=="}),
        "may have one of them",
    );
    check(json!({"data_base64": "*"}), "is no base64");
    check(json!({"data_base64": 5}), "\"data_base64\"");
    check(
        json!({"datacontenttype": "application/json", "data_base64": "e30gMQ=="}),
        "not the JSON it is said to be, application/json: trailing characters",
    );
    let malformed = |json: &[u8], words: &str| {
        let error = CloudEvent::from_json(json).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    malformed(b"{\"id\":", "the CloudEvent is not JSON at column");
    malformed(b"{} {}", "found more after the first value");
    malformed(b"[]", "expected an object");
    malformed(b"{\"a\":\"\xff\"}", "the CloudEvent is not UTF-8");
    malformed(b"{\"a\":1,\"\\u0061\":2}", "it has \"a\" twice");
}

#[test]
fn the_pair_of_source_and_id_is_what_names_it() {
    let id = |event: &Value| {
        CloudEvent::from_json(event.to_string().as_bytes())
            .unwrap()
            .id()
    };
    assert_eq!(id(&minimal(&json!({}))).unwrap(), b"/s\x1fi");
    assert_eq!(id(&json!({"id": "i", "source": "/s"})).unwrap(), b"/s\x1fi");
    assert_eq!(id(&json!({"id": "i"})), None);
    assert_eq!(id(&json!({"id": 5, "source": "/s"})), None);
}
