//! Hops: the arithmetic of windows of one length that begin at equal distances and overlap.
//!
//! Window number `n` goes from `n · hop` to `n · hop + size`, wherever that is cut off at the ends of time. Between two
//! places where a window begins or ends all times are in the same windows: that is a stretch, and there are at most two
//! of them to a hop, whatever the two lengths have in common.
//!
//! *Invariants*: the windows that hold a stretch are numbered without a gap. Windows with greater numbers neither begin
//! nor end earlier.
//!
//! Sources: Li et al., *No Pane, No Gain*, SIGMOD Record 2005 (one update to a record, however many windows it is in);
//! Krishnamurthy et al., *On-the-fly Sharing for Streamed Aggregation*, SIGMOD 2006, §4.2 (pieces of two lengths instead of
//! their greatest common divisor).

use std::ops::RangeInclusive;
use std::time::Duration;

use millstream_engine::{EventTime, Window};

/// Windows of one length, a window beginning with every hop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hops {
    /// In microseconds, as `hop`.
    size: i128,
    hop: i128,
}

impl Hops {
    pub(super) fn new(size: Duration, hop: Duration) -> Self {
        // As wide as time itself is wide enough.
        let micros = |by: Duration| i64::try_from(by.as_micros()).unwrap_or(i64::MAX).into();
        let (size, hop): (i128, i128) = (micros(size), micros(hop));
        assert!(0 < hop && hop <= size, "windows overlap or touch");
        Hops { size, hop }
    }

    /// The window of this number.
    pub(super) fn window(self, number: i128) -> Window {
        let start = number * self.hop;
        between(start, start + self.size)
    }

    /// The stretch around `time` in which no window begins or ends.
    pub(super) fn stretch(self, time: EventTime) -> Window {
        let hop_start = micros(time).div_euclid(self.hop) * self.hop;
        let hop_end = hop_start + self.hop;
        // Where in each hop a window ends.
        let ends = hop_start + self.size.rem_euclid(self.hop);
        match ends {
            _ if ends == hop_start => between(hop_start, hop_end),
            _ if micros(time) < ends => between(hop_start, ends),
            _ => between(ends, hop_end),
        }
    }

    /// The numbers of the windows that hold the stretch that begins with `start`.
    fn holding(self, start: EventTime) -> RangeInclusive<i128> {
        (micros(start) - self.size).div_euclid(self.hop) + 1..=micros(start).div_euclid(self.hop)
    }

    /// The numbers of the windows that count `piece`.
    pub(super) fn counting(self, piece: Window) -> RangeInclusive<i128> {
        let ends = micros(piece.end) - 1;
        let first_to_end = (ends - self.size).div_euclid(self.hop) + 1;
        // Windows that are cut off at the end of time end together.
        let holding = self.holding(piece.start);
        first_to_end.max(*holding.start())..=*holding.end()
    }

    /// The number of the first window that ends after `time`; after all that there are, if that is the end of time.
    pub(super) fn first_after(self, time: EventTime) -> i128 {
        if time == EventTime::MAX {
            return micros(time) / self.hop + 1;
        }
        (micros(time) - self.size).div_euclid(self.hop) + 1
    }

    /// The piece for records in `stretch`, if windows that end by `closed` are closed; `None` if that are all.
    pub(super) fn piece(self, stretch: Window, closed: EventTime) -> Option<Window> {
        let holding = self.holding(stretch.start);
        let first = self.first_after(closed).max(*holding.start());
        (first <= *holding.end()).then(|| Window {
            start: stretch.start,
            end: self.window(first).end,
        })
    }

    /// The numbers of the windows from `from` on that count any of `pieces`; these come by end.
    pub(super) fn numbers(
        self,
        pieces: impl Iterator<Item = Window>,
        from: i128,
    ) -> impl Iterator<Item = i128> {
        self.ranges(pieces, from).flatten()
    }

    /// The same in ranges, of which some may be empty.
    pub(super) fn ranges(
        self,
        pieces: impl Iterator<Item = Window>,
        from: i128,
    ) -> impl Iterator<Item = RangeInclusive<i128>> {
        let mut next = from;
        // Pieces that come by end come by the first window that counts them.
        pieces.map(move |piece| {
            let counting = self.counting(piece);
            let (first, last) = (next.max(*counting.start()), *counting.end());
            next = next.max(last + 1);
            first..=last
        })
    }
}

fn micros(time: EventTime) -> i128 {
    i128::from(time.micros())
}

/// From `start` to `end`, cut off at the ends of time.
fn between(start: i128, end: i128) -> Window {
    let cut = |at: i128| at.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
    Window {
        start: EventTime::from_micros(cut(start)),
        end: EventTime::from_micros(cut(end)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTHS: [(u64, u64); 7] = [(10, 2), (10, 3), (10, 10), (7, 4), (5, 1), (1, 1), (9, 6)];

    fn hops(size: u64, hop: u64) -> Hops {
        Hops::new(Duration::from_micros(size), Duration::from_micros(hop))
    }

    fn at(micros: i64) -> EventTime {
        EventTime::from_micros(micros)
    }

    /// All windows around these times that hold `time`, by trying every one.
    fn windows_with(hops: Hops, time: i64) -> Vec<i128> {
        let holds = |number: &i128| {
            let window = hops.window(*number);
            window.start <= at(time) && at(time) < window.end
        };
        (-60..60).filter(holds).collect()
    }

    #[test]
    fn all_times_of_a_stretch_are_in_the_same_windows() {
        for (size, hop) in LENGTHS {
            let hops = hops(size, hop);
            for time in -30..30 {
                let stretch = hops.stretch(at(time));
                assert!(stretch.start <= at(time) && at(time) < stretch.end);
                let expected = windows_with(hops, time);
                for other in stretch.start.micros()..stretch.end.micros() {
                    assert_eq!(hops.stretch(at(other)), stretch, "{size} every {hop}");
                    assert_eq!(windows_with(hops, other), expected, "{size} every {hop}");
                }
                let holding: Vec<_> = hops.holding(stretch.start).collect();
                assert_eq!(holding, expected, "{time} in {size} every {hop}");
            }
        }
    }

    #[test]
    fn a_piece_is_counted_by_the_windows_that_are_not_closed() {
        for (size, hop) in LENGTHS {
            let hops = hops(size, hop);
            for time in -30..30 {
                let stretch = hops.stretch(at(time));
                for closed in (-50..50).map(at).chain([EventTime::MIN, EventTime::MAX]) {
                    let open = |number: &i128| hops.window(*number).end > closed;
                    let expected: Vec<_> = hops.holding(stretch.start).filter(open).collect();
                    let piece = hops.piece(stretch, closed);
                    let counting: Vec<_> = piece
                        .into_iter()
                        .flat_map(|piece| hops.counting(piece))
                        .collect();
                    assert_eq!(
                        counting, expected,
                        "{time} in {size} every {hop}, {closed:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn windows_are_cut_off_at_the_ends_of_time() {
        let long = Duration::from_micros(i64::MAX as u64);
        for (size, hop) in [
            (Duration::from_micros(10), Duration::from_micros(3)),
            (long, Duration::from_secs(1_000_000_000)),
            (Duration::MAX, long),
        ] {
            let hops = Hops::new(size, hop);
            for time in [
                i64::MIN,
                i64::MIN + 1,
                i64::MIN + 20,
                0,
                i64::MAX - 20,
                i64::MAX - 1,
            ] {
                let stretch = hops.stretch(at(time));
                assert!(stretch.start <= at(time) && at(time) < stretch.end);
                let piece = hops
                    .piece(stretch, EventTime::MIN)
                    .expect("nothing is closed");
                let holding = hops.holding(stretch.start);
                assert_eq!(hops.counting(piece), holding, "{time} in {hops:?}");
                assert_eq!(hops.counting(piece), hops.holding(at(time)));
                let mut windows: Vec<_> = holding.map(|number| hops.window(number)).collect();
                for window in &windows {
                    assert!(window.start <= stretch.start && stretch.end <= window.end);
                }
                windows.dedup();
                assert_eq!(
                    windows.len(),
                    hops.counting(piece).count(),
                    "all are different"
                );
                assert_eq!(hops.piece(stretch, EventTime::MAX), None);
            }
        }
    }

    #[test]
    fn numbers_leap_over_gaps() {
        let hops = hops(10, 5);
        let piece = |time| hops.piece(hops.stretch(at(time)), EventTime::MIN);
        let far = 1_000_000_000_000_000;
        let pieces: Vec<_> = [0, 7, far].into_iter().filter_map(piece).collect();
        let numbers = |from| {
            hops.numbers(pieces.iter().copied(), from)
                .collect::<Vec<_>>()
        };
        let last = i128::from(far) / 5;
        assert_eq!(numbers(-1), [-1, 0, 1, last - 1, last]);
        assert_eq!(numbers(1), [1, last - 1, last]);
        assert_eq!(numbers(last), [last]);
        assert_eq!(numbers(hops.first_after(EventTime::MAX)), []);
    }
}
