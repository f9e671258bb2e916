//! Events pushed in are taken, and what is not taken is told.

use std::io::{Read, Write};
use std::net::TcpStream;

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
        json!({"accepted": 2, "rejected": 1, "errors": errors})
    );

    let all_bad = served.post(PATH, "bad", &[])?;
    assert_eq!(
        (all_bad.status, &all_bad.json()["accepted"]),
        (202, &json!(0))
    );
    Ok(())
}

#[test]
fn refusals_have_a_status_each() -> Tested {
    let served = Served::start()?;
    let full = served.post(PATH, "full", &[])?;
    full.is_problem(429, "try again in 7 s");
    assert_eq!(full.header("retry-after"), "7");
    served
        .post(PATH, "stopping", &[])?
        .is_problem(503, "the pipeline is stopping");
    let unreadable = served.post(PATH, "unreadable", &[("content-type", "text/x-odd")])?;
    unreadable.is_problem(400, "text/x-odd");
    served
        .post(PATH, "zipped", &[("content-encoding", "gzip")])?
        .is_problem(415, "gzip");
    served.post(PATH, "panic", &[])?.is_problem(500, "panic");
    served
        .post("/v1/sources/clicks", "{}", &[])?
        .is_problem(404, "there are page_views");
    assert_eq!(served.get("/healthz")?.status, 200);
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
