//! Shapes: how the objects at one place of a record are written.
//!
//! ```text
//!  {"url":"/a","ms":12,"at":7}    {"url":"/b","at":8}
//!   ^^^^^^    ^^^^^^  ^^^^^^                 ^^^^^^      literals, each with what followed it last:
//!   "url": ──▶ ,"ms": ──▶ ,"at": ──▶ }      "url": ──▶ ,"at":
//! ```
//!
//! A producer writes the same names in the same order, with the same spaces. So a shape keeps the literals that it has
//! seen, and for each the two that came after it last: the next one is compared byte for byte with what is expected, and
//! no name is read, nor looked up. What is not expected is read as any name would be, and looked up among the literals.
//!
//! *Invariants*: a literal that follows the opening brace has no comma, and all others have one, as they were read; and none
//! is expected where it was not read. So a name that is where it was expected is where it may be. Looking up is paid for by
//! names that were expected: a producer whose names never come again costs little more than what reading them costs.

use super::asker::Asker;
use super::index::Index;
use super::literal::Literal;

/// What looking up may cost before anything was as expected.
const CREDIT_FIRST: usize = 512;

/// What looking up may cost at most at a stretch.
const CREDIT_MAX: usize = 4096;

/// What it costs to begin anew, in names that were as expected.
const ANEW: usize = 64;

/// What it costs to learn the first literal; more, if there are many.
const LEARNING: usize = 8;

/// How many literals are looked at for the cost of 1; fewer cost nothing.
const LOOKS: usize = 8;

/// Names the number of a member of a shape, or none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct MemberIdx(u16);

impl MemberIdx {
    pub(super) const NONE: MemberIdx = MemberIdx(u16::MAX);

    pub(super) fn new(idx: usize) -> Self {
        MemberIdx(u16::try_from(idx).expect("shapes together have few members"))
    }

    #[inline]
    pub(super) const fn as_usize(self) -> usize {
        self.0 as usize
    }

    /// That of the low half of `number`.
    #[inline]
    pub(super) const fn from_low(number: u32) -> Self {
        MemberIdx(number as u16)
    }
}

/// Which members came next the last two times that another came than before; none for the end of the object.
///
/// One number and not two, since it is copied at each name: two would be written apart and read together.
#[derive(Clone, Copy)]
pub(super) struct Next(u32);

impl Next {
    pub(super) const UNKNOWN: Next = Next(u32::MAX);

    #[inline]
    fn last(self) -> MemberIdx {
        MemberIdx::from_low(self.0)
    }

    #[inline]
    fn before(self) -> MemberIdx {
        MemberIdx::from_low(self.0 >> 16)
    }

    fn then(self, member: MemberIdx) -> Self {
        Next(self.0 << 16 | u32::from(member.0))
    }
}

/// What is done with a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Use {
    /// Its type has not been asked yet.
    Unknown,
    /// Its type is given the name each time.
    Named,
    /// A derived type knows it by this number.
    Numbered(u16),
    /// A derived type ignores it.
    Ignored,
}

/// A literal, and what is known of it.
pub(super) struct Member {
    pub(super) literal: Literal,
    pub(super) used: Use,
    pub(super) next: Next,
    /// The shape of the objects that are its value.
    pub(super) inner: Option<usize>,
}

/// The objects at one place.
pub(super) struct Shape {
    asker: Asker,
    members: Vec<Member>,
    index: Index,
    first: Next,
    credit: usize,
}

impl Shape {
    pub(super) fn new(asker: Asker) -> Self {
        Shape {
            asker,
            members: Vec::new(),
            index: Index::new(),
            first: Next::UNKNOWN,
            credit: CREDIT_FIRST,
        }
    }

    #[inline]
    pub(super) fn is_for(&self, asker: &Asker) -> bool {
        self.asker.is(asker)
    }

    /// Forgets all for another type; gives the members there were, or nothing if that happens too often.
    pub(super) fn begin_anew(&mut self, asker: Asker) -> Option<Vec<Member>> {
        self.pay(ANEW)?;
        self.asker = asker;
        Some(self.forget())
    }

    /// Forgets all; gives the members there were.
    pub(super) fn forget(&mut self) -> Vec<Member> {
        (self.index, self.first) = (Index::new(), Next::UNKNOWN);
        std::mem::take(&mut self.members)
    }

    #[cfg(test)]
    pub(super) fn n_members(&self) -> usize {
        self.members.len()
    }

    #[inline]
    pub(super) fn first(&self) -> Next {
        self.first
    }

    #[inline]
    pub(super) fn member(&self, idx: MemberIdx) -> &Member {
        &self.members[idx.as_usize()]
    }

    #[inline]
    pub(super) fn find(&self, idx: MemberIdx) -> Option<&Member> {
        self.members.get(idx.as_usize())
    }

    #[inline]
    pub(super) fn find_mut(&mut self, idx: MemberIdx) -> Option<&mut Member> {
        self.members.get_mut(idx.as_usize())
    }

    /// Which of those that may come `next` stands in `text` at `at`.
    #[inline]
    pub(super) fn expected(
        &self,
        next: Next,
        text: &[u8],
        at: usize,
    ) -> Option<(MemberIdx, &Member)> {
        let begins = |idx: MemberIdx| {
            let member = self.members.get(idx.as_usize())?;
            member.literal.stands(text, at).then_some((idx, member))
        };
        begins(next.last()).or_else(|| begins(next.before()))
    }

    /// So many members were as expected.
    #[inline]
    pub(super) fn earn(&mut self, n_expected: usize) {
        self.credit = (self.credit + n_expected).min(CREDIT_MAX);
    }

    /// Pays for learning a literal.
    pub(super) fn pay_learning(&mut self) -> Option<()> {
        self.pay(LEARNING + self.members.len() / LOOKS)
    }

    fn pay(&mut self, cost: usize) -> Option<()> {
        self.credit = self.credit.checked_sub(cost)?;
        Some(())
    }

    /// The member that is written as `literal`, if there is one; nothing, if looking it up costs too much.
    pub(super) fn look_up(&mut self, literal: &[u8]) -> Option<Option<MemberIdx>> {
        // One more than can be paid for: where it comes to that, it is not known if it is there.
        let n_looks_max = (self.credit + 1) * LOOKS;
        let is_it = |idx: MemberIdx| self.members[idx.as_usize()].literal.is(literal);
        let (found, n_looks) = self.index.find(literal, n_looks_max, is_it);
        // What could not be paid for was paid with all there was.
        let has_paid = self.pay(n_looks / LOOKS).is_some();
        if !has_paid {
            self.credit = 0;
        }
        has_paid.then_some(found)
    }

    /// Learns a literal that [`look_up`](Self::look_up) has not found.
    pub(super) fn learn(&mut self, literal: Literal) -> MemberIdx {
        let idx = MemberIdx::new(self.members.len());
        if self.index.is_full() {
            let literals = self.members.iter().map(|member| member.literal.bytes());
            self.index = Index::of(literals);
        }
        self.index.add(literal.bytes(), idx);
        self.members.push(Member {
            literal,
            used: Use::Unknown,
            next: Next::UNKNOWN,
            inner: None,
        });
        idx
    }

    /// From now on `member` is expected after `after`, or at first if that is none.
    pub(super) fn expect(&mut self, after: MemberIdx, member: MemberIdx) {
        let next = match self.members.get_mut(after.as_usize()) {
            Some(after) => &mut after.next,
            None => &mut self.first,
        };
        *next = next.then(member);
    }
}
