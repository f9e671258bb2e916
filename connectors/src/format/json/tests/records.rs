//! Records that a producer might write, and what becomes of them on the way.

use crate::testing::Random;

/// Writes records in a way of its own: the order of the names, the spaces, what is left out.
pub(super) struct Producer {
    names: Vec<&'static str>,
    comma: &'static str,
    colon: &'static str,
    /// How often, of a thousand, something is not as usual.
    oddity: usize,
}

const NAMES: [&str; 17] = [
    "eventId",
    "id",
    "n",
    "name",
    "text",
    "flag",
    "x",
    "inner",
    "boxed",
    "kind",
    "time",
    "list",
    "numbers",
    "pair",
    "kinds",
    "timestamp",
    "data",
];

const ODD_NAMES: [&str; 12] = [
    "TITLE",
    "X",
    "é",
    "",
    "i\\u0064",
    "a very long name that is much longer than what fits in one word or in two",
    "id ",
    "Id",
    "metadata",
    "eventId",
    "a\\\"b",
    "kind\\n",
];

/// What a type that does not look closely might take for good.
pub(super) const ODD_RECORDS: [&str; 30] = [
    "{}",
    " {} ",
    "[]",
    "null",
    "\"\"",
    "{\"id\":}",
    "{\"id\" : }",
    "{\"n\":,\"id\":1}",
    "{\"n\":,\"x\":1}",
    "{\"id\":1,}",
    "{,\"id\":1}",
    "{\"id\":1\"n\":2}",
    "{\"id\":1 2}",
    "{\"numbers\":7[]}",
    "{\"numbers\":7[\n]}",
    "[,]",
    "[,1]",
    "[1,]",
    "{\"list\":[,]}",
    "{\"list\":[{},]}",
    "{\"kind\":{\"Unit\":}}",
    "{\"kind\":{\"Unit\"}}",
    "{\"kind\":{}}",
    "{\"Unit\":}",
    "{\"data\":{\"id\":}}",
    "{\"data\":{\"id\":1}}",
    "{\"id\":1}}",
    "{\"id\":1}{}",
    "{\"id\":01}",
    "{\"id\":1e}",
];

const NUMBERS: [&str; 32] = [
    "0",
    "1",
    "-1",
    "7",
    "42",
    "255",
    "256",
    "-128",
    "-129",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "12345678",
    "123456789",
    "999999999999999999",
    "1000000000000000000",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "0.1",
    "-0",
    "-0.0",
    "1e5",
    "1E-2",
    "1e400",
    "-1.5e3",
    "0.30000000000000004",
    "340282366920938463463374607431768211455",
    "3.4028236e38",
    "123456.789",
];

const TEXTS: [&str; 16] = [
    "\"\"",
    "\"a\"",
    "\"b\"",
    "\"abc\"",
    "\"abcdefg\"",
    "\"abcdefgh\"",
    "\"0123456789abcdef\"",
    "\"0123456789abcdef0123456789abcdef0123\"",
    "\"é\"",
    "\"日本語のテキスト\"",
    "\"a\\\"b\"",
    "\"\\u00e9\\n\"",
    "\"\\ud83d\\ude00\"",
    "\"Unit\"",
    "\"2025-01-15T10:30:00.25Z\"",
    "\"{\\\"a\\\":1}\"",
];

const ODD_VALUES: [&str; 27] = [
    "null",
    "true",
    "false",
    "{}",
    "[]",
    "[[]]",
    "{\"\":{}}",
    "01",
    "-",
    "1.",
    ".5",
    "+1",
    "1e",
    "nul",
    "tru",
    "NaN",
    "'a'",
    "\"a",
    "\"\\x\"",
    "\"\\ud800\"",
    "\"\\u00g0\"",
    "\"\u{1}\"",
    "\"tab\t\"",
    "[1,]",
    "{\"a\":1,}",
    "{\"a\" 1}",
    "",
];

const TIMES: [&str; 5] = [
    "\"2025-01-15T10:30:00Z\"",
    "\"2025-01-15T10:30:00.123456Z\"",
    "\"2025-01-15T11:30:00+01:00\"",
    "\"2025-02-30T00:00:00Z\"",
    "1736937000",
];

fn one<'a>(random: &mut Random, of: &[&'a str]) -> &'a str {
    of[random.below(of.len())]
}

impl Producer {
    pub(super) fn new(random: &mut Random) -> Self {
        let mut names = NAMES.to_vec();
        for last in (1..names.len()).rev() {
            names.swap(last, random.below(last + 1));
        }
        names.truncate(1 + random.below(names.len()));
        let (comma, colon) =
            [(",", ":"), (", ", ": "), (",\n  ", ": "), (" ,", "\t:\r\n")][random.below(8).min(3)];
        Producer {
            names,
            comma,
            colon,
            oddity: [0, 5, 50][random.below(3)],
        }
    }

    fn is_odd(&self, random: &mut Random) -> bool {
        random.below(1000) < self.oddity
    }

    /// One record.
    pub(super) fn record(&self, random: &mut Random) -> String {
        if self.is_odd(random) {
            return self.value(random, "x", 0);
        }
        self.object(random, 0)
    }

    fn object(&self, random: &mut Random, depth: usize) -> String {
        let mut members = Vec::new();
        for name in &self.names {
            if random.below(10) == 0 {
                continue;
            }
            let name = if self.is_odd(random) {
                one(random, &ODD_NAMES)
            } else {
                *name
            };
            for _ in 0..1 + usize::from(self.is_odd(random)) {
                let value = self.value(random, name, depth);
                members.push(format!("\"{name}\"{}{value}", self.colon));
            }
        }
        if self.is_odd(random) && !members.is_empty() {
            let (a, b) = (random.below(members.len()), random.below(members.len()));
            members.swap(a, b);
        }
        format!("{{{}}}", members.join(self.comma))
    }

    fn list(&self, random: &mut Random, name: &str, depth: usize) -> String {
        let elements: Vec<_> = (0..random.below(4))
            .map(|_| self.value(random, name, depth + 1))
            .collect();
        format!("[{}]", elements.join(self.comma))
    }

    fn value(&self, random: &mut Random, name: &str, depth: usize) -> String {
        if self.is_odd(random) {
            return match random.below(4) {
                0 => one(random, &ODD_VALUES).to_owned(),
                1 => one(random, &NUMBERS).to_owned(),
                2 => one(random, &TEXTS).to_owned(),
                _ if depth < 3 => self.object(random, depth + 1),
                _ => "0".to_owned(),
            };
        }
        let n_usual = if self.oddity == 0 { 4 } else { NUMBERS.len() };
        match name {
            "id" | "n" | "eventId" if random.below(2) == 0 || name != "eventId" => {
                one(random, &NUMBERS[..n_usual]).to_owned()
            }
            "x" => one(random, &["0", "1.5", "-0", "0.1", "1e3", "17"]).to_owned(),
            "flag" => one(
                random,
                &["true", "false", "null"][..2 + usize::from(self.oddity > 0)],
            )
            .to_owned(),
            "text" if random.below(3) == 0 => "null".to_owned(),
            "name" | "text" | "eventId" => one(random, &TEXTS).to_owned(),
            "time" | "timestamp" => {
                one(random, &TIMES[..if self.oddity > 0 { 5 } else { 3 }]).to_owned()
            }
            "numbers" => self.list(random, "n", depth),
            "pair" => format!("[{}{}\"p\"]", random.below(300), self.comma),
            "kinds" if depth < 2 => self.list(random, "kind", depth),
            "list" if depth < 2 => self.list(random, "inner", depth),
            "kind" => self.kind(random, depth),
            _ if depth < 2 => self.object(random, depth + 1),
            _ => "{}".to_owned(),
        }
    }

    fn kind(&self, random: &mut Random, depth: usize) -> String {
        let (colon, inner) = (
            self.colon,
            if depth < 2 {
                self.object(random, depth + 1)
            } else {
                "{}".into()
            },
        );
        match random.below(7) {
            0 => "\"Unit\"".to_owned(),
            1 => format!("{{\"Unit\"{colon}null}}"),
            2 => format!("{{\"New\"{colon}{inner}}}"),
            3 => format!("{{\"Pair\"{colon}[1,\"p\"]}}"),
            4 => format!("{{\"Named\"{colon}{inner}}}"),
            5 => format!("{{\"Both\"{colon}null}}"),
            _ => format!(
                "{{\"other kind\"{colon}{}}}",
                if depth < 3 {
                    self.kind(random, depth + 1)
                } else {
                    "null".into()
                }
            ),
        }
    }
}

/// Does something to a record that a broken disk, a bad writer or an attacker might.
pub(super) fn mutate(random: &mut Random, record: &mut Vec<u8>) {
    if record.is_empty() {
        return;
    }
    let at = random.below(record.len());
    let to = at + 1 + random.below((record.len() - at).min(16));
    match random.below(7) {
        0 => record[at] ^= 1 << random.below(8),
        1 => record.truncate(at),
        2 => drop(record.drain(at..to)),
        3 => record[at] = random.below(256) as u8,
        4 => {
            let token = one(
                random,
                &[
                    "\"",
                    "\\",
                    ",",
                    ":",
                    "{",
                    "}",
                    "[",
                    "]",
                    " ",
                    "0",
                    "-",
                    ".",
                    "e",
                    "null",
                    "\u{1f}",
                    "é",
                    "\"id\":1,",
                ],
            );
            drop(record.splice(at..at, token.bytes()));
        }
        5 => {
            let copy = record[at..to].to_vec();
            drop(record.splice(at..at, copy));
        }
        _ => record.swap(at, to - 1),
    }
}
