//! Brackets: where JSON begins and ends, told without parsing it.
//!
//! Strings are passed over, so that the brackets in them do not count; of the brackets that do, only the depth is kept. All
//! of it is one pass over the bytes, whatever they are.

/// Where the string that begins at `open` ends.
pub(super) fn closing_quote(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// Whether everything that is opened in `line` is closed in it, and nothing else is.
pub(super) fn are_closed(line: &[u8]) -> bool {
    let (mut at, mut depth) = (0, 0_usize);
    while at < line.len() {
        match line[at] {
            b'"' => match closing_quote(line, at) {
                Some(closing) => at = closing,
                None => return false,
            },
            b'[' | b'{' => depth += 1,
            b']' | b'}' => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            _ => {}
        }
        at += 1;
    }
    depth == 0
}

/// Whether what is opened at the beginning of `bytes` is closed at their end, and not before.
///
/// A string ends with its line at the latest: JSON has none of several lines, and a quote that is missing in one line
/// must not turn the next ones inside out.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    let (mut at, mut depth) = (0, 0_usize);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let rest = &bytes[at..];
                let line = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                at += closing_quote(&rest[..line], 0).unwrap_or(line - 1);
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => match depth.checked_sub(1) {
                Some(0) => return at + 1 == bytes.len(),
                Some(less) => depth = less,
                None => return false,
            },
            _ => {}
        }
        at += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_closed() {
        for line in ["", "1", "{}", r#"{"a":[1,{}]}"#, r#"{"]":"\"}"} {}"#, "[}"] {
            assert!(are_closed(line.as_bytes()), "{line}");
        }
        for line in ["{", "}", "}{", r#"{"a":["#, r#"{"a":"}"#, "\"", "\"\\"] {
            assert!(!are_closed(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn one_thing_from_beginning_to_end() {
        for one in ["{}", "{\n}", "{\"a\n}", "[{]}", "{\"\\\"}\"\n}"] {
            assert!(is_one(one.as_bytes()), "{one}");
        }
        for other in [
            "",
            "1",
            "{",
            "{}{}",
            "{}\n",
            "}",
            "{\"a\":1}\n{\"b\":1}",
            "{\"}",
        ] {
            assert!(!is_one(other.as_bytes()), "{other}");
        }
    }
}
