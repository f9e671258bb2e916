//! What is noted of a pane, beside its state.
//!
//! A pane is noted when it changes, once for each that wants to hear of it: for those who are shown what changed since it
//! was last shown, and for the snapshot. So a change of a pane that is noted already costs one test of these flags.
//!
//! What changed between two freezes is flagged with one of two flags, in turn: a freeze changes no pane, it only changes
//! which of the two says *touched* and which *frozen*.

/// A set of flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags(u8);

impl Flags {
    pub(super) const NONE: Flags = Flags(0);
    /// The pane has changed since it was last shown.
    pub(super) const CHANGED: Flags = Flags(1);
    /// The pane is in a snapshot.
    pub(super) const SAVED: Flags = Flags(2);
    /// The row is known to whoever is shown what changes.
    pub(super) const SHOWN: Flags = Flags(16);
    /// The window has ended.
    pub(super) const ENDED: Flags = Flags(32);
    /// The pane has changed since one freeze or the other.
    const TURNS: [Flags; 2] = [Flags(4), Flags(8)];

    /// The flag of the changes before the first freeze.
    pub(super) fn first_turn() -> Flags {
        Flags::TURNS[0]
    }

    /// Of the two flags that take turns, the other one.
    pub(super) fn other_turn(self) -> Flags {
        let [a, b] = Flags::TURNS;
        if self == a { b } else { a }
    }

    /// These and those of `others`.
    pub(super) fn with(self, others: Flags) -> Flags {
        Flags(self.0 | others.0)
    }

    /// Whether all of `others` are set.
    pub(super) fn has(self, others: Flags) -> bool {
        self.0 & others.0 == others.0
    }

    /// Whether any of `others` is set.
    pub(super) fn has_any(self, others: Flags) -> bool {
        self.0 & others.0 != 0
    }

    pub(super) fn set(&mut self, others: Flags) {
        self.0 |= others.0;
    }

    /// Clears `others`; whether all of them were set.
    pub(super) fn take(&mut self, others: Flags) -> bool {
        let had = self.has(others);
        self.0 &= !others.0;
        had
    }
}
