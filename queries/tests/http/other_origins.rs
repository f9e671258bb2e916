//! Web pages of other origins: kept out by browsers, unless the server lets them in.

use std::sync::Arc;

use millstream_queries::{HttpService, ServeError};

use crate::made_up::{Answer, MadeUp, Served, Tested};

const SHOP: &str = "https://shop.example";

/// What a browser asks before it lets a page of `origin` post an event.
fn asked(served: &Served, origin: &str) -> Result<Answer, millstream_engine::BoxError> {
    served.options(
        "/v1/sources/page_views",
        &[
            ("origin", origin),
            ("access-control-request-method", "POST"),
            (
                "access-control-request-headers",
                "authorization,ce-tenant,content-encoding,content-type,idempotency-key",
            ),
        ],
    )
}

#[test]
fn nobody_is_let_in_unless_that_was_said() -> Tested {
    let served = Served::start()?;
    let read = served.get_with("/v1/views", &[("origin", SHOP)])?;
    assert_eq!(
        (read.status, read.header("access-control-allow-origin")),
        (200, "")
    );
    let asked = asked(&served, SHOP)?;
    assert_eq!(asked.header("access-control-allow-origin"), "");
    assert_eq!(asked.status, 405);
    Ok(())
}

#[test]
fn pages_of_an_origin_may_read_and_push() -> Tested {
    let served = Served::start_with(|service| {
        service
            .allow_origin(SHOP)
            .allow_origin("http://localhost:3000")
    })?;
    for origin in [SHOP, "http://localhost:3000"] {
        let asked = asked(&served, origin)?;
        assert_eq!(asked.status, 200);
        assert_eq!(asked.header("access-control-allow-origin"), origin);
        assert!(
            asked
                .header("access-control-allow-methods")
                .contains("POST")
        );
        let allowed = asked.header("access-control-allow-headers");
        for header in [
            "authorization",
            "ce-tenant",
            "content-encoding",
            "idempotency-key",
        ] {
            assert!(allowed.contains(header), "{header} is not in {allowed}");
        }
        assert_eq!(asked.header("access-control-max-age"), "7200");
        let posted = served.post("/v1/sources/page_views", "one", &[("origin", origin)])?;
        assert_eq!(
            (posted.status, posted.header("access-control-allow-origin")),
            (202, origin)
        );
    }
    let read = served.get_with("/v1/views/pages", &[("origin", SHOP)])?;
    assert_eq!(read.header("access-control-allow-origin"), SHOP);
    let exposed = read.header("access-control-expose-headers");
    for header in [
        "etag",
        "link",
        "retry-after",
        "millstream-epoch",
        "millstream-watermark",
    ] {
        assert!(exposed.contains(header), "{header} is not in {exposed}");
    }
    let listed = served.get_with("/v1/views", &[("origin", SHOP)])?;
    assert!(listed.header("vary").contains("origin"));

    // A problem can be read too, and so can changes.
    let unknown = served.get_with("/v1/views/none", &[("origin", SHOP)])?;
    unknown.is_problem(404, "there is no view");
    assert_eq!(unknown.header("access-control-allow-origin"), SHOP);
    let followed = served.open("/v1/views/pages/changes", &[("origin", SHOP)])?;
    assert_eq!(followed, Some(SHOP.to_owned()));
    Ok(())
}

#[test]
fn other_pages_stay_out() -> Tested {
    let served = Served::start_with(|service| service.allow_origin(SHOP))?;
    for origin in [
        "https://other.example",
        "http://shop.example",
        "https://shop.example.evil",
        "null",
    ] {
        assert_eq!(
            asked(&served, origin)?.header("access-control-allow-origin"),
            ""
        );
        let read = served.get_with("/v1/views", &[("origin", origin)])?;
        assert_eq!(read.header("access-control-allow-origin"), "");
    }
    let metrics = served.get_with("/metrics", &[("origin", SHOP)])?;
    assert_eq!(
        metrics.header("access-control-allow-origin"),
        "",
        "it is not below /v1"
    );
    let all = Served::start_with(|service| service.allow_origin("*"))?;
    let read = all.get_with("/v1/views", &[("origin", "https://other.example")])?;
    assert_eq!(read.header("access-control-allow-origin"), "*");
    Ok(())
}

#[test]
fn what_is_no_origin_is_told_at_the_start() {
    let mut service = HttpService::new("127.0.0.1:0").allow_origin("shop.example/");
    let error = service
        .serve(Arc::new(MadeUp::default()))
        .expect_err("it is none");
    assert!(matches!(error, ServeError::BadOrigin { .. }), "{error}");
    assert!(error.to_string().contains("shop.example/"), "{error}");
    assert_eq!(service.address().get(), None);
}

#[test]
fn what_other_pages_post_without_asking_is_refused() -> Tested {
    let served = Served::start()?;
    for origin in [SHOP, "null", "http://localhost"] {
        let refused = served.post("/v1/sources/page_views", "one", &[("origin", origin)])?;
        assert_eq!(refused.status, 403, "{origin}");
        assert!(
            refused.text().contains("--allow-origin"),
            "{}",
            refused.text()
        );
    }
    let own = format!("http://{}", served.address());
    let posted = served.post("/v1/sources/page_views", "one", &[("origin", &own)])?;
    assert_eq!(posted.status, 202, "a page of the server itself");
    Ok(())
}
