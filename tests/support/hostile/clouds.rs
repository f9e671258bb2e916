//! CloudEvents of which some are none.

use serde_json::json;

use super::Expected::{Refused, Taken};
use super::{Case, Hostile};

impl Hostile {
    pub(super) fn cloud_events(&mut self) -> Case {
        let (n, mut accepted) = (1 + self.below(10), 0);
        let mut batch = Vec::new();
        for _ in 0..n {
            let mut event = json!({"specversion": "1.0", "id": self.name(), "source": "/s", "type": "t", "data": {"n": 1}});
            match self.below(8) {
                0 => event["specversion"] = "0.3".into(),
                1 => event["id"] = json!(7),
                2 => event["time"] = "noon".into(),
                3 => event["data_base64"] = "e30=".into(),
                4 => event["data"] = "text".into(),
                _ => accepted += 1,
            }
            batch.push(event.to_string());
        }
        let (kind, body, expected) = match self.below(6) {
            0 => (
                "cloudevents-batch",
                batch[0].clone(),
                Refused(400, "is an array of them"),
            ),
            1 => (
                "cloudevents",
                format!("[{}]", batch[0]),
                Refused(400, "cloudevents-batch+json"),
            ),
            _ => (
                "cloudevents-batch",
                format!("[{}]", batch.join(",")),
                Taken {
                    accepted,
                    rejected: n - accepted,
                },
            ),
        };
        Case {
            what: "cloud events",
            headers: vec![("content-type", format!("application/{kind}+json"))],
            body: body.into_bytes(),
            expected,
        }
    }

    pub(super) fn cloud_event_in_headers(&mut self) -> Case {
        let mut headers = vec![
            ("ce-specversion", "1.0".to_owned()),
            ("ce-id", self.name() + "%20"),
            ("ce-source", "/s".to_owned()),
            ("ce-type", "t".to_owned()),
        ];
        let (mut body, mut is_good) = (&b"{\"n\": 1}"[..], false);
        match self.below(7) {
            0 => drop(headers.remove(self.below(4))),
            1 => headers.push(("ce-subject", "%ff".to_owned())),
            2 => headers.push(("ce-time", "noon".to_owned())),
            3 => body = b"{\"n\": ",
            4 => body = b"\xff\xfe",
            5 => body = b"",
            _ => is_good = true,
        }
        headers.push(("content-type", "application/json".to_owned()));
        let (accepted, rejected) = (usize::from(is_good), usize::from(!is_good));
        Case {
            what: "cloud event in headers",
            headers,
            body: body.to_vec(),
            expected: Taken { accepted, rejected },
        }
    }
}
