//! Lines: from chunks of bytes to the lines that begin in a stripe.
//!
//! ```text
//!            start                        end
//!  … ─ ─ ─ ─ ┤                            ├ ─ ─ ─ ─ …
//!  …aaaaaaa⏎bb│bbbb⏎cccccc⏎dddddddd⏎eeeeee│eee⏎ffff⏎…      the stripe's lines are c, d and e
//! ```
//!
//! A stripe that does not begin its file is read from the byte before it on, and everything up to the first newline is
//! passed over: if that newline is the byte before, a line begins with the stripe, and none of it is lost. The last line
//! is read to its end, which is beyond the stripe's. A stripe of which lines were read in an earlier run goes on with
//! the line that is next, and needs none of this.
//!
//! *Invariants*: whatever the input, no more is kept than the longest line allowed and one chunk. Each line of a file
//! begins in exactly one stripe, so all stripes together have each line once.

use std::io::{self, Read};

use super::buffer::Buffer;

/// How long a line may be, without its line ending.
pub(super) const LINE_BYTES_MAX: usize = 1024 * 1024;

/// How much of a longer line is kept.
pub(super) const HEAD_BYTES: usize = 64 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line that is not blank, without its line ending.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// One that can be decoded, and the same as text if that is known.
    Whole {
        offset: u64,
        bytes: &'a [u8],
        text: Option<&'a str>,
    },
    /// One over [`LINE_BYTES_MAX`]: its first [`HEAD_BYTES`] and its length.
    TooLong {
        offset: u64,
        head: &'a [u8],
        length: u64,
    },
}

/// Cuts what it is filled with into lines.
pub(super) struct Lines {
    buffer: Buffer,
    /// What is in the buffer and not gone through yet: `buffer[at..filled]`.
    at: usize,
    filled: usize,
    /// How many bytes from `at` on are known to hold no newline.
    searched: usize,
    /// The place of `buffer[at]` in the file.
    offset: u64,
    /// Lines that begin here or later are not ours.
    end: u64,
    /// Whether there is no more input.
    is_ended: bool,
    mode: Mode,
    /// The first bytes of a line that is too long.
    head: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Mode {
    /// At the beginning of a line.
    Line,
    /// In a line that began before the stripe.
    PassOver,
    /// Before the line that begins at `line`: all up to there was read in an earlier run.
    Seek { line: u64 },
    /// In a line that is too long; `offset` is where it began.
    TooLong { offset: u64, is_blank: bool },
}

/// Where a stripe's next line begins, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextLine {
    /// A line that began before the stripe has not ended yet.
    Unknown,
    /// Here.
    At(u64),
    /// There, further on; what comes before it was read in an earlier run.
    Ahead(u64),
}

/// What came of a look at the buffer.
enum Step {
    Whole {
        offset: u64,
        from: usize,
        to: usize,
    },
    /// The line's head was kept.
    TooLong {
        offset: u64,
        length: u64,
    },
    /// Something was passed over.
    Again,
    /// The buffer holds no newline any more.
    Starved,
}

impl Lines {
    pub(super) fn new() -> Self {
        Lines {
            buffer: Buffer::Bytes(Vec::new()),
            at: 0,
            filled: 0,
            searched: 0,
            offset: 0,
            end: 0,
            is_ended: true,
            mode: Mode::Line,
            head: Vec::new(),
        }
    }

    /// Begins with the lines of the stripe `start..end`; gives the place from which on the file must be read.
    pub(super) fn begin(&mut self, start: u64, end: u64) -> u64 {
        let mode = if start > 0 {
            Mode::PassOver
        } else {
            Mode::Line
        };
        self.reset(start.saturating_sub(1), end, mode)
    }

    /// Goes on with the line that begins at `line`, in a stripe up to `end`; the input begins at `from`, there or before.
    pub(super) fn go_on(&mut self, from: u64, line: u64, end: u64) -> u64 {
        let mode = if from < line {
            Mode::Seek { line }
        } else {
            Mode::Line
        };
        self.reset(from, end, mode)
    }

    fn reset(&mut self, offset: u64, end: u64, mode: Mode) -> u64 {
        (self.offset, self.end, self.mode) = (offset, end, mode);
        (self.at, self.filled, self.searched, self.is_ended) = (0, 0, 0, false);
        offset
    }

    /// Reads up to `n` more bytes; gives how many there were, 0 for the end of the input.
    pub(super) fn fill(&mut self, n: usize, input: &mut dyn Read) -> io::Result<usize> {
        let buffer = self.buffer.bytes_mut();
        if self.at > 0 {
            buffer.copy_within(self.at..self.filled, 0);
            self.filled -= self.at;
            self.at = 0;
        }
        // Grows to a chunk and stays so; only a line longer than that makes it grow more.
        if buffer.len() < self.filled + n {
            buffer.resize(self.filled + n, 0);
        }
        let n_read = loop {
            match input.read(&mut buffer[self.filled..self.filled + n]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        // Little is not worth a look at all that was there before.
        if n_read > buffer.len() / 2 {
            self.buffer.look();
        }
        self.filled += n_read;
        self.is_ended = n_read == 0;
        Ok(n_read)
    }

    /// Whether the stripe has no more lines. Until then, [`fill`](Self::fill) when [`next`](Self::next) has none.
    pub(super) fn is_done(&self) -> bool {
        match self.mode {
            Mode::TooLong { .. } => false,
            Mode::Line | Mode::PassOver | Mode::Seek { .. } => {
                self.offset >= self.end || (self.is_ended && self.at == self.filled)
            }
        }
    }

    /// How far in the file it has gone.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Where the next line begins: everything before was given out, nothing after.
    pub(super) fn next_line(&self) -> NextLine {
        match self.mode {
            Mode::PassOver => NextLine::Unknown,
            Mode::Seek { line } => NextLine::Ahead(line),
            Mode::TooLong { offset, .. } => NextLine::At(offset),
            Mode::Line => NextLine::At(self.offset),
        }
    }

    /// The next line that is not blank, if it is in the buffer.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Line<'_>> {
        while !self.is_done() {
            let step = match self.mode {
                Mode::Line => self.line(),
                Mode::PassOver => self.pass_over(),
                Mode::Seek { line } => self.seek(line),
                Mode::TooLong { offset, is_blank } => self.go_on_too_long(offset, is_blank),
            };
            match step {
                Step::Whole { offset, from, to } => {
                    return Some(Line::Whole {
                        offset,
                        bytes: &self.buffer.bytes()[from..to],
                        text: self.buffer.text().and_then(|text| text.get(from..to)),
                    });
                }
                Step::TooLong { offset, length } => {
                    return Some(Line::TooLong {
                        offset,
                        head: &self.head,
                        length,
                    });
                }
                Step::Again => {}
                Step::Starved => return None,
            }
        }
        None
    }

    #[inline]
    fn line(&mut self) -> Step {
        let (length, taken) = match self.newline() {
            Some(length) => (length, length + 1),
            None if self.is_ended => (self.filled - self.at, self.filled - self.at),
            None => {
                self.searched = self.filled - self.at;
                // One byte more may be the first half of a line ending.
                if self.searched <= LINE_BYTES_MAX + 1 {
                    return Step::Starved;
                }
                self.searched = 0;
                self.head.clear();
                self.mode = Mode::TooLong {
                    offset: self.offset,
                    is_blank: true,
                };
                return Step::Again;
            }
        };
        let (mut from, mut to, offset) = (self.at, self.at + length, self.offset);
        self.advance(taken);
        let buffer = self.buffer.bytes();
        if offset == 0 && buffer[from..to].starts_with(BYTE_ORDER_MARK) {
            from += BYTE_ORDER_MARK.len();
        }
        if buffer[from..to].ends_with(b"\r") {
            to -= 1;
        }
        if is_blank(&buffer[from..to]) {
            return Step::Again;
        }
        if to - from > LINE_BYTES_MAX {
            self.head.clear();
            self.head
                .extend_from_slice(&buffer[from..from + HEAD_BYTES]);
            return Step::TooLong {
                offset,
                length: (to - from) as u64,
            };
        }
        Step::Whole { offset, from, to }
    }

    fn pass_over(&mut self) -> Step {
        match self.newline() {
            Some(length) => {
                self.advance(length + 1);
                self.mode = Mode::Line;
                Step::Again
            }
            None => {
                self.advance(self.filled - self.at);
                Step::Starved
            }
        }
    }

    fn seek(&mut self, line: u64) -> Step {
        let left = usize::try_from(line - self.offset).unwrap_or(usize::MAX);
        self.advance(left.min(self.filled - self.at));
        if self.offset < line {
            return Step::Starved;
        }
        self.mode = Mode::Line;
        Step::Again
    }

    fn go_on_too_long(&mut self, offset: u64, mut is_blank_so_far: bool) -> Step {
        let newline = self.newline();
        let length = newline.unwrap_or(self.filled - self.at);
        let piece = &self.buffer.bytes()[self.at..self.at + length];
        self.head
            .extend_from_slice(&piece[..length.min(HEAD_BYTES - self.head.len())]);
        is_blank_so_far = is_blank_so_far && is_blank(piece);
        self.advance(length);
        if newline.is_none() && !self.is_ended {
            self.mode = Mode::TooLong {
                offset,
                is_blank: is_blank_so_far,
            };
            return Step::Starved;
        }
        let length = self.offset - offset;
        self.advance(usize::from(newline.is_some()));
        self.mode = Mode::Line;
        if is_blank_so_far {
            Step::Again
        } else {
            Step::TooLong { offset, length }
        }
    }

    /// How far from `at` the next newline is.
    #[inline]
    fn newline(&self) -> Option<usize> {
        let unsearched = &self.buffer.bytes()[self.at + self.searched..self.filled];
        memchr::memchr(b'\n', unsearched).map(|i| self.searched + i)
    }

    #[inline]
    fn advance(&mut self, n: usize) {
        self.at += n;
        self.offset += n as u64;
        self.searched = 0;
    }
}

#[inline]
fn is_blank(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

#[cfg(test)]
mod tests;
