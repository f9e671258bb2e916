//! Scanning: where a value of JSON text ends, found without making a value of it.
//!
//! Each function is given all the text and the place where something begins, and gives the place after its end, or nothing
//! if it is not what JSON allows there: the grammar is checked whole, as closely as a parser would. Text is gone through
//! sixteen bytes at a time, since what ends it (a quote, a backslash, a control character) is rare.
//!
//! *Invariant*: whatever these functions accept, a parser accepts too.

use wide::u8x16;

/// How many bytes are looked at together.
const VECTOR: usize = 16;

/// The place of the quote that closes the text beginning at `at`, if no escape and no control character comes before it.
#[inline]
pub(super) fn plain_text_end(bytes: &[u8], at: usize) -> Option<usize> {
    let end = first_special(bytes, at)?;
    (bytes[end] == b'"').then_some(end)
}

/// The place after the closing quote of the text beginning at `at`; escapes are checked, but not whether surrogates pair.
pub(super) fn text_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at = first_special(bytes, at)?;
        match bytes[at] {
            b'"' => return Some(at + 1),
            b'\\' => at = escape_end(bytes, at + 1)?,
            _ => return None,
        }
    }
}

fn escape_end(bytes: &[u8], at: usize) -> Option<usize> {
    match *bytes.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
        b'u' => {
            let digits = bytes.get(at + 1..at + 5)?;
            digits.iter().all(u8::is_ascii_hexdigit).then_some(at + 5)
        }
        _ => None,
    }
}

/// The place of the first quote, backslash or control character from `at` on.
#[inline]
fn first_special(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(vector) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let specials = specials(vector);
        if specials != 0 {
            return Some(at + specials.trailing_zeros() as usize);
        }
        at += VECTOR;
    }
    first_special_at_end(bytes, at)
}

/// As [`first_special`], where less than a vector is left: looks at the last one there is, and not at what is before `at`.
fn first_special_at_end(bytes: &[u8], at: usize) -> Option<usize> {
    let Some(vector) = bytes.last_chunk() else {
        let is_special = |&byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
        return Some(at + bytes.get(at..)?.iter().position(is_special)?);
    };
    let before = at.checked_sub(bytes.len() - VECTOR)?;
    let specials = specials(vector).checked_shr(u32::try_from(before).ok()?)?;
    (specials != 0).then(|| at + specials.trailing_zeros() as usize)
}

/// Has a bit for each byte that is a quote, a backslash or a control character, the lowest for the first.
#[inline]
fn specials(bytes: &[u8; VECTOR]) -> u32 {
    let bytes = u8x16::new(*bytes);
    let quotes = bytes.cmp_eq(u8x16::splat(b'"'));
    let backslashes = bytes.cmp_eq(u8x16::splat(b'\\'));
    let controls = bytes.cmp_eq(bytes.min(u8x16::splat(0x1f)));
    (quotes | backslashes | controls)
        .move_mask()
        .cast_unsigned()
}

const ONES: u64 = u64::from_le_bytes([0x01; 8]);
const HIGH: u64 = u64::from_le_bytes([0x80; 8]);

/// The digits that `word` begins with, as many low bytes of it, and how many they are: 8 if all are.
#[inline]
fn digits(word: u64) -> usize {
    // Exclusive or makes them 0 to 9, to which 0x76 can be added below the high bit. Of anything else the sum has that bit,
    // or it has it already, and nothing is carried to the next byte.
    let digits = word ^ (ONES * u64::from(b'0'));
    let others = (digits | (digits & !HIGH).wrapping_add(ONES * 0x76)) & HIGH;
    others.trailing_zeros() as usize / 8
}

/// The integer of up to 8 digits at the beginning of `text`, and how many they are; nothing near the end of the text.
#[inline]
pub(super) fn short_integer(text: &[u8]) -> Option<(i64, usize)> {
    let word = u64::from_le_bytes(*text.first_chunk::<8>()?);
    let n = digits(word);
    if n == 0 {
        return Some((0, 0));
    }
    // The last digit comes to stand in the highest byte, and what is shifted in below counts as zeros.
    let word = (word & (ONES * 0x0f)) << (64 - 8 * n);
    // Two digits a byte pair, then four, then all eight, each added up by one multiplication.
    let pairs = word.wrapping_mul(10).wrapping_add(word >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    let all = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff;
    Some((all.cast_signed(), n))
}

/// The place after the integer of up to 16 digits beginning at `at`, if another member or nothing comes right after it.
#[inline]
pub(super) fn plain_integer_end(bytes: &[u8], at: usize) -> Option<usize> {
    let text = bytes.get(at..)?;
    let mut n = digits(u64::from_le_bytes(*text.first_chunk::<8>()?));
    if n == 8 {
        n += digits(u64::from_le_bytes(*text[8..].first_chunk::<8>()?));
    }
    let has_end = matches!(text.get(n), Some(b',' | b'}'));
    let has_zeros = n > 1 && text[0] == b'0';
    (n > 0 && has_end && !has_zeros).then_some(at + n)
}

/// The place after the number beginning at `at`.
pub(super) fn number_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + usize::from(bytes.get(at) == Some(&b'-'));
    let first = at;
    at = digits_end(bytes, at)?;
    if bytes[first] == b'0' && at > first + 1 {
        return None;
    }
    if bytes.get(at) == Some(&b'.') {
        at = digits_end(bytes, at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        at = digits_end(bytes, at)?;
    }
    Some(at)
}

/// The place after the digits beginning at `at`, of which there is one at least.
fn digits_end(bytes: &[u8], at: usize) -> Option<usize> {
    let n = bytes
        .get(at..)?
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    (n > 0).then_some(at + n)
}

/// The place after `word`, if it stands at `at`.
#[inline]
pub(super) fn word_end(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    bytes
        .get(at..)?
        .starts_with(word)
        .then_some(at + word.len())
}

/// The place of the first byte from `at` on that is no white space, which may be the end.
#[inline]
pub(super) fn space_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\r' | b'\n') = bytes.get(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str, plain: Option<usize>, any: Option<usize>) {
        for before in 0..9 {
            let padded = "x".repeat(before) + text;
            let moved = |end: Option<usize>| end.map(|end| end + before);
            let bytes = padded.as_bytes();
            assert_eq!(plain_text_end(bytes, before), moved(plain), "{text:?}");
            assert_eq!(text_end(bytes, before), moved(any), "{text:?}");
        }
    }

    #[test]
    fn text_ends_at_its_quote() {
        text("\"", Some(0), Some(1));
        text("abc\", \"d\"", Some(3), Some(4));
        text("0123456789é!#[]\u{7f}\u{80}\"", Some(19), Some(20));
        text("abc", None, None);
        text("", None, None);
        text(r#"a\"b","c""#, None, Some(5));
        text(r#"\u00e9\ud800\/\\""#, None, Some(17));
        text(r#"\u00g9""#, None, None);
        text(r#"\x""#, None, None);
        text(r"\u00", None, None);
        text("0123456\u{1f}\"", None, None);
        text("01234567\u{0}\"", None, None);
        text("0123456789abcdef\n\"", None, None);
    }

    #[test]
    fn every_byte_is_told_apart_at_every_place() {
        for byte in 0..=u8::MAX {
            for place in 0..20 {
                let mut bytes = vec![b'a'; 20];
                bytes[place] = byte;
                bytes.push(b'"');
                let end = match byte {
                    b'"' => Some(place),
                    b'\\' | ..0x20 => None,
                    _ => Some(20),
                };
                assert_eq!(plain_text_end(&bytes, 0), end, "{byte:#x} at {place}");
            }
        }
    }

    #[test]
    fn short_integers_are_read_up_to_what_is_no_digit() {
        assert_eq!(short_integer(b"1234567"), None);
        assert_eq!(short_integer(b"12345678"), Some((12_345_678, 8)));
        assert_eq!(short_integer(b"00000000"), Some((0, 8)));
        for n in 0..8 {
            for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_digit()) {
                let mut text = *b"98765432";
                text[n] = byte;
                let digits = std::str::from_utf8(&text[..n]).unwrap();
                let number = digits.parse().unwrap_or(0);
                assert_eq!(short_integer(&text), Some((number, n)), "{byte:#x} at {n}");
            }
        }
    }

    #[test]
    fn plain_integers_end_where_numbers_do() {
        for before in ["", "0", "-", "1."] {
            for n in 0..20 {
                for after in [",", "}", " ", ".5", "e", "-", "x", ""] {
                    for padding in ["", "0123456789abcdef"] {
                        let digits = &"98765432109876543210"[..n];
                        let text = format!("{before}{digits}{after}{padding}");
                        let end = plain_integer_end(text.as_bytes(), 0);
                        if end.is_some() {
                            assert_eq!(end, number_end(text.as_bytes(), 0), "{text}");
                        }
                        let is_plain = before.is_empty() && (1..17).contains(&n);
                        let has_end = matches!(after, "," | "}") && !padding.is_empty();
                        assert!(end.is_some() || !is_plain || !has_end, "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn numbers_end_where_the_grammar_says() {
        for (text, end) in [
            ("0", Some(1)),
            ("-0", Some(2)),
            ("12,", Some(2)),
            ("1.50e+10}", Some(8)),
            ("-1E-2", Some(5)),
            ("1e400", Some(5)),
            ("01", None),
            ("-01", None),
            ("-", None),
            ("", None),
            (".5", None),
            ("1.", None),
            ("1.e5", None),
            ("1e", None),
            ("1e+", None),
            ("+1", None),
            ("0x1", Some(1)),
        ] {
            assert_eq!(number_end(text.as_bytes(), 0), end, "{text}");
        }
    }
}
