//! What is learnt of the records of one stream: a shape for each place that holds objects.
//!
//! ```text
//!  {"timestamp":…,"data":{"url":…}}     root ─▶ shape 1: timestamp, data ─▶ shape 2: url
//! ```
//!
//! *Invariant*: whatever the records say, no more than [`SHAPES_MAX`] shapes with [`MEMBERS_MAX`] literals of
//! [`LITERAL_BYTES_MAX`] bytes are kept: some hundred kilobytes. When that is full of what does not come again, it is
//! forgotten now and then, and learnt anew.

use std::ops::Range;

use super::asker::Asker;
use super::literal::Literal;
use super::shape::{MemberIdx, Shape};

pub(super) const SHAPES_MAX: usize = 128;
pub(super) const MEMBERS_MAX: usize = 1024;
const LITERAL_BYTES_MAX: usize = 128;

/// How many records are read before all may be forgotten again.
const RECORDS_BETWEEN_FORGETTING: u32 = 16_384;

/// A place that may hold objects: the record itself, the value of a member, or the elements of its list.
///
/// One number and not two, since it is handed on with each value: two would be written apart and read together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    pub(super) const ROOT: Place = Place::in_member(u16::MAX as usize, MemberIdx::NONE);

    /// Where nothing is learnt.
    pub(super) const NOWHERE: Place = Place::in_member(0, MemberIdx::NONE);

    /// The value of a member; nowhere, if there is none.
    #[inline]
    pub(super) const fn in_member(shape: usize, member: MemberIdx) -> Self {
        Place((shape as u32) << 16 | member.as_usize() as u32)
    }

    #[inline]
    fn parts(self) -> (usize, MemberIdx) {
        ((self.0 >> 16) as usize, MemberIdx::from_low(self.0))
    }
}

/// All shapes of a stream of records.
pub(super) struct Shapes {
    root: Option<usize>,
    shapes: Vec<Shape>,
    /// Shapes of what was forgotten, to be used again.
    free: Vec<usize>,
    n_members: usize,
    n_records: u32,
    is_full: bool,
    /// How many bytes of the record at hand were given to the parser.
    pub(super) n_parsed: usize,
    /// How many names were not as expected.
    #[cfg(test)]
    pub(super) n_unexpected: usize,
    /// How many names were not learnt, though they were not as expected.
    #[cfg(test)]
    pub(super) n_unlearnt: usize,
}

impl Shapes {
    pub(super) const fn new() -> Self {
        Shapes {
            root: None,
            shapes: Vec::new(),
            free: Vec::new(),
            n_members: 0,
            n_records: 0,
            is_full: false,
            n_parsed: 0,
            #[cfg(test)]
            n_unexpected: 0,
            #[cfg(test)]
            n_unlearnt: 0,
        }
    }

    /// To be called before each record.
    #[inline]
    pub(super) fn begin(&mut self) {
        self.n_records = self.n_records.saturating_add(1);
        self.n_parsed = 0;
        if self.is_full && self.n_records > RECORDS_BETWEEN_FORGETTING {
            *self = Shapes::new();
        }
    }

    /// How many shapes and literals are kept.
    #[cfg(test)]
    pub(super) fn size(&self) -> [usize; 2] {
        let n_members: usize = self.shapes.iter().map(Shape::n_members).sum();
        assert_eq!(n_members, self.n_members);
        [self.shapes.len() - self.free.len(), n_members]
    }

    #[inline]
    pub(super) fn shape(&self, idx: usize) -> &Shape {
        &self.shapes[idx]
    }

    #[inline]
    pub(super) fn shape_mut(&mut self, idx: usize) -> &mut Shape {
        &mut self.shapes[idx]
    }

    /// The shape of the objects at `place`, for whoever asks for them now; none if it is not to be learnt.
    #[inline(always)]
    pub(super) fn at(&mut self, place: Place, asker: Asker) -> Option<usize> {
        let (shape, member) = place.parts();
        let idx = match self.shapes.get(shape) {
            Some(shape) => shape.find(member)?.inner,
            None => self.root,
        };
        match idx {
            Some(idx) if self.shapes[idx].is_for(&asker) => Some(idx),
            Some(idx) => self.begin_anew(idx, asker),
            None => self.add(place, asker),
        }
    }

    #[cold]
    fn begin_anew(&mut self, idx: usize, asker: Asker) -> Option<usize> {
        let mut forgotten = self.shapes[idx].begin_anew(asker)?;
        while let Some(member) = forgotten.pop() {
            self.n_members -= 1;
            if let Some(inner) = member.inner {
                forgotten.append(&mut self.shapes[inner].forget());
                self.free.push(inner);
            }
        }
        Some(idx)
    }

    #[cold]
    fn add(&mut self, place: Place, asker: Asker) -> Option<usize> {
        let idx = match self.free.pop() {
            Some(idx) => {
                self.shapes[idx] = Shape::new(asker);
                idx
            }
            None if self.shapes.len() == SHAPES_MAX => {
                self.is_full = true;
                return None;
            }
            None => {
                self.shapes.push(Shape::new(asker));
                self.shapes.len() - 1
            }
        };
        let (shape, member) = place.parts();
        match self.shapes.get_mut(shape) {
            Some(shape) => shape.find_mut(member)?.inner = Some(idx),
            None => self.root = Some(idx),
        }
        Some(idx)
    }

    /// The member of `shape` that is written as `literal`; learnt, if it is new and may be.
    ///
    /// `after` is the member it follows, [`MemberIdx::NONE`] at first; nothing, if that is not learnt.
    pub(super) fn member(
        &mut self,
        shape: usize,
        after: Option<MemberIdx>,
        literal: &[u8],
        name: Range<usize>,
    ) -> Option<MemberIdx> {
        #[cfg(test)]
        {
            self.n_unexpected += 1;
            self.n_unlearnt += 1;
        }
        if literal.len() > LITERAL_BYTES_MAX {
            return None;
        }
        let shape = &mut self.shapes[shape];
        let member = match shape.look_up(literal)? {
            Some(member) => member,
            None if self.n_members == MEMBERS_MAX => {
                self.is_full = true;
                return None;
            }
            None => {
                shape.pay_learning()?;
                self.n_members += 1;
                shape.learn(Literal::new(literal, name))
            }
        };
        if let Some(after) = after {
            shape.expect(after, member);
        }
        #[cfg(test)]
        {
            self.n_unlearnt -= 1;
        }
        Some(member)
    }
}
