//! Passing over: where any value ends, however it is nested.
//!
//! What nobody asks for must be valid all the same, or the record is not JSON. Nesting is kept as one bit a level, so
//! there is no recursion; what is nested deeper than there are bits is left to a parser.

use super::scan::{number_end, space_end, text_end, word_end};

/// How deep a value may be nested that is passed over here.
pub(super) const DEPTH_MAX: u32 = u64::BITS;

/// The place after the value beginning at `at`; nothing if it is not valid, or nested too deep.
#[inline]
pub(super) fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    match *bytes.get(at)? {
        b'{' | b'[' => nested_end(bytes, at),
        first => scalar_end(bytes, at, first),
    }
}

#[inline]
fn scalar_end(bytes: &[u8], at: usize, first: u8) -> Option<usize> {
    match first {
        b'"' => text_end(bytes, at + 1),
        b'-' | b'0'..=b'9' => number_end(bytes, at),
        b't' => word_end(bytes, at, b"true"),
        b'f' => word_end(bytes, at, b"false"),
        b'n' => word_end(bytes, at, b"null"),
        _ => None,
    }
}

fn nested_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    // The lowest bit is that of the innermost bracket: 1 for an object.
    let (mut brackets, mut depth) = (0_u64, 0_u32);
    loop {
        // A value begins here.
        let first = *bytes.get(at)?;
        if matches!(first, b'{' | b'[') {
            let is_object = first == b'{';
            at = space_end(bytes, at + 1);
            if *bytes.get(at)? == closing(is_object) {
                at += 1;
            } else {
                if depth == DEPTH_MAX {
                    return None;
                }
                depth += 1;
                brackets = brackets << 1 | u64::from(is_object);
                if is_object {
                    at = name_end(bytes, at)?;
                }
                continue;
            }
        } else {
            at = scalar_end(bytes, at, first)?;
        }
        // A value has ended here, and with it perhaps what it is in.
        loop {
            if depth == 0 {
                return Some(at);
            }
            let is_object = brackets & 1 == 1;
            at = space_end(bytes, at);
            match *bytes.get(at)? {
                b',' => {
                    at = space_end(bytes, at + 1);
                    if is_object {
                        at = name_end(bytes, at)?;
                    }
                    break;
                }
                byte if byte == closing(is_object) => {
                    at += 1;
                    depth -= 1;
                    brackets >>= 1;
                }
                _ => return None,
            }
        }
    }
}

fn closing(is_object: bool) -> u8 {
    if is_object { b'}' } else { b']' }
}

/// The place of the value whose name begins at `at`.
fn name_end(bytes: &[u8], at: usize) -> Option<usize> {
    let quote = word_end(bytes, at, b"\"")?;
    let colon = space_end(bytes, text_end(bytes, quote)?);
    Some(space_end(bytes, word_end(bytes, colon, b":")?))
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::*;

    #[test]
    fn a_value_ends_where_a_parser_says() {
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        let full =
            r#"{"a":[1,-2.5e3,"x\"y",{},[],{"b":null}],"c" : {"d":true , "e":false},"é":""}"#;
        for (text, is_valid) in [
            (full, true),
            (" {}", false),
            ("{ }", true),
            ("[ ]", true),
            ("[1 , 2 ]", true),
            ("[1,]", false),
            ("[,1]", false),
            ("[1 2]", false),
            ("[1}", false),
            ("{\"a\":1]", false),
            ("{\"a\":1,}", false),
            ("{\"a\",1}", false),
            ("{\"a\":}", false),
            ("{a:1}", false),
            ("{1:1}", false),
            ("[tru]", false),
            ("[nulll]", false),
            ("[\"\n\"]", false),
            (&deep(64), true),
            (&deep(66), false),
            (&"[".repeat(100_000), false),
        ] {
            let end = value_end(text.as_bytes(), 0);
            assert_eq!(end.is_some(), is_valid, "{text}");
            if let Some(end) = end {
                assert_eq!(end, text.len(), "{text}");
                serde_json::from_str::<IgnoredAny>(text).unwrap();
            }
        }
        for end in 0..full.len() {
            assert_eq!(value_end(&full.as_bytes()[..end], 0), None);
        }
    }
}
