//! Pages fit together, in any order, and go on where they were when rows come in between.

use millstream_engine::BoxError;

use crate::made_up::{ROWS, Served, Tested, snapshot};

/// All values of `views`, page by page.
fn pages(served: &Served, query: &str) -> Result<Vec<Vec<String>>, BoxError> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = served.get(&format!("/v1/views/pages?{query}{cursor}"))?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        pages.push(answer.column("views"));
        assert!(pages.len() <= 5, "more pages than rows");
        match answer.json()["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(pages),
        }
    }
}

#[test]
fn pages_together_are_the_whole() -> Tested {
    let served = Served::start()?;
    for query in [
        "",
        "order=-p95_ms",
        "order=views",
        "order=-views,url",
        "url=/&order=final",
    ] {
        let whole = pages(&served, query)?;
        assert_eq!(whole.len(), 1);
        for limit in 1..=5 {
            let paged = pages(&served, &format!("{query}&limit={limit}"))?;
            assert!(
                paged
                    .iter()
                    .all(|page| page.len() <= limit && !page.is_empty())
            );
            assert_eq!(paged.concat(), whole[0], "{query} by {limit}");
        }
    }
    Ok(())
}

#[test]
fn a_page_goes_on_after_its_row_when_others_have_come() -> Tested {
    let served = Served::start()?;
    let first = served.get("/v1/views/pages?limit=2")?;
    let next = first.json()["next"]
        .as_str()
        .map(String::from)
        .ok_or("there is more")?;

    let mut rows = ROWS.to_vec();
    rows.extend([(4, "/", 1, 1.0), (2, "/zzz", 11, 1.0)]);
    rows.remove(1); // The very row that the first page ended with.
    served.made_up.publish(snapshot(4, &rows));
    let second = served.get(&format!("/v1/views/pages?limit=9&cursor={next}"))?;
    assert_eq!(second.column("views"), ["5", "5", "11", "3"]);
    Ok(())
}

#[test]
fn a_cursor_belongs_to_its_order() -> Tested {
    let served = Served::start()?;
    let first = served.get("/v1/views/pages?limit=1&order=views")?;
    let next = first.json()["next"]
        .as_str()
        .map(String::from)
        .ok_or("there is more")?;
    for query in ["", "order=-views&"] {
        let answer = served.get(&format!("/v1/views/pages?{query}cursor={next}"))?;
        answer.is_problem(400, "order \"views\"");
    }
    Ok(())
}

#[test]
fn formats_without_room_for_a_cursor_have_a_link() -> Tested {
    let served = Served::start()?;
    let csv = [("accept", "text/csv")];
    let first = served.get_with("/v1/views/pages?limit=4", &csv)?;
    let link = first.header("link");
    let next = link
        .strip_prefix('<')
        .and_then(|link| link.strip_suffix(">; rel=\"next\""));
    let second = served.get_with(next.ok_or("a link")?, &csv)?;
    assert_eq!(second.text().lines().count(), 2);
    assert_eq!(second.header("link"), "");
    Ok(())
}
