//! What cannot be answered is told in a problem document that names what was wrong.

use crate::made_up::{Served, Tested};

#[test]
fn bad_parameters_are_named() -> Tested {
    let served = Served::start()?;
    let check = |query: &str, parameter: &str, detail: &str| -> Tested {
        let answer = served.get(&format!("/v1/views/pages?{query}"))?;
        answer.is_problem(400, detail);
        assert_eq!(answer.json()["parameter"], parameter);
        Ok(())
    };
    check(
        "uri=/",
        "uri",
        "no such column: there are window_start, window_end, url",
    )?;
    check("views.ge=1", "views.ge", "no operator \"ge\"")?;
    check("views=many", "views", "\"many\" is not a whole number")?;
    check("p95_ms.gt=1,5", "p95_ms.gt", "not a number")?;
    check("window_start.lt=1970-01-01", "window_start.lt", "RFC 3339")?;
    check("order=-visits", "order", "\"visits\"")?;
    check("limit=0", "limit", "1 to 10000")?;
    check("limit=10001", "limit", "1 to 10000")?;
    check("limit=ten", "limit", "1 to 10000")?;
    check("cursor=nonsense", "cursor", "`next`")
}

#[test]
fn changes_take_filters_only() -> Tested {
    let served = Served::start()?;
    served
        .get("/v1/views/pages/changes?uri=/")?
        .is_problem(400, "no such column");
    served
        .get("/v1/views/pages/changes?limit=5")?
        .is_problem(400, "only filters");
    served
        .get("/v1/views/nothing/changes")?
        .is_problem(404, "there are pages, totals");
    Ok(())
}

#[test]
fn unknown_views_paths_and_methods() -> Tested {
    let served = Served::start()?;
    let unknown = served.get("/v1/views/page")?;
    unknown.is_problem(404, "there is no view \"page\": there are pages, totals");
    assert_eq!(
        unknown.json()["known"],
        serde_json::json!(["pages", "totals"])
    );
    served.get("/v1/nothing")?.is_problem(404, "/v1/nothing");
    served.get("/v1/views/%FF")?.is_problem(400, "address");

    let bad_method = served.delete("/v1/views")?;
    bad_method.is_problem(405, "DELETE is not possible on /v1/views");
    assert_eq!(bad_method.header("allow"), "GET,HEAD");
    served
        .get("/v1/sources/page_views")?
        .is_problem(405, "GET is not possible");
    Ok(())
}

#[test]
fn formats_that_cannot_be_had() -> Tested {
    let served = Served::start()?;
    let answer = served.get_with(
        "/v1/views/pages",
        &[("accept", "application/xml, text/html")],
    )?;
    answer.is_problem(406, "application/json, text/csv");
    Ok(())
}
