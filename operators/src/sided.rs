//! Two streams in one: what a step that joins is given.

use std::rc::Rc;

use millstream_engine::{Data, KeyOf};
use serde::{Deserialize, Serialize};

/// A record of one of two streams that are joined.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Sided<L, R> {
    /// Of the stream that the verb is called on.
    Left(L),
    /// Of the other one.
    Right(R),
}

/// The key of a record of either side.
pub(crate) struct KeyOfSide<KL, KR> {
    pub(crate) left: Rc<KL>,
    pub(crate) right: Rc<KR>,
}

impl<L: Data, R: Data, KL, KR> KeyOf<Sided<L, R>> for KeyOfSide<KL, KR>
where
    KL: KeyOf<L>,
    KR: KeyOf<R, Key = KL::Key>,
{
    type Key = KL::Key;
    fn hash(&self, record: &Sided<L, R>) -> u64 {
        match record {
            Sided::Left(left) => self.left.hash(left),
            Sided::Right(right) => self.right.hash(right),
        }
    }
    fn is(&self, record: &Sided<L, R>, key: &KL::Key) -> bool {
        match record {
            Sided::Left(left) => self.left.is(left, key),
            Sided::Right(right) => self.right.is(right, key),
        }
    }
    fn take(&self, record: &Sided<L, R>) -> KL::Key {
        match record {
            Sided::Left(left) => self.left.take(left),
            Sided::Right(right) => self.right.take(right),
        }
    }
}
