//! The dashboard is served whole, and may load nothing from elsewhere.

use std::collections::BTreeSet;

use crate::made_up::{Served, Tested};

#[test]
fn every_file_the_page_names_is_there() -> Tested {
    let served = Served::start()?;
    let page = served.get("/")?;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'self';"), "{policy}");
    assert!(!page.text().contains("://"), "the page names another place");

    let page = page.text();
    let named = page
        .split(['"', '\''])
        .filter(|part| part.starts_with("/dashboard/"));
    let named: BTreeSet<_> = named.collect();
    assert_eq!(named.len(), 9);
    for path in named {
        let file = served.get(path)?;
        assert_eq!(file.status, 200, "{path}");
        let expected = match path.rsplit_once('.') {
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(file.header("content-type"), expected, "{path}");
        let again = served.get_with(path, &[("if-none-match", file.header("etag"))])?;
        assert_eq!(again.status, 304, "{path}");
    }
    Ok(())
}

#[test]
fn nothing_is_inline() -> Tested {
    let served = Served::start()?;
    let page = served.get("/")?.text();
    for forbidden in ["<style", " style=", "<script>", " onclick", "javascript:"] {
        assert!(!page.contains(forbidden), "{forbidden} would be blocked");
    }
    Ok(())
}
