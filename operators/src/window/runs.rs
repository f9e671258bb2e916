//! Runs: a batch in pieces, without what is late.

use std::slice;

use millstream_engine::{Data, EventTime, Record, Window};

use super::cut::Cut;

/// The values of a run of records that go to one piece.
pub(super) struct Run<'r, 'b, T> {
    records: slice::Iter<'b, Record<T>>,
    /// The watermark by which windows are closed that count the piece.
    close: EventTime,
    /// Records that came behind that.
    behind: &'r mut Vec<&'b Record<T>>,
}

impl<'b, T> Iterator for Run<'_, 'b, T> {
    type Item = &'b T;

    fn next(&mut self) -> Option<&'b T> {
        for record in self.records.by_ref() {
            if record.behind < self.close {
                return Some(&record.value);
            }
            self.behind.push(record);
        }
        None
    }
}

/// Divides a batch into runs of records of one piece, so that each piece is looked up once per run.
///
/// `each` is given the piece and the values of the run. Late records are copied to `late`. A record that came behind a
/// watermark is judged by that; where it is in time for fewer windows than the others of its run it is a run of its own.
pub(super) fn runs<T: Data, C: Cut<T>>(
    batch: &[Record<T>],
    cut: &C,
    watermark: EventTime,
    late: &mut Vec<Record<T>>,
    mut each: impl FnMut(Window, Run<'_, '_, T>),
) {
    let mut rest = batch;
    let mut behind = Vec::new();
    while let Some(first) = rest.first() {
        let stretch = cut.stretch(first);
        // The first is in, whatever its time: a run that is empty would be looked at for ever.
        let length = rest[1..]
            .iter()
            .position(|record| !cut.is_in(record, stretch))
            .map_or(rest.len(), |others| others + 1);
        let (run, after) = rest.split_at(length);
        rest = after;
        let Some(piece) = cut.piece(stretch, watermark) else {
            late.extend_from_slice(run);
            continue;
        };
        let close = cut.lateness().close(piece);
        each(
            piece,
            Run {
                records: run.iter(),
                close,
                behind: &mut behind,
            },
        );
        for record in behind.drain(..) {
            match cut.piece(stretch, record.behind) {
                None => late.push(record.clone()),
                Some(piece) => each(
                    piece,
                    Run {
                        records: slice::from_ref(record).iter(),
                        close: EventTime::MAX,
                        behind: &mut Vec::new(),
                    },
                ),
            }
        }
    }
}

/// The values of a batch that is nobody else's, moved, each with the piece that it goes to. Late records go to `late`.
///
/// The piece of a stretch is looked for once for each run of records in it, as [`runs`] does.
pub(super) fn owned_runs<T: Data, C: Cut<T>>(
    batch: Vec<Record<T>>,
    cut: &C,
    watermark: EventTime,
    late: &mut Vec<Record<T>>,
) -> impl Iterator<Item = (Window, T)> {
    let mut run: Option<(Window, Option<(Window, EventTime)>)> = None;
    batch.into_iter().filter_map(move |record| {
        let (stretch, piece) = match run {
            Some(run) if cut.is_in(&record, run.0) => run,
            _ => {
                let stretch = cut.stretch(&record);
                let piece = cut.piece(stretch, watermark);
                let closes = |piece| (piece, cut.lateness().close(piece));
                *run.insert((stretch, piece.map(closes)))
            }
        };
        let piece = match piece {
            Some((piece, close)) if record.behind < close => Some(piece),
            Some(_) => cut.piece(stretch, record.behind),
            None => None,
        };
        if piece.is_none() {
            late.push(record);
            return None;
        }
        piece.map(|piece| (piece, record.value))
    })
}
