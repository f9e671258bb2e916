//! Times as most programs write them, `2025-01-15T10:30:00.123Z`, read without a calendar's full machinery.
//!
//! Every part has its place, so there is nothing to search for. All else that RFC 3339 allows (other offsets, lower case, a
//! leap second, years of which one has to think twice) is not read here.

/// The microseconds since 1970 UTC of a time in UTC with up to nine digits of a fraction; nothing if `text` is not just that.
pub(super) fn micros(text: &[u8]) -> Option<i64> {
    let (to_second, rest) = text.split_first_chunk::<19>()?;
    let [
        y0,
        y1,
        y2,
        y3,
        b'-',
        m0,
        m1,
        b'-',
        d0,
        d1,
        b'T',
        h0,
        h1,
        b':',
        i0,
        i1,
        b':',
        s0,
        s1,
    ] = *to_second
    else {
        return None;
    };
    let year = two(y0, y1)? * 100 + two(y2, y3)?;
    let (month, day) = (two(m0, m1)?, two(d0, d1)?);
    let (hour, minute, second) = (two(h0, h1)?, two(i0, i1)?, two(s0, s1)?);
    let is_of_day = hour < 24 && minute < 60 && second < 60;
    if !(1970..=9000).contains(&year) || !is_of_day || !is_of_month(year, month, day) {
        return None;
    }
    let seconds = (days(year, month, day) * 24 + hour) * 3600 + minute * 60 + second;
    Some(seconds * 1_000_000 + fraction(rest)?)
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    let [tens, ones] = [tens, ones].map(|digit| digit.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

fn is_of_month(year: i64, month: i64, day: i64) -> bool {
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// Days since 1970-01-01. Years are counted from March on, so that a leap day comes last.
///
/// Source: Hinnant, *chrono-Compatible Low-Level Date Algorithms*, `days_from_civil`, for years that are not negative.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

/// Microseconds of `.123Z` or of `Z`; what is finer is cut off.
fn fraction(text: &[u8]) -> Option<i64> {
    let digits = match text {
        b"Z" => return Some(0),
        [b'.', digits @ .., b'Z'] if (1..=9).contains(&digits.len()) => digits,
        _ => return None,
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |n| digits.get(n).map_or(0, |digit| i64::from(digit - b'0'));
    Some((0..6).fold(0, |micros, n| micros * 10 + digit(n)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_calendar(text: &str) -> Option<i64> {
        let time: jiff::Timestamp = text.parse().ok()?;
        Some(i64::try_from(time.as_nanosecond().div_euclid(1000)).unwrap())
    }

    fn check(text: &str, is_plain: bool) {
        let plain = micros(text.as_bytes());
        assert_eq!(plain.is_some(), is_plain, "{text}");
        if is_plain {
            assert_eq!(plain, by_calendar(text), "{text}");
        }
    }

    #[test]
    fn every_day_is_that_of_the_calendar() {
        for year in (1970..2110).chain([2400, 2500, 9000]) {
            for month in 0..=13 {
                for day in 0..=32 {
                    let text = format!("{year}-{month:02}-{day:02}T23:59:59.5Z");
                    assert_eq!(micros(text.as_bytes()), by_calendar(&text), "{text}");
                }
            }
        }
    }

    #[test]
    fn only_what_is_plain_is_read() {
        check("1970-01-01T00:00:00Z", true);
        check("2025-01-15T10:30:00.1Z", true);
        check("2025-01-15T10:30:00.123456789Z", true);
        check("9000-12-31T23:59:59.999999Z", true);
        for other in [
            "",
            "2025-01-15T10:30:00",
            "2025-01-15T10:30:00+00:00",
            "2025-01-15T10:30:00.Z",
            "2025-01-15T10:30:00.1234567891Z",
            "2025-01-15T10:30:00.12a4Z",
            "2025-01-15t10:30:00z",
            "2025-01-15 10:30:00Z",
            "2025-01-15T24:00:00Z",
            "2025-01-15T10:60:00Z",
            "2025-01-15T10:30:60Z",
            "2025-01-15T10:30:0/Z",
            "2025-01-15T1::30:00Z",
            "1969-12-31T23:59:59Z",
            "9001-01-01T00:00:00Z",
            "2025-01-15T10:30:00ZZ",
        ] {
            check(other, false);
        }
    }
}
