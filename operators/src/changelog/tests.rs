//! What is kept of a changelog, and for how long.

use std::rc::Rc;

use millstream_engine::raw::{At, ByValue, Emitted, Hashed, Logic, Publish, hash_key};
use millstream_engine::{Epoch, EventTime, Record};

use super::logic::Following;
use crate::kept::Kept;

type Change = (u32, Option<u32>);

type Diffs = Vec<((u32, Kept<u32>), isize)>;

/// A step that is told what comes epoch by epoch.
struct Told<L> {
    step: L,
    epoch: u64,
}

fn told()
-> Told<impl Logic<In = Vec<Hashed<Change>>, Out = ((u32, Kept<u32>), isize), Late = Change>> {
    let key = ByValue::new(|change: &Change| change.0);
    Told {
        step: Following::new(Rc::new(key), |change: &Change| change.1, false),
        epoch: 0,
    }
}

impl<L> Told<L>
where
    L: Logic<In = Vec<Hashed<Change>>, Out = ((u32, Kept<u32>), isize), Late = Change>,
{
    /// Changes that come at `watermark`, each with its time; what comes of them, what is late, and how many keys are kept.
    fn come(&mut self, watermark: i64, changes: &[(i64, Change)]) -> (Diffs, usize, u64) {
        let at = At {
            epoch: Epoch::from_u64(self.epoch),
            watermark: EventTime::from_micros(watermark),
        };
        self.epoch += 1;
        let batch = changes.iter().map(|(time, change)| Hashed {
            hash: hash_key(&change.0),
            record: Record::new(*change, EventTime::from_micros(*time)),
        });
        let mut out = Emitted {
            out: Vec::new(),
            late: Vec::new(),
            n_records: 0,
        };
        self.step.on_batch(batch.collect(), at, &mut out);
        self.step.on_publish(at, Publish::default(), &mut out);
        (out.out, out.late.len(), self.step.size().keys)
    }
}

#[test]
fn the_later_one_counts_whatever_comes_first() {
    let mut told = told();
    let row = |value| (1, Kept(value));
    assert_eq!(
        told.come(0, &[(5, (1, Some(50))), (3, (1, Some(30)))]),
        (vec![(row(50), 1)], 0, 1)
    );
    assert_eq!(
        told.come(0, &[(7, (1, Some(70))), (7, (1, Some(71)))]),
        (vec![(row(50), -1), (row(71), 1)], 0, 1)
    );
    // Older than what is known: nothing happens, and it is not late.
    assert_eq!(told.come(0, &[(6, (1, None))]), (vec![], 0, 1));
    // To a row that is there a change may come behind the watermark.
    assert_eq!(
        told.come(100, &[(8, (1, Some(80)))]),
        (vec![(row(71), -1), (row(80), 1)], 0, 1)
    );
    // What changes and is as before at the end of an epoch is no change.
    assert_eq!(
        told.come(100, &[(109, (1, None)), (110, (1, Some(80)))]),
        (vec![], 0, 1)
    );
}

#[test]
fn a_trace_is_kept_until_the_watermark_has_passed_it() {
    let mut told = told();
    let row = (1, Kept(50));
    told.come(0, &[(5, (1, Some(50)))]);
    assert_eq!(
        told.come(4, &[(8, (1, None))]),
        (vec![(row.clone(), -1)], 0, 1)
    );
    // Older than the deletion: the row does not come back.
    assert_eq!(told.come(4, &[(7, (1, Some(70)))]), (vec![], 0, 1));
    assert_eq!(told.come(7, &[]), (vec![], 0, 1));
    assert_eq!(told.come(8, &[]), (vec![], 0, 0), "the trace is dropped");
    // Behind the watermark, and nothing is known of the key.
    assert_eq!(told.come(8, &[(7, (1, Some(70)))]), (vec![], 1, 0));
    assert_eq!(told.come(8, &[(8, (1, Some(50)))]), (vec![(row, 1)], 0, 1));
    // A row that was never there is deleted: a trace, and no change.
    assert_eq!(told.come(8, &[(20, (2, None))]), (vec![], 0, 2));
    assert_eq!(told.come(30, &[]), (vec![], 0, 1));
}
