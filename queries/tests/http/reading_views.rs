//! Views are listed, and read in every format, filtered and in order.

use crate::made_up::{ROWS, Served, Tested, snapshot};

#[test]
fn views_are_listed() -> Tested {
    let served = Served::start()?;
    let listing = served.get("/v1/views")?.json();
    assert_eq!(listing["epoch"], "1.3");
    let pages = &listing["views"][0];
    assert_eq!(pages["name"], "pages");
    assert_eq!(pages["rows"], 5);
    assert_eq!(pages["watermark"], "1970-01-01T00:03:00Z");
    assert_eq!(
        pages["key"],
        serde_json::json!(["window_start", "window_end", "url"])
    );
    let column = serde_json::json!({"name": "views", "type": "int64", "nullable": false});
    assert_eq!(pages["columns"][3], column);
    let totals = &listing["views"][1];
    assert_eq!(
        (&totals["rows"], &totals["watermark"]),
        (&0.into(), &serde_json::Value::Null)
    );
    Ok(())
}

#[test]
fn rows_come_newest_window_first_then_by_key() -> Tested {
    let served = Served::start()?;
    let answer = served.get("/v1/views/pages")?;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/json")
    );
    assert_eq!(answer.header("millstream-epoch"), "1.3");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let expected = concat!(
        r#"{"epoch":"1.3","watermark":"1970-01-01T00:03:00Z","retained_from":null,"rows":["#,
        r#"{"window_start":"1970-01-01T00:03:00Z","window_end":"1970-01-01T00:04:00Z","#,
        r#""url":"/","views":7,"p95_ms":10.5,"final":false},"#,
        r#"{"window_start":"1970-01-01T00:03:00Z","window_end":"1970-01-01T00:04:00Z","#,
        r#""url":"/cart","views":"9007199254740993","p95_ms":null,"final":false},"#,
    );
    assert!(answer.text().starts_with(expected), "{}", answer.text());
    assert_eq!(answer.column("url"), ["/", "/cart", "/", r"/a,\b\", "/"]);
    assert!(answer.json()["next"].is_null());
    Ok(())
}

#[test]
fn filters_and_order_are_by_type() -> Tested {
    let served = Served::start()?;
    let check = |query: &str, expected: &[&str]| -> Tested {
        let answer = served.get(&format!("/v1/views/pages?{query}"))?;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        assert_eq!(answer.column("views"), expected, "{query}");
        Ok(())
    };
    check("url=/&order=views", &["3", "5", "7"])?;
    check("url=%2Fcart", &["9007199254740993"])?;
    check("views.gte=5&views.lt=8&order=-views,-url", &["7", "5", "5"])?;
    check("views.gt=7", &["9007199254740993"])?;
    check("views.lte=3", &["3"])?;
    check("final=true&url=/", &["5", "3"])?;
    check(
        "window_start.gte=1970-01-01T00:03:00Z",
        &["7", "9007199254740993"],
    )?;
    check("window_start=1970-01-01T01:01:00+01:00", &["3"])?;
    check("p95_ms.gte=0&order=p95_ms", &["5", "3", "7", "5"])?;
    check("order=-views&limit=2", &["9007199254740993", "7"])?;
    check("views=4", &[])
}

#[test]
fn rows_come_as_csv_and_as_lines_of_json() -> Tested {
    let served = Served::start()?;
    let path = "/v1/views/pages?window_start=1970-01-01T00:02:00Z";
    let csv = served.get_with(path, &[("accept", "text/csv")])?;
    assert_eq!(
        csv.header("content-type"),
        "text/csv; charset=utf-8; header=present"
    );
    let expected = "window_start,window_end,url,views,p95_ms,final\r\n\
        1970-01-01T00:02:00Z,1970-01-01T00:03:00Z,/,5,20,true\r\n\
        1970-01-01T00:02:00Z,1970-01-01T00:03:00Z,\"/a,\"\"b\"\"\",5,1,true\r\n";
    assert_eq!(csv.text(), expected);

    let lines = served.get_with(path, &[("accept", "application/x-ndjson, */*;q=0.1")])?;
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    assert_eq!(lines.text().lines().count(), 2);
    let last: serde_json::Value = serde_json::from_str(lines.text().lines().last().unwrap_or(""))?;
    assert_eq!(last["url"], "/a,\"b\"");
    Ok(())
}

#[test]
fn who_has_the_epoch_is_not_sent_it_again() -> Tested {
    let served = Served::start()?;
    let first = served.get("/v1/views/pages")?;
    let tag = first.header("etag");
    assert!(tag.starts_with("\"1.3-"), "{tag}");
    let again = served.get_with("/v1/views/pages", &[("if-none-match", tag)])?;
    assert_eq!(
        (again.status, again.body.len(), again.header("etag")),
        (304, 0, tag)
    );
    let other = [("if-none-match", tag), ("accept", "text/csv")];
    assert_eq!(served.get_with("/v1/views/pages", &other)?.status, 200);

    served.made_up.publish(snapshot(4, &ROWS[..1]));
    let newer = served.get_with("/v1/views/pages", &[("if-none-match", tag)])?;
    assert_eq!(
        (newer.status, newer.column("views")),
        (200, vec!["7".into()])
    );
    Ok(())
}

#[test]
fn a_view_before_its_first_epoch_is_empty() -> Tested {
    let served = Served::start()?;
    let answer = served.get("/v1/views/totals")?;
    let expected = r#"{"epoch":"1.3","watermark":null,"retained_from":null,"rows":[],"next":null}"#;
    assert_eq!(answer.text(), expected);
    Ok(())
}
