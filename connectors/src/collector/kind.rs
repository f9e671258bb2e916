//! Kinds: what a body is, as far as its headers say.
//!
//! | headers | kind |
//! |---|---|
//! | `content-type: application/cloudevents+json` | one CloudEvent |
//! | `content-type: application/cloudevents-batch+json` | an array of them |
//! | `ce-specversion`, `ce-id`, `ce-source`, `ce-type` | one CloudEvent: its attributes in the headers, its data in the body |
//! | `content-type: application/x-ndjson`, or one of its other names | a value a line |
//! | any other, or none | JSON: one value, an array, or a value a line |
//!
//! What clients say of JSON cannot be relied on (the best known of them calls every body a form), so there it is the body
//! that tells.

use millstream_engine::Headers;

use super::body_error::BodyError;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One value, an array of values, or a value a line.
    Json,
    /// A value a line.
    Lines,
    /// One CloudEvent.
    CloudEvent,
    /// An array of CloudEvents.
    CloudEvents,
    /// The data of one CloudEvent.
    CloudEventInHeaders,
}

/// The names under which a value a line is known.
const LINES: [&str; 5] = [
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
    "application/jsonlines",
];

const CLOUD_EVENT: &str = "application/cloudevents+json";
const CLOUD_EVENTS: &str = "application/cloudevents-batch+json";

impl Kind {
    /// The kind of the body that comes with `headers`.
    ///
    /// # Errors
    /// If it is of a kind that nobody here can read.
    pub(super) fn of(headers: &Headers) -> Result<Self, BodyError> {
        let content_type = headers.get("content-type").unwrap_or("");
        let essence = essence(content_type);
        // A structured CloudEvent may repeat its attributes in headers; the body counts.
        if essence.starts_with("application/cloudevents") {
            return match essence.as_str() {
                CLOUD_EVENT => Ok(Kind::CloudEvent),
                CLOUD_EVENTS => Ok(Kind::CloudEvents),
                other => Err(BodyError::Unsupported(format!(
                    "CloudEvents as {other:?}: send {CLOUD_EVENT} or {CLOUD_EVENTS}"
                ))),
            };
        }
        let in_headers = ["ce-specversion", "ce-id", "ce-source", "ce-type"];
        if in_headers.iter().any(|name| headers.get(name).is_some()) {
            return Ok(Kind::CloudEventInHeaders);
        }
        if content_type.to_ascii_lowercase().contains("charset=utf-16") {
            return Err(BodyError::Unreadable(
                "it is UTF-16, by its content type: send UTF-8".to_owned(),
            ));
        }
        let is_lines = LINES.contains(&essence.as_str());
        Ok(if is_lines { Kind::Lines } else { Kind::Json })
    }
}

/// The type itself, in lower case and without parameters.
pub(super) fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or("");
    essence.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&str, &str)], expected: Result<Kind, &str>) {
        let of = Kind::of(&headers.iter().copied().collect());
        match (of, expected) {
            (Ok(kind), Ok(expected)) => assert_eq!(kind, expected, "{headers:?}"),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
            (of, expected) => panic!("{headers:?}: {of:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn headers_tell() {
        check(&[], Ok(Kind::Json));
        for json in [
            "application/json",
            "text/plain",
            "application/x-www-form-urlencoded",
            ";",
        ] {
            check(&[("content-type", json)], Ok(Kind::Json));
        }
        for lines in ["Application/X-NDJSON; charset=utf-8", "application/jsonl"] {
            check(&[("content-type", lines)], Ok(Kind::Lines));
        }
        let cloud = ("content-type", "application/cloudevents+json");
        check(&[cloud], Ok(Kind::CloudEvent));
        check(&[cloud, ("ce-id", "1")], Ok(Kind::CloudEvent));
        check(
            &[(
                "content-type",
                "application/cloudevents-batch+json;charset=UTF-8",
            )],
            Ok(Kind::CloudEvents),
        );
        check(&[("ce-id", "1")], Ok(Kind::CloudEventInHeaders));
        check(
            &[
                ("ce-specversion", "1.0"),
                ("content-type", "application/x-ndjson"),
            ],
            Ok(Kind::CloudEventInHeaders),
        );
        check(
            &[("content-type", "application/cloudevents+avro")],
            Err("\"application/cloudevents+avro\": send application/cloudevents+json or"),
        );
        check(
            &[("content-type", "application/json; charset=UTF-16LE")],
            Err("UTF-16"),
        );
    }
}
