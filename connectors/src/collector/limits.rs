//! Limits: how much a collector takes at once, so that no client can make it hold more.
//!
//! ```text
//!  body as sent ── body_bytes ──▶ decompressed ── decoded_bytes ──▶ events ── body_events ──▶ each ── event_bytes
//! ```

/// What a collector takes at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many bytes a body may have as it is sent.
    pub(crate) body_bytes: usize,
    /// How many bytes a body that was compressed may have when it no longer is.
    pub(crate) decoded_bytes: usize,
    /// How many events a body may have.
    pub(crate) body_events: usize,
    /// How many bytes an event may have.
    pub(crate) event_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body_bytes: 16 * 1024 * 1024,
            decoded_bytes: 64 * 1024 * 1024,
            body_events: 100_000,
            event_bytes: 1024 * 1024,
        }
    }
}
