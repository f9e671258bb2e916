//! Lanes: the partitions of files.
//!
//! ```text
//!  begin stripe ──▶ gate ──▶ next line ──▶ decode ──▶ accept, or reject ─┐
//!       ▲            └ Held    ▲  └ none: fill, ended: finish            │
//!       └──────────────────────┴─────────────────────────────────────────┘ while there is room
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering;

use millstream_engine::{BoxError, Intake, Partition, Polled, Position, Waker};

use super::error::FileError;
use super::input::{Filled, Input};
use super::lines::{LINE_BYTES_MAX, Line, Lines, NextLine};
use super::plan::{Kind, Plan, Stripe};
use super::position::LanePosition;
use crate::format::Decode;
use crate::take::Take;

/// How much a lane reads before it lets its worker do something else, even if it found no records in it.
const BYTES_PER_POLL: usize = 8 * 1024 * 1024;

/// By how many bits the number of a file stands above the place in it.
const FILE_SHIFT: u32 = 40;

/// Reads every sixteenth stripe of a source's files.
pub struct FileLane<F> {
    plan: Arc<Plan>,
    lane: u32,
    format: F,
    waker: Waker,
    /// The round of the stripe that is read, or is to be read next.
    round: u64,
    reading: Option<(Stripe, Input)>,
    /// Where the next line of that stripe begins, if an earlier run has read others of it and this one none yet.
    go_on_at: Option<u64>,
    lines: Lines,
    /// An error that waits until the records before it are safely in their epoch.
    failed: Option<FileError>,
    /// Bytes of the stripes that are finished.
    n_finished: u64,
    /// Bytes of all stripes of this lane, if that is known.
    n_total: Option<u64>,
}

impl<F: Decode> FileLane<F> {
    pub(super) fn new(plan: Arc<Plan>, lane: u32, format: F, waker: Waker) -> Self {
        let stripes = (0..).map_while(|round| plan.stripe(lane, round));
        let n_total = stripes.map(|stripe| plan.bytes_of(stripe)).sum();
        FileLane {
            plan,
            lane,
            format,
            waker,
            round: 0,
            reading: None,
            go_on_at: None,
            lines: Lines::new(),
            failed: None,
            n_finished: 0,
            n_total,
        }
    }

    /// Goes on at `position`, where an earlier run's lane stood.
    pub(super) fn resume(mut self, position: LanePosition) -> Result<Self, String> {
        let stripe = self.plan.stripe(self.lane, position.round);
        match (stripe, position.line) {
            (Some(stripe), Some(line)) if !(stripe.start..stripe.end).contains(&line) => {
                let Stripe { start, end, .. } = stripe;
                return Err(format!("its stripe goes from byte {start} to {end}"));
            }
            (None, Some(_)) => return Err("it has no stripe in that round".into()),
            // The round after the last is where a lane ends.
            (None, None) if position.round > self.plan.n_rounds(self.lane) => {
                let n_rounds = self.plan.n_rounds(self.lane);
                return Err(format!("it has stripes in {n_rounds} rounds only"));
            }
            _ => {}
        }
        let before = (0..position.round).map_while(|round| self.plan.stripe(self.lane, round));
        self.n_finished = before.filter_map(|stripe| self.plan.bytes_of(stripe)).sum();
        (self.round, self.go_on_at) = (position.round, position.line);
        self.plan.gate.resume(self.lane, self.round);
        Ok(self)
    }

    pub(crate) fn advance(&mut self, intake: &mut impl Take<F::Item>) -> Result<Polled, FileError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let room_before = intake.room();
        match self.read(intake) {
            Err(error) if intake.room() < room_before => {
                self.failed = Some(error);
                Ok(Polled::Ready)
            }
            result => result,
        }
    }

    fn read(&mut self, intake: &mut impl Take<F::Item>) -> Result<Polled, FileError> {
        let mut bytes_left = BYTES_PER_POLL;
        loop {
            let Some((stripe, input)) = &mut self.reading else {
                match self.begin()? {
                    None => continue,
                    Some(polled) => return Ok(polled),
                }
            };
            let mut lines_of_file = LinesOfFile {
                plan: &self.plan,
                format: &mut self.format,
                file_idx: stripe.file_idx,
            };
            while intake.room() > 0 {
                let Some(line) = self.lines.next() else { break };
                lines_of_file.take(&line, intake);
            }
            if intake.room() == 0 {
                return Ok(Polled::Ready);
            }
            if self.lines.is_done() {
                if let NextLine::Ahead(line) = self.lines.next_line() {
                    let path = self.plan.files[stripe.file_idx].path.clone();
                    return Err(FileError::EndsBefore { path, line });
                }
                self.n_finished += self
                    .plan
                    .bytes_of(*stripe)
                    .unwrap_or_else(|| self.lines.offset());
                self.reading = None;
                self.round += 1;
                self.plan.gate.leave(self.lane);
                continue;
            }
            if bytes_left == 0 {
                return Ok(Polled::Ready);
            }
            match input.fill(&mut self.lines, &self.plan.files[stripe.file_idx].path)? {
                Filled::Bytes(n) => bytes_left = bytes_left.saturating_sub(n),
                Filled::NotYet => return Ok(Polled::CaughtUp { until: None }),
            }
        }
    }

    /// Begins the next stripe, or says how the lane stands where it may not.
    fn begin(&mut self) -> Result<Option<Polled>, FileError> {
        let Some(stripe) = self.plan.stripe(self.lane, self.round) else {
            // The buffer is of no more use.
            self.lines = Lines::new();
            return Ok(Some(Polled::Ended));
        };
        if !self.plan.gate.enter(self.lane, self.round, &self.waker) {
            return Ok(Some(Polled::Held));
        }
        let file = &self.plan.files[stripe.file_idx];
        let from = match (self.go_on_at, file.kind) {
            (Some(line), Kind::Plain) => self.lines.go_on(line, line, stripe.end),
            (Some(line), Kind::Packed(_)) => self.lines.go_on(0, line, stripe.end),
            // What a pipe held before is gone, and what it holds now was not read.
            (Some(_), Kind::Live) | (None, _) => self.lines.begin(stripe.start, stripe.end),
        };
        self.reading = Some((stripe, Input::open(file, stripe, from, &self.waker)?));
        self.go_on_at = None;
        Ok(None)
    }

    /// Where the lane stands: what it has given out was all before, and nothing after.
    fn stands_at(&self) -> LanePosition {
        let round = self.round;
        if self.reading.is_none() {
            let line = self.go_on_at;
            return LanePosition { round, line };
        }
        match self.lines.next_line() {
            // The last line was taken, and may have gone beyond the stripe's end.
            NextLine::At(_) | NextLine::Unknown if self.lines.is_done() => LanePosition {
                round: round + 1,
                line: None,
            },
            NextLine::Unknown => LanePosition { round, line: None },
            NextLine::At(line) | NextLine::Ahead(line) => LanePosition {
                round,
                line: Some(line),
            },
        }
    }

    /// How many bytes it has gone through; of a compressed file those that were read to get where it goes on, too.
    fn n_done(&self) -> u64 {
        let stripe_and_offset = match &self.reading {
            Some((_, Input::Packed { n_packed, .. })) => {
                return self.n_finished + n_packed.load(Ordering::Relaxed);
            }
            Some((stripe, _)) => Some((*stripe, self.lines.offset())),
            None => self.plan.stripe(self.lane, self.round).zip(self.go_on_at),
        };
        let in_stripe = stripe_and_offset.map_or(0, |(stripe, offset)| {
            match self.plan.files[stripe.file_idx].kind {
                // The line that goes beyond the stripe is counted where it ends, or the sum would not come out.
                Kind::Plain => offset.min(stripe.end).saturating_sub(stripe.start),
                Kind::Live => offset,
                Kind::Packed(_) => 0,
            }
        });
        self.n_finished + in_stripe
    }
}

impl<F: Decode> Partition for FileLane<F> {
    type Item = F::Item;

    fn poll(&mut self, intake: &mut Intake<'_, F::Item>) -> Result<Polled, BoxError> {
        Ok(self.advance(intake)?)
    }

    /// Where it goes on; nowhere, if there is nothing but pipes.
    fn position(&self) -> Option<Position> {
        (!self.plan.is_live()).then(|| Position(self.stands_at().to_string()))
    }

    fn progress(&self) -> (u64, Option<u64>) {
        (self.n_done(), self.n_total)
    }
}

/// What is the same for all lines of a stripe.
struct LinesOfFile<'a, F> {
    plan: &'a Plan,
    format: &'a mut F,
    file_idx: usize,
}

impl<F: Decode> LinesOfFile<'_, F> {
    #[inline]
    fn take(&mut self, line: &Line<'_>, intake: &mut impl Take<F::Item>) {
        match *line {
            Line::Whole {
                offset,
                bytes,
                text,
            } => {
                let decoded = match text {
                    Some(text) => self.format.decode_text(text),
                    None => self.format.decode(bytes),
                };
                match decoded {
                    Ok(value) => {
                        if let Err(reason) = intake.accept(value) {
                            self.reject(offset, &reason, bytes, intake);
                        }
                    }
                    Err(error) => self.reject(offset, &error.to_string(), bytes, intake),
                }
            }
            Line::TooLong {
                offset,
                head,
                length,
            } => {
                let reason =
                    format!("the line has {length} bytes, more than the {LINE_BYTES_MAX} allowed");
                self.reject(offset, &reason, head, intake);
            }
        }
    }

    #[cold]
    fn reject(&self, offset: u64, reason: &str, raw: &[u8], intake: &mut impl Take<F::Item>) {
        if self.plan.files.len() == 1 {
            return intake.reject(offset, reason.to_owned(), raw);
        }
        let path = self.plan.files[self.file_idx].path.display();
        let offset_in_all = ((self.file_idx as u64) << FILE_SHIFT) + offset;
        intake.reject(
            offset_in_all,
            format!("{path}, byte {offset}: {reason}"),
            raw,
        );
    }
}

#[cfg(test)]
mod tests;
