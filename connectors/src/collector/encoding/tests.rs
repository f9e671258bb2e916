//! What was compressed comes back, what was not does not, and a bomb is seen before it goes off.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zstd(body: &[u8]) -> Vec<u8> {
    zstd::encode_all(body, 3).unwrap()
}

const TEXT: &[u8] = br#"{"timestamp": "2025-01-15T10:30:00Z"}"#;
const MAX: usize = 1 << 20;

fn check(encoding: &str, body: Vec<u8>, expected: Result<&[u8], &str>) {
    match (decoded(encoding, body.into(), MAX), expected) {
        (Ok(body), Ok(expected)) => assert_eq!(body, expected, "{encoding:?}"),
        (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
        (decoded, expected) => panic!("{encoding:?}: {decoded:?}, expected {expected:?}"),
    }
}

#[test]
fn what_was_encoded_comes_back() {
    check("", TEXT.into(), Ok(TEXT));
    check("identity", TEXT.into(), Ok(TEXT));
    check("gzip", gzip(TEXT), Ok(TEXT));
    check("X-GZip", gzip(TEXT), Ok(TEXT));
    check(" zstd ", zstd(TEXT), Ok(TEXT));
    check("gzip, zstd", zstd(&gzip(TEXT)), Ok(TEXT));
    check("identity,zstd, gzip", gzip(&zstd(TEXT)), Ok(TEXT));
    check("gzip", gzip(b""), Ok(b""));
    check("zstd", zstd(b""), Ok(b""));
    let twice = [gzip(TEXT), gzip(TEXT)].concat();
    check("gzip", twice, Ok(&[TEXT, TEXT].concat()));
    let twice = [zstd(TEXT), zstd(TEXT)].concat();
    check("zstd", twice, Ok(&[TEXT, TEXT].concat()));
}

#[test]
fn what_is_not_known_is_told_with_what_is() {
    check(
        "br",
        TEXT.into(),
        Err("encoded as \"br\": send it as gzip, as zstd"),
    );
    check(
        "gzip, deflate",
        gzip(TEXT),
        Err("encoded as \"deflate\": send it as gzip"),
    );
    check("gzip,gzip,gzip", gzip(TEXT), Err("encoded 3 times over"));
}

#[test]
fn what_is_cut_damaged_or_goes_on_is_refused() {
    for (name, packed) in [("gzip", gzip(TEXT)), ("zstd", zstd(TEXT))] {
        let not_whole = format!("it is not {name:?} from its beginning to its end");
        for n in 1..packed.len() {
            check(name, packed[..n].into(), Err(&not_whole));
        }
        check(name, TEXT.into(), Err(&not_whole));
        check(name, [&packed[..], b"more"].concat(), Err(&not_whole));
        check(name, [&packed[..], TEXT].concat(), Err(&not_whole));
    }
    // Its checksum is what tells.
    let mut damaged = gzip(TEXT);
    let at = damaged.len() - 6;
    damaged[at] ^= 1;
    check("gzip", damaged, Err("it is not"));
    check("gzip, zstd", zstd(TEXT), Err("it is not \"gzip, zstd\""));
}

#[test]
fn a_bomb_costs_no_more_than_the_bound() {
    let zeros = vec![0; 64 * MAX];
    let too_large = Err("more than the 1048576 allowed");
    check("gzip", gzip(&zeros), too_large);
    check("zstd", zstd(&zeros), too_large);
    check("zstd, gzip", gzip(&zstd(&zeros)), too_large);
    // The first layer becomes too large, whatever would come of it.
    let empty_frames = zstd(b"").repeat(MAX / 8);
    check("zstd, gzip", gzip(&empty_frames), too_large);
    check("zstd", zstd(&zeros[..MAX]), Ok(&zeros[..MAX]));
    check("gzip", gzip(&zeros[..=MAX]), too_large);
    let kept = decoded("gzip", gzip(&zeros[..MAX]).into(), MAX).unwrap();
    assert_eq!(kept.len(), MAX);
    let kept: Vec<u8> = kept.into();
    assert!(kept.capacity() <= MAX, "{}", kept.capacity());
}

#[test]
fn a_window_larger_than_http_allows_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&vec![b'x'; MAX]).unwrap();
    check("zstd", encoder.finish().unwrap(), Err("it is not \"zstd\""));
}
