//! Shards: which worker a key belongs to.
//!
//! A key hashes with a fixed seed into one of 256 shards; shard `s` belongs to worker `s % workers`. The number of shards
//! never changes, so records and restored state find the same worker whatever the number of workers is. The same hash
//! serves the tables in which keys are looked up: no key is hashed twice.

use std::hash::{Hash, Hasher};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How many shards there are, always.
pub const N_SHARDS: u64 = 256;

/// A share of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(u8);

impl Shard {
    /// The shard of the key with this [`hash_key`].
    #[must_use]
    pub fn of_hash(hash: u64) -> Self {
        // Not the low bits, which choose the bucket in a table, nor the top seven, which tell its entries apart.
        Shard((hash >> 40) as u8)
    }

    /// The shard with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        Shard(number)
    }

    /// Its number, below [`N_SHARDS`].
    #[must_use]
    pub fn number(self) -> u64 {
        u64::from(self.0)
    }
}

/// The hash of a key: xxh3 with a fixed seed over what the key feeds its hasher, on any machine the same.
///
/// # Examples
/// ```
/// use millstream_engine::raw::hash_key;
/// assert_eq!(hash_key("a"), hash_key(&String::from("a")));
/// ```
#[must_use]
pub fn hash_key<K: Hash + ?Sized>(key: &K) -> u64 {
    let mut hasher = KeyHasher(0);
    key.hash(&mut hasher);
    hasher.finish()
}

/// Chains xxh3 over the pieces that a key consists of; a number is mixed in by one multiplication.
struct KeyHasher(u64);

impl KeyHasher {
    fn mix(&mut self, n: u64) {
        let wide =
            u128::from(self.0 ^ n ^ 0x9E37_79B9_7F4A_7C15) * u128::from(0xD1B5_4A32_D192_ED03_u64);
        self.0 = (wide as u64) ^ ((wide >> 64) as u64);
    }
}

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }
    fn write_u8(&mut self, n: u8) {
        // The end of a text: its bytes are mixed already.
        self.0 = self.0.rotate_left(5) ^ u64::from(n);
    }
    fn write_u16(&mut self, n: u16) {
        self.mix(n.into());
    }
    fn write_u32(&mut self, n: u32) {
        self.mix(n.into());
    }
    fn write_u64(&mut self, n: u64) {
        self.mix(n);
    }
    fn write_u128(&mut self, n: u128) {
        self.write(&n.to_le_bytes());
    }
    fn write_usize(&mut self, n: usize) {
        self.mix(n as u64);
    }
    fn write_i16(&mut self, n: i16) {
        self.mix(n as u64);
    }
    fn write_i32(&mut self, n: i32) {
        self.mix(n as u64);
    }
    fn write_i64(&mut self, n: i64) {
        self.mix(n as u64);
    }
    fn write_isize(&mut self, n: isize) {
        self.mix(n as u64);
    }
}
