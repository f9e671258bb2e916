//! A window has ended once the watermark has passed its end, also one that is opened only then.

use millstream_engine::raw::{Demand, NoKey};
use millstream_engine::{EventTime, Record, Stage};

use super::workers::Workers;
use super::{Made, at};
use crate::aggregate::Of;

#[test]
fn what_comes_to_a_window_opened_after_its_end_are_corrections() {
    let demand = Demand::default();
    demand.partial.set(true);
    demand.ended.set(true);
    let made = Made::new(NoKey, Of::<()>::new().count("n"), demand);
    let seconds = |seconds: i64| EventTime::from_millis(seconds * 1000);
    for exchange in [false, true] {
        let mut workers = Workers::new(&made, 1, exchange);
        let mut watermark = seconds(0);
        let mut stages = |time: i64, moves_to: i64| {
            let before = at(0, watermark);
            watermark = seconds(moves_to);
            workers.batch(&[Record::new((), seconds(time))], before);
            workers.end(before, at(0, watermark), true);
            let told = workers.take_told();
            let stages = told
                .into_iter()
                .map(|(window, _, stage, _)| (window.start, stage));
            stages.collect::<Vec<_>>()
        };
        let [first, second, third, fourth] = [0, 10, 20, 30].map(seconds);
        assert_eq!(stages(5, 9), [(first, Stage::Open)]);
        assert_eq!(stages(6, 10), [(first, Stage::Open), (first, Stage::Ended)]);
        assert_eq!(stages(7, 10), [(first, Stage::Corrected)]);
        assert_eq!(
            stages(35, 23),
            [(first, Stage::Final), (fourth, Stage::Open)]
        );
        let opened_late = [(second, Stage::Corrected)];
        assert_eq!(stages(15, 24), opened_late, "it ended before it was opened");
        assert_eq!(stages(1, 24), [], "it is final");
        let at_once = [
            (second, Stage::Final),
            (third, Stage::Open),
            (third, Stage::Ended),
        ];
        assert_eq!(stages(25, 30), at_once, "opened and ended in one epoch");
    }
}
