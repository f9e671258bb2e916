//! The maker: event `n` as a function of the seed and `n`.

use std::time::Duration;

use millstream_engine::{EventTime, seconds};

use super::PageView;
use super::draw::{For, below, draw, scale};
use super::world::{N_SLOTS, WORLD};
use crate::event::{Event, Metadata};

const SECOND: u64 = 1_000_000;

/// Every event arrives earlier than this after it happened.
pub(super) const DELAY_MAX: Duration = seconds(120);

/// Makes the events of one stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Maker {
    pub(super) seed: u64,
    pub(super) start: EventTime,
    pub(super) per_second: u64,
}

/// A visit of a user.
struct Session {
    id: u64,
    user: u64,
    device: &'static str,
}

impl Maker {
    /// When event `n` happens: nothing but its place in line decides that.
    #[inline]
    pub(super) fn happens_at(&self, n: u64) -> EventTime {
        let micros = u128::from(n) * u128::from(SECOND) / u128::from(self.per_second);
        let since_start = i64::try_from(micros).unwrap_or(i64::MAX);
        EventTime::from_micros(self.start.micros().saturating_add(since_start))
    }

    /// The first event that happens at `time` or later.
    pub(super) fn first_at(&self, time: EventTime) -> u64 {
        let since_start = i128::from(time.micros()) - i128::from(self.start.micros());
        let micros = u128::try_from(since_start).unwrap_or(0);
        let n = (micros * u128::from(self.per_second)).div_ceil(u128::from(SECOND));
        u64::try_from(n).unwrap_or(u64::MAX)
    }

    /// When event `n` arrives, some time after it happened.
    #[inline]
    pub(super) fn arrives_at(&self, n: u64) -> EventTime {
        let bits = draw(self.seed, For::Delay, n);
        let delay = match below(10_000, bits) {
            0..5 => 40 * SECOND + scale(80 * SECOND, bits),
            5..105 => 2 * SECOND + scale(2 * SECOND, bits),
            // Squared, so that short delays are the most frequent ones.
            _ => scale(2 * SECOND, scale(bits & 0xffff_ffff, bits)),
        };
        EventTime::from_micros(
            self.happens_at(n)
                .micros()
                .saturating_add(delay.cast_signed()),
        )
    }

    pub(super) fn event(&self, n: u64) -> Event<PageView> {
        let session = self.session(n);
        let session_id = session_id(session.id);
        let world = &*WORLD;
        Event {
            event_id: Some(numbered("evt_", n)),
            event_type: Some("PageViewed".to_owned()),
            event_version: Some("1.0".to_owned()),
            timestamp: self.happens_at(n),
            aggregate_id: Some(session_id.clone()),
            data: PageView {
                user_id: numbered("user_", session.user),
                session_id,
                url: world.pages.choose(draw(self.seed, For::Page, n)).clone(),
                referrer: world
                    .referrers
                    .choose(draw(self.seed, For::Referrer, n))
                    .map(str::to_owned),
                country: (*world
                    .countries
                    .choose(draw(self.seed, For::Country, session.user)))
                .to_owned(),
                device: session.device.to_owned(),
                duration_ms: duration_ms(draw(self.seed, For::Duration, n)),
            },
            metadata: Metadata::default(),
        }
    }

    /// The session of event `n`.
    ///
    /// Sessions go on in slots, one after the other; an event falls into any of the slots alike. A slot's sessions have
    /// 10 to 60 events each on average, and begin at other times than those of other slots.
    fn session(&self, n: u64) -> Session {
        let slot = below(N_SLOTS, draw(self.seed, For::Slot, n));
        let length = N_SLOTS * (10 + below(51, draw(self.seed, For::SlotLength, slot)));
        let phase = below(length, draw(self.seed, For::SlotPhase, slot));
        let nth_of_slot = n.saturating_add(phase) / length;
        let id = draw(
            self.seed,
            For::Session,
            nth_of_slot.wrapping_mul(N_SLOTS).wrapping_add(slot),
        );
        Session {
            id,
            user: *WORLD.users.choose(draw(self.seed, For::User, id)),
            device: WORLD.devices.choose(draw(self.seed, For::Device, id)),
        }
    }
}

/// A duration around 8 s; its logarithm is spread as a bell, which the number of bits set in 32 follows closely.
///
/// One bit is half an octave, and between them it is even. A quarter of an hour is not exceeded.
fn duration_ms(bits: u64) -> u32 {
    const MEDIAN_MS: u64 = 8_000;
    const QUARTER_HOUR_MS: u64 = 15 * 60 * 1_000;
    // 2³² × √2
    const ROOT_OF_TWO: u64 = 6_074_000_999;
    let half_octaves = (bits >> 32).count_ones();
    let whole = (MEDIAN_MS << (half_octaves / 2)) >> 8;
    let from = if half_octaves.is_multiple_of(2) {
        whole
    } else {
        (whole * (ROOT_OF_TWO >> 16)) >> 16
    };
    let between = scale(from * 414 / 1_000, bits);
    u32::try_from((from + between).min(QUARTER_HOUR_MS))
        .expect("a quarter of an hour in milliseconds fits")
}

/// `prefix` and a number.
fn numbered(prefix: &str, n: u64) -> String {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut left = n;
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    ascii(prefix, &digits[at..])
}

/// A session's name: twelve hexadecimal digits of its number.
fn session_id(id: u64) -> String {
    let digits: [u8; 12] =
        std::array::from_fn(|i| b"0123456789abcdef"[(id >> (44 - 4 * i)) as usize & 15]);
    ascii("s_", &digits)
}

fn ascii(prefix: &str, digits: &[u8]) -> String {
    let mut text = Vec::with_capacity(prefix.len() + digits.len());
    text.extend_from_slice(prefix.as_bytes());
    text.extend_from_slice(digits);
    String::from_utf8(text).expect("a prefix and digits are text")
}
