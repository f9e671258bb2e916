//! Events pushed in are taken, and what is not taken is told.

use std::io::{Read, Write};
use std::net::TcpStream;

use millstream_engine::{millis, seconds};
use serde_json::json;

use crate::made_up::{Served, Tested};

const PATH: &str = "/v1/sources/page_views";

#[test]
fn what_became_of_each_event_is_told() -> Tested {
    let served = Served::start()?;
    let answer = served.post(PATH, "one\nbad\ntwo", &[])?;
    assert_eq!(answer.status, 202);
    let errors = json!([{"index": 1, "error": "it is bad"}]);
    assert_eq!(
        answer.json(),
        json!({"accepted": 2, "duplicates": 0, "rejected": 1, "errors": errors})
    );

    let all_bad = served.post(PATH, "bad", &[])?;
    assert_eq!(
        (all_bad.status, &all_bad.json()["accepted"]),
        (202, &json!(0))
    );
    Ok(())
}

#[test]
fn the_answer_may_come_later_and_from_anywhere() -> Tested {
    let served = Served::start()?;
    let later = served.post(PATH, "later", &[])?;
    assert_eq!(later.status, 202);
    assert_eq!(
        later.json(),
        json!({"accepted": 3, "duplicates": 2, "rejected": 0, "token": "t-9", "errors": []})
    );
    served
        .post(PATH, "forget", &[])?
        .is_problem(500, "gave the events up without an answer");
    Ok(())
}

#[test]
fn refusals_have_a_status_each() -> Tested {
    let served = Served::start()?;
    let full = served.post(PATH, "full", &[])?;
    full.is_problem(429, "try again in 7 s");
    assert_eq!(full.header("retry-after"), "7");
    let stopping = served.post(PATH, "stopping", &[])?;
    stopping.is_problem(503, "the pipeline is stopping");
    assert_eq!(stopping.header("retry-after"), "5");
    let broken = served.post(PATH, "broken", &[])?;
    broken.is_problem(503, "the disk is full");
    assert_eq!(broken.header("retry-after"), "");
    let unreadable = served.post(PATH, "unreadable", &[("content-type", "text/x-odd")])?;
    unreadable.is_problem(400, "text/x-odd");
    served
        .post(PATH, "unsupported", &[("content-encoding", "br")])?
        .is_problem(415, "encoded as Some(\"br\")");
    served.post(PATH, "panic", &[])?.is_problem(500, "panic");
    served
        .post("/v1/sources/clicks", "{}", &[])?
        .is_problem(404, "there are page_views");
    assert_eq!(served.get("/healthz")?.status, 200);
    Ok(())
}

#[test]
fn who_is_not_admitted_is_told_how_before_the_body_is_read() -> Tested {
    let served = Served::start()?;
    let mut stream = TcpStream::connect(served.address())?;
    // It has a length, and there is nothing of it yet.
    write!(
        stream,
        "POST {PATH} HTTP/1.1\r\nhost: x\r\nx-closed: 1\r\ncontent-length: 5\r\n\r\n"
    )?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    assert_eq!(&answer, b"HTTP/1.1 401");
    let closed = served.post(PATH, "one", &[("x-closed", "1")])?;
    closed.is_problem(401, "the request has no key");
    assert_eq!(
        closed.header("www-authenticate"),
        "Bearer realm=\"millstream\""
    );
    Ok(())
}

#[test]
fn all_headers_are_passed_on_as_text() -> Tested {
    let served = Served::start()?;
    let headers = [("Ce-Subject", "Euro%20"), ("idempotency-key", "k")];
    let answer = served.post(PATH, "headers", &headers)?.text();
    for header in [
        "ce-subject: Euro%20",
        "idempotency-key: k",
        "content-length: 7",
    ] {
        assert!(answer.contains(header), "{answer}");
    }
    let head = |value: &[u8]| {
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 7\r\nce-id: "
        );
        [head.as_bytes(), value, b"\r\n\r\nheaders"].concat()
    };
    let send = |value: &[u8]| -> Result<String, std::io::Error> {
        let mut stream = TcpStream::connect(served.address())?;
        stream.write_all(&head(value))?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let utf_8 = send("é".as_bytes())?;
    assert!(
        utf_8.starts_with("HTTP/1.1 202") && utf_8.contains("ce-id: é"),
        "{utf_8}"
    );
    let latin_1 = send(b"\xe9")?;
    assert!(latin_1.starts_with("HTTP/1.1 400"), "{latin_1}");
    assert!(
        latin_1.contains("the value of the header ce-id is no text"),
        "{latin_1}"
    );
    Ok(())
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() -> Tested {
    let served = Served::start_with(|service| service.body_within(millis(50)))?;
    let mut stream = TcpStream::connect(served.address())?;
    write!(
        stream,
        "POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\non"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(
        answer.contains("\"detail\":\"the body was not all there after 0.05 s"),
        "{answer}"
    );
    assert_eq!(served.post(PATH, "one", &[])?.status, 202);
    Ok(())
}

#[test]
fn all_bodies_together_have_a_bound() -> Tested {
    let served =
        Served::start_with(|service| service.bodies_bytes_max(64).body_within(seconds(5)))?;
    let mut first = TcpStream::connect(served.address())?;
    let body = "x".repeat(40);
    write!(
        first,
        "POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 41\r\n\r\n{body}"
    )?;
    // Sooner or later the server has seen these, and has no room for as many again.
    let crowded = loop {
        let second = served.post(PATH, &body, &[])?;
        if second.status != 202 {
            break second;
        }
    };
    crowded.is_problem(429, "all the 64 bytes of bodies");
    assert_eq!(crowded.header("retry-after"), "2");
    assert_eq!(
        served.post(PATH, &body[..24], &[])?.status,
        202,
        "there is room for this"
    );

    first.write_all(b"x")?;
    let mut answer = [0; 12];
    first.read_exact(&mut answer)?;
    assert_eq!(&answer, b"HTTP/1.1 202");
    for _ in 0..10 {
        assert_eq!(
            served.post(PATH, &body, &[])?.status,
            202,
            "it was given back"
        );
    }
    let small = Served::start_with(|service| service.bodies_bytes_max(30))?;
    small
        .post(PATH, &body, &[])?
        .is_problem(413, "more than the 30");
    Ok(())
}

#[test]
fn no_more_is_read_than_the_source_takes() -> Tested {
    let served = Served::start()?;
    assert_eq!(served.post(PATH, &"x".repeat(64), &[])?.status, 202);
    served
        .post(PATH, &"x".repeat(65), &[])?
        .is_problem(413, "more than the 64");

    // Without a length, it is found out on the way: before the body has ended.
    let mut stream = TcpStream::connect(served.address())?;
    write!(
        stream,
        "POST {PATH} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    )?;
    write!(stream, "50\r\n{}\r\n", "x".repeat(80))?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    assert_eq!(&answer, b"HTTP/1.1 413");
    Ok(())
}

#[test]
fn who_is_refused_while_sending_still_hears_why() -> Tested {
    let served = Served::start()?;
    let body = "x".repeat(4 << 20);
    served
        .post(PATH, &body, &[])?
        .is_problem(413, "4194304 bytes");
    served
        .post("/v1/sources/clicks", &body, &[])?
        .is_problem(404, "there are page_views");
    Ok(())
}
