//! What was printed after a pipeline was killed.

use std::collections::BTreeSet;
use std::sync::mpsc::{Sender, channel};

use millstream_engine::{EventTime, seconds};

use super::*;
use crate::testing::{Buckets, Killed, Random, TestedPart, numbered};

impl TestedPart for ConsolePart {
    fn hand_over_to(&mut self, to: &mut Buckets) {
        self.held.hand_over(to);
    }
}

struct Printed(Sender<Vec<u8>>);

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes.to_vec()).unwrap();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_row_is_missing_however_often_the_pipeline_is_killed() {
    let mut n_twice = 0;
    for seed in 0..50 {
        let (sender, printed) = channel();
        let console = Console::printing_to(Printed(sender));
        let times = (0..700).map(|n| EventTime::from_micros(0).plus(seconds(n)));
        Killed {
            sink: &console,
            open: &|cx| Box::new(console.part(cx)),
            stopped: &|| {},
            rows: &numbered(times),
            n_kills: 10,
            n_workers_max: 4,
            loses_commits: true,
            random: Random::new(seed),
        }
        .run();
        drop(console);
        let text = String::from_utf8(printed.iter().flatten().collect()).unwrap();
        let lines: BTreeSet<&str> = text.lines().collect();
        let expected = (0..700)
            .map(|n| format!("{{\"n\":{n}}}"))
            .collect::<Vec<_>>();
        assert!(
            lines
                .into_iter()
                .eq(expected.iter().map(|line| &**line).collect::<BTreeSet<_>>()),
            "seed {seed}"
        );
        n_twice += text.lines().count() - 700;
    }
    assert!(n_twice > 0, "some are there twice");
    assert_eq!(Console::new().delivery(), Delivery::AtLeastOnce);
}
