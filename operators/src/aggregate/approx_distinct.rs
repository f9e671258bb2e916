//! About how many different values there are, in a few kilobytes however many.
//!
//! A HyperLogLog sketch with 2¹⁴ registers. Up to about 1,500 different values it keeps 32 bits of the hash of each and
//! is as good as exact; beyond, 16,384 registers of one byte. Which of the two, and what is in it, depends only on the set
//! of values. Two estimates can be read off the registers: the usual one follows the order in which they grew, and a merge
//! has no such order; so the other one is read, always. It errs by 0.8 % (one standard deviation).
//!
//! Source: Flajolet et al., *HyperLogLog*, AofA 2007; with the estimator and the bytes of Apache DataSketches.

use std::hash::Hash;
use std::marker::PhantomData;

use datasketches::hll::{HllSketch, HllType, HllUnion};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use super::Aggregate;

/// 2¹⁴ registers.
const LG_REGISTERS: u8 = 14;

/// Keeps a sketch of the different values; made by [`Of::approx_count_distinct`](super::Of::approx_count_distinct).
pub struct ApproxCountDistinct<Q: ?Sized, F> {
    name: String,
    value: F,
    given: PhantomData<fn() -> Box<Q>>,
}

impl<Q: ?Sized, F> ApproxCountDistinct<Q, F> {
    pub(super) fn new(name: &str, value: F) -> Self {
        ApproxCountDistinct {
            name: name.into(),
            value,
            given: PhantomData,
        }
    }
}

/// A sketch of a set of values.
#[derive(Clone, Debug)]
pub struct DistinctSketch(HllUnion);

impl Default for DistinctSketch {
    fn default() -> Self {
        DistinctSketch(HllUnion::new(LG_REGISTERS).expect("14 is between 4 and 21"))
    }
}

impl DistinctSketch {
    fn merge(&mut self, other: &Self) {
        self.0.update(&other.0.to_sketch(HllType::Hll8));
    }

    fn estimate(&self) -> u64 {
        self.0.composite_estimate().round() as u64
    }
}

impl<T, Q, F> Aggregate<T> for ApproxCountDistinct<Q, F>
where
    Q: ?Sized + Hash + 'static,
    F: for<'a> Fn(&'a T) -> Option<&'a Q> + 'static,
{
    type State = DistinctSketch;
    type Output = u64;

    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn add(&self, state: &mut DistinctSketch, record: &T) {
        if let Some(value) = (self.value)(record) {
            state.0.update_value(value);
        }
    }

    fn merge(&self, state: &mut DistinctSketch, other: DistinctSketch) {
        state.merge(&other);
    }

    fn output(&self, state: &DistinctSketch) -> u64 {
        state.estimate()
    }

    fn heap_bytes(&self, state: &DistinctSketch) -> usize {
        state.0.estimated_size()
    }

    fn kind(&self) -> String {
        "approx_count_distinct".into()
    }
}

impl Serialize for DistinctSketch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0.to_sketch(HllType::Hll8).serialize())
    }
}

impl<'de> Deserialize<'de> for DistinctSketch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(SketchBytes)
    }
}

struct SketchBytes;

impl<'de> Visitor<'de> for SketchBytes {
    type Value = DistinctSketch;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the bytes of a HyperLogLog sketch with 2^14 registers")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<DistinctSketch, E> {
        let sketch = HllSketch::deserialize(bytes).map_err(E::custom)?;
        if sketch.lg_config_k() != LG_REGISTERS {
            let found = sketch.lg_config_k();
            return Err(E::custom(format!(
                "the sketch has 2^{found} registers, not 2^{LG_REGISTERS}"
            )));
        }
        let mut state = DistinctSketch::default();
        state.0.update(&sketch);
        Ok(state)
    }

    // Formats of text write bytes as a list of numbers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<DistinctSketch, A::Error> {
        let mut bytes = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(1 << 15));
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}
