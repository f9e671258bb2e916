//! Event time: when something happened, as the record itself says.
//!
//! An [`EventTime`] is a count of microseconds since 1970-01-01T00:00:00Z. It is read from text by RFC 3339 (an offset is
//! required: a time without one does not say when it was) and written back in UTC. Finer fractions than microseconds are
//! cut off, not rounded. Two values stand outside the calendar: [`EventTime::MIN`], "nothing promised yet", and
//! [`EventTime::MAX`], "nothing more will come"; arithmetic saturates at both.

mod plain;

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

const MINUTE_MICROS: i64 = 60 * 1_000_000;
const HOUR_MICROS: i64 = 60 * MINUTE_MICROS;

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

    /// The day this lies in, in UTC: the part of its text before the `T`. What lies outside the calendar is `infinity`
    /// or `-infinity`.
    ///
    /// # Examples
    /// ```
    /// use millstream_engine::EventTime;
    /// let time: EventTime = "2015-07-15T00:30:00+02:00".parse().unwrap();
    /// assert_eq!(time.date(), "2015-07-14");
    /// ```
    #[must_use]
    pub fn date(self) -> String {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(timestamp) => jiff::tz::Offset::UTC
                .to_datetime(timestamp)
                .date()
                .to_string(),
            Err(_) => self.to_string(),
        }
    }

    /// The hour of the day, in UTC: 0 to 23.
    ///
    /// # Examples
    /// ```
    /// use millstream_engine::EventTime;
    /// assert_eq!(EventTime::from_micros(-1).hour(), 23);
    /// ```
    #[must_use]
    pub const fn hour(self) -> u32 {
        (self.0.div_euclid(HOUR_MICROS)).rem_euclid(24) as u32
    }

    /// The hour and minute of the day, in UTC: `"00:00"` to `"23:59"`.
    ///
    /// # Examples
    /// ```
    /// use millstream_engine::EventTime;
    /// let time: EventTime = "2015-07-15T09:05:59.9Z".parse().unwrap();
    /// assert_eq!(time.hour_minute(), "09:05");
    /// ```
    #[must_use]
    pub fn hour_minute(self) -> String {
        let minute = self.0.rem_euclid(HOUR_MICROS) / MINUTE_MICROS;
        let (hour, minute) = (self.hour() as u8, minute as u8);
        let digits = [hour / 10, hour % 10, 10, minute / 10, minute % 10];
        digits
            .map(|digit| char::from(b'0' + digit))
            .iter()
            .collect()
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
        match plain::micros(text.as_bytes()) {
            Some(micros) => Ok(EventTime(micros)),
            None => from_any_text(text),
        }
    }
}

/// Reads all of RFC 3339.
fn from_any_text(text: &str) -> Result<EventTime, ParseTimeError> {
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

/// `n` days of 24 hours.
#[must_use]
pub const fn days(n: u64) -> Duration {
    Duration::from_secs(n.saturating_mul(86_400))
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

    /// Day, hour and minute are the digits of the whole text.
    fn check_parts(micros: i64, date: &str, hour_minute: &str) {
        let time = EventTime(micros);
        assert_eq!((&*time.date(), &*time.hour_minute()), (date, hour_minute));
        let text = time.to_string();
        assert!(
            text.starts_with(&format!("{date}T{hour_minute}:")),
            "{text}"
        );
        assert_eq!(
            text.split('T').nth(1).expect("it has a T")[..2],
            format!("{:02}", time.hour())
        );
    }

    #[test]
    fn parts_of_a_time() {
        check_parts(0, "1970-01-01", "00:00");
        check_parts(-1, "1969-12-31", "23:59");
        check_parts(1_436_918_400_000_000 - 1, "2015-07-14", "23:59");
        check_parts(1_436_918_400_000_000, "2015-07-15", "00:00");
        check_parts(951_782_400_000_000 + 3_660_000_000, "2000-02-29", "01:01");
        check_parts(-62_198_755_200_000_000, "-000001-01-01", "00:00");
        check_parts(253_402_207_199_999_999, "9999-12-30", "21:59");
        assert_eq!(
            EventTime(253_402_300_800_000_000).date(),
            "infinity",
            "as its text is"
        );
        assert_eq!(EventTime::MIN.date(), "-infinity");
        assert!(EventTime::MAX.hour() < 24 && EventTime::MIN.hour() < 24);
        for hour in 0..24 {
            assert_eq!(EventTime(HOUR_MICROS * i64::from(hour)).hour(), hour);
        }
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
