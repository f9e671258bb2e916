//! Event time: when something happened, as the record itself says.
//!
//! An [`EventTime`] is a count of microseconds since 1970-01-01T00:00:00Z. It is read from text by RFC 3339 (an offset is
//! required: a time without one does not say when it was) and written back in UTC. Finer fractions than microseconds are
//! cut off, not rounded. Two values stand outside the calendar: [`EventTime::MIN`], "nothing promised yet", and
//! [`EventTime::MAX`], "nothing more will come"; arithmetic saturates at both.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A point in event time, in microseconds since 1970 UTC.
///
/// # Examples
/// ```
/// use millstream_engine::EventTime;
/// let time: EventTime = "2025-01-15T11:30:00.1234567+01:00".parse().unwrap();
/// assert_eq!(time.to_string(), "2025-01-15T10:30:00.123456Z");
/// assert!("2025-01-15T11:30:00".parse::<EventTime>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EventTime(i64);

/// Text that is not an RFC 3339 time with an offset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an RFC 3339 time with an offset, such as 2025-01-15T10:30:00Z: {reason}")]
pub struct ParseTimeError {
    text: String,
    reason: String,
}

impl EventTime {
    /// Before every event: the watermark of a partition that has promised nothing.
    pub const MIN: EventTime = EventTime(i64::MIN);
    /// After every event: the watermark of a stream that has ended.
    pub const MAX: EventTime = EventTime(i64::MAX);

    /// The time `micros` microseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        EventTime(micros)
    }

    /// The time `millis` milliseconds after 1970-01-01T00:00:00Z; saturates.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        EventTime(millis.saturating_mul(1000))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whether this is a time of the calendar, neither [`EventTime::MIN`] nor [`EventTime::MAX`].
    #[must_use]
    pub fn is_finite(self) -> bool {
        self != Self::MIN && self != Self::MAX
    }

    /// This time, or `None` where it is [`EventTime::MIN`] or [`EventTime::MAX`].
    #[must_use]
    pub fn finite(self) -> Option<Self> {
        self.is_finite().then_some(self)
    }

    /// Later by `by`; `MIN` and `MAX` stay what they are.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        if !self.is_finite() {
            return self;
        }
        EventTime(self.0.saturating_add(micros_of(by)))
    }

    /// Earlier by `by`; `MIN` and `MAX` stay what they are.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        if !self.is_finite() {
            return self;
        }
        EventTime(self.0.saturating_sub(micros_of(by)))
    }

    /// How much later this is than `earlier`; zero where it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// `by` in whole microseconds, at most `i64::MAX`.
pub(crate) fn micros_of(by: Duration) -> i64 {
    i64::try_from(by.as_micros()).unwrap_or(i64::MAX)
}

impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp}"),
            Err(_) if self.0 < 0 => f.write_str("-infinity"),
            Err(_) => f.write_str("infinity"),
        }
    }
}

impl fmt::Debug for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for EventTime {
    type Err = ParseTimeError;

    fn from_str(text: &str) -> Result<Self, ParseTimeError> {
        let parsed = text.parse::<jiff::Timestamp>().or_else(|error| {
            // jiff reads nanoseconds at most; what is beyond is cut off here like everything below a microsecond.
            cut_fraction(text)
                .ok_or(())
                .and_then(|cut| cut.parse().map_err(|_| ()))
                .map_err(|()| error)
        });
        match parsed {
            Ok(timestamp) => Ok(EventTime(
                i64::try_from(timestamp.as_nanosecond().div_euclid(1000)).unwrap_or(i64::MAX),
            )),
            Err(error) => Err(ParseTimeError {
                text: text.chars().take(64).collect(),
                reason: error.to_string(),
            }),
        }
    }
}

/// `text` with its fraction of a second cut to nine digits, if it has more.
fn cut_fraction(text: &str) -> Option<String> {
    let dot = text.find('.')?;
    let digits = text[dot + 1..]
        .bytes()
        .take_while(u8::is_ascii_digit)
        .count();
    (digits > 9).then(|| format!("{}{}", &text[..dot + 10], &text[dot + 1 + digits..]))
}

impl Serialize for EventTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for EventTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(TextVisitor)
        } else {
            i64::deserialize(deserializer).map(EventTime)
        }
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = EventTime;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an RFC 3339 time with an offset")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<EventTime, E> {
        text.parse().map_err(E::custom)
    }
}

/// `n` milliseconds.
#[must_use]
pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// `n` seconds.
#[must_use]
pub const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// `n` minutes.
#[must_use]
pub const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n.saturating_mul(60))
}

/// `n` hours.
#[must_use]
pub const fn hours(n: u64) -> Duration {
    Duration::from_secs(n.saturating_mul(3600))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, micros: Option<i64>) {
        assert_eq!(text.parse().ok().map(EventTime::micros), micros, "{text}");
    }

    #[test]
    fn rfc_3339_with_any_offset() {
        check("1970-01-01T00:00:00Z", Some(0));
        check("1970-01-01T01:00:00+01:00", Some(0));
        check("1970-01-01t00:00:00.5z", Some(500_000));
        check("1970-01-01T00:00:00.0000019Z", Some(1));
        check("1969-12-31T23:59:59.9999999Z", Some(-1));
        check("1970-01-01T00:00:00.00000199999999999999Z", Some(1));
        check("1970-01-01T00:00:00", None);
        check("1970-01-01", None);
        check("1970-13-01T00:00:00Z", None);
        check("", None);
    }

    #[test]
    fn infinities_stay() {
        assert_eq!(EventTime::MAX.minus(seconds(1)), EventTime::MAX);
        assert_eq!(EventTime::MIN.plus(seconds(1)), EventTime::MIN);
        assert_eq!(
            EventTime::from_micros(5).since(EventTime::from_micros(7)),
            Duration::ZERO
        );
    }
}
