//! Starts a pipeline and reads its view over HTTP while it runs, as another program would.

use std::sync::mpsc;

use millstream::prelude::*;
use millstream::queries::HttpService;

fn pipeline(flow: &mut Flow<'_>) -> Result<()> {
    flow.source(
        "page_views",
        Clickstream::new().rate(Rate::PerSecond(1_000)),
    )
    .event_time(|e| e.timestamp, Watermarks::bounded(seconds(5)))
    .key_by("country", |e| &e.data.country)
    .window(Tumbling::of(minutes(1)))
    .aggregate("views_per_country", |of| of.count("views"))
    .view("views_per_country")
}

fn main() -> anyhow::Result<()> {
    let http = HttpService::new("127.0.0.1:0");
    let address = http.address();
    let (published, first) = mpsc::channel();
    let running = App::new("query_live")
        .service(http)
        .watch(move |run| {
            run.catalog().watch(move |snapshot| {
                if snapshot.views["views_per_country"].n_rows() > 0 {
                    // Nobody listens any more after the first.
                    let _ = published.send(snapshot.epoch);
                }
            });
        })
        .start(pipeline)?;
    first.recv()?;

    let address = address.get().expect("it serves");
    let url = format!("http://{address}/v1/views/views_per_country?order=-views&limit=3");
    let answer: serde_json::Value = ureq::get(&url).call()?.body_mut().read_json()?;
    eprintln!("GET {url}");
    for row in answer["rows"].as_array().into_iter().flatten() {
        eprintln!("{row}");
    }
    running.run().stop();
    running.wait()?;
    Ok(())
}
