//! Access: who may push events into a source.
//!
//! A source without keys takes events from anyone who reaches it. With keys, a client shows one of them in the header
//! `authorization`, as `Bearer KEY` or as `Basic` with name and secret (RFC 6750, RFC 7617).
//!
//! What is shown is compared with every key, in full and over buffers of one length, so that how long it takes tells
//! nothing of how far it was right, nor how long the right one is.
//!
//! *Invariants*: no key is ever written, neither for debugging nor in an error.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use millstream_engine::{Headers, Refusal};
use subtle::{Choice, ConstantTimeEq};

/// How long a key may be, or a name and its secret together, in bytes.
const KEY_BYTES_MAX: usize = 512;

const BEARER_CHALLENGE: &str = r#"Bearer realm="millstream""#;
const BASIC_CHALLENGE: &str = r#"Basic realm="millstream", charset="UTF-8""#;

/// The keys of a source.
#[derive(Clone, Default)]
pub(crate) struct Access {
    bearer: Vec<Key>,
    basic: Vec<Key>,
    /// What is wrong with the first key that is no good.
    bad: Option<BadKey>,
}

/// A key that nobody could show, or that anybody could.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadKey {
    /// It is empty: perhaps a variable that was not set.
    #[error(
        "a {scheme} key of the collector is empty: give one, or leave it out to take events from anyone"
    )]
    Empty { scheme: &'static str },
    /// It is longer than is compared.
    #[error(
        "a {scheme} key of the collector has {bytes} bytes, more than the {KEY_BYTES_MAX} allowed"
    )]
    TooLong { scheme: &'static str, bytes: usize },
    /// It has characters that cannot be sent.
    #[error("a {scheme} key of the collector has characters that cannot be sent as one: {allowed}")]
    CannotBeSent {
        scheme: &'static str,
        allowed: &'static str,
    },
}

impl Access {
    /// Lets in whoever bears `key`.
    pub(crate) fn add_bearer(&mut self, key: &str) {
        let sendable = key.bytes().all(|byte| byte.is_ascii_graphic());
        let allowed = "visible ASCII without spaces";
        match Key::new("bearer", key, sendable, allowed) {
            Ok(key) => self.bearer.push(key),
            Err(bad) => drop(self.bad.get_or_insert(bad)),
        }
    }

    /// Lets in whoever knows the `secret` of `name`.
    pub(crate) fn add_basic(&mut self, name: &str, secret: &str) {
        let sendable =
            !name.contains(':') && !name.chars().chain(secret.chars()).any(char::is_control);
        let allowed = "no colon in the name, and no control characters";
        let is_empty = name.is_empty() || secret.is_empty();
        let both = if is_empty {
            String::new()
        } else {
            format!("{name}:{secret}")
        };
        match Key::new("basic", &both, sendable, allowed) {
            Ok(key) => self.basic.push(key),
            Err(bad) => drop(self.bad.get_or_insert(bad)),
        }
    }

    /// Whether all keys are good.
    ///
    /// # Errors
    /// What is wrong with the first one that is not.
    pub(crate) fn validated(&self) -> Result<(), BadKey> {
        self.bad.clone().map_or(Ok(()), Err)
    }

    /// Lets a client that sends `headers` in, or says why not.
    ///
    /// # Errors
    /// [`Refusal::Unauthorized`].
    pub(crate) fn check(&self, source_name: &str, headers: &Headers) -> Result<(), Refusal> {
        // A key that was no good must not open the door to all.
        let is_open = self.bearer.is_empty() && self.basic.is_empty() && self.bad.is_none();
        if is_open {
            return Ok(());
        }
        let Some(shown) = headers.get("authorization") else {
            return Err(self.refusal(source_name, "the request has no key"));
        };
        let (scheme, credentials) = shown.split_once(' ').unwrap_or((shown, ""));
        let credentials = credentials.trim();
        let fits = if scheme.eq_ignore_ascii_case("bearer") {
            is_among(&self.bearer, credentials.as_bytes())
        } else if scheme.eq_ignore_ascii_case("basic") {
            let shown = STANDARD.decode(credentials).unwrap_or_default();
            is_among(&self.basic, &shown)
        } else {
            return Err(self.refusal(
                source_name,
                "the request shows its key in a way that is not asked for",
            ));
        };
        if fits {
            Ok(())
        } else {
            Err(self.refusal(source_name, "the key of the request is not one of theirs"))
        }
    }

    fn refusal(&self, source_name: &str, reason: &str) -> Refusal {
        let asked = [
            (!self.bearer.is_empty()).then_some(BEARER_CHALLENGE),
            (!self.basic.is_empty()).then_some(BASIC_CHALLENGE),
        ];
        let asked: Vec<_> = asked.into_iter().flatten().collect();
        Refusal::Unauthorized {
            source_name: source_name.to_owned(),
            reason: reason.to_owned(),
            challenge: asked.join(", "),
        }
    }
}

/// Whether `shown` is one of `keys`; takes as long whether it is or not.
fn is_among(keys: &[Key], shown: &[u8]) -> bool {
    // Not a key's length but the bound, which is no secret.
    let Some(shown) = padded(shown) else {
        return false;
    };
    let mut fits = Choice::from(0);
    for key in keys {
        fits |= key.0.ct_eq(&shown);
    }
    fits.into()
}

/// A key with its length, in as many bytes as the longest would need.
#[derive(Clone)]
struct Key(Box<[u8]>);

impl Key {
    fn new(
        scheme: &'static str,
        key: &str,
        can_be_sent: bool,
        allowed: &'static str,
    ) -> Result<Self, BadKey> {
        if key.is_empty() {
            return Err(BadKey::Empty { scheme });
        }
        if !can_be_sent {
            return Err(BadKey::CannotBeSent { scheme, allowed });
        }
        let bytes = key.len();
        padded(key.as_bytes())
            .map(Key)
            .ok_or(BadKey::TooLong { scheme, bytes })
    }
}

fn padded(key: &[u8]) -> Option<Box<[u8]>> {
    let mut buffer = vec![0; size_of::<u64>() + KEY_BYTES_MAX];
    let (length, bytes) = buffer.split_at_mut(size_of::<u64>());
    length.copy_from_slice(&(key.len() as u64).to_le_bytes());
    bytes.get_mut(..key.len())?.copy_from_slice(key);
    Some(buffer.into())
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("bearer_keys", &self.bearer.len())
            .field("basic_keys", &self.basic.len())
            .finish()
    }
}

#[cfg(test)]
mod tests;
