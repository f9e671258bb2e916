//! Who follows a view is sent it once, and then what changes.

use serde_json::json;

use crate::made_up::{Served, Tested, minute, snapshot};

#[test]
fn a_snapshot_then_changes() -> Tested {
    let served = Served::start()?;
    served
        .made_up
        .publish(snapshot(4, &[(3, "/", 7, 1.0), (3, "/cart", 1, 1.0)]));
    let mut following = served.follow("/v1/views/pages/changes")?;
    let first = following.next()?.ok_or("a snapshot")?;
    assert_eq!(
        (first.event.as_str(), first.id.as_str()),
        ("snapshot", "1.4")
    );
    assert_eq!(first.data["epoch"], "1.4");
    assert_eq!(
        first.data["key"],
        json!(["window_start", "window_end", "url"])
    );
    assert_eq!(first.data["rows"][1]["url"], "/cart");

    served.made_up.publish(snapshot(5, &[(3, "/", 8, 1.0)]));
    let second = following.next()?.ok_or("a change")?;
    assert_eq!(
        (second.event.as_str(), second.id.as_str()),
        ("change", "1.5")
    );
    let (start, end) = (minute(3).to_string(), minute(4).to_string());
    let expected = json!([
        {"op": "upsert", "window_start": start, "window_end": end, "url": "/", "views": 8,
         "p95_ms": 1.0, "final": false},
        {"op": "delete", "window_start": start, "window_end": end, "url": "/cart"},
    ]);
    assert_eq!(second.data["rows"], expected);
    Ok(())
}

#[test]
fn an_epoch_without_changes_is_not_told() -> Tested {
    let served = Served::start()?;
    let mut following = served.follow("/v1/views/pages/changes?url=/&views.gte=8")?;
    let first = following.next()?.ok_or("a snapshot")?;
    assert_eq!(first.data["rows"], json!([]));
    served
        .made_up
        .publish(snapshot(4, &[(3, "/other", 9, 1.0), (3, "/", 7, 1.0)]));
    served
        .made_up
        .publish(snapshot(5, &[(3, "/other", 9, 1.0), (3, "/", 8, 1.0)]));
    let second = following.next()?.ok_or("a change")?;
    assert_eq!(
        (second.id.as_str(), &second.data["rows"][0]["views"]),
        ("1.5", &json!(8))
    );
    Ok(())
}

#[test]
fn whoever_is_behind_gets_one_event_for_all() -> Tested {
    let served = Served::start()?;
    let mut following = served.follow("/v1/views/pages/changes?url=/")?;
    assert_eq!(following.next()?.ok_or("a snapshot")?.id, "1.3");
    for count in 4..=200 {
        let views = i64::try_from(count)?;
        served
            .made_up
            .publish(snapshot(count, &[(3, "/", views, 1.0)]));
    }
    // However many events it takes: they lead to the newest state, and their ids only grow.
    let mut last = 3;
    while last < 200 {
        let change = following.next()?.ok_or("a change")?;
        let epoch: u64 = change.id.trim_start_matches("1.").parse()?;
        assert!(epoch > last);
        let upserts = change.data["rows"].as_array().ok_or("rows")?.iter();
        let newest = upserts.filter(|row| row["op"] == "upsert").count();
        assert_eq!(newest, 1);
        last = epoch;
    }
    Ok(())
}

#[test]
fn the_end_of_the_server_ends_the_stream_after_the_last_news() -> Tested {
    let mut served = Served::start()?;
    let mut following = served.follow("/v1/views/pages/changes")?;
    assert!(following.next()?.is_some());
    served.made_up.publish(snapshot(4, &[(9, "/", 1, 1.0)]));
    served.stop();
    assert_eq!(following.next()?.ok_or("the last change")?.id, "1.4");
    assert_eq!(following.next()?, None);
    Ok(())
}
