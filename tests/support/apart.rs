//! What tells records apart that are equal in an order: how they are written down.

use crate::stragglers::Hit;

/// What tells hits apart that are equal in an order: as their bytes do, for what is asked for here.
pub(crate) fn apart(hit: &Hit) -> (String, u32, Vec<u8>) {
    let bytes = rmp(&hit.ms);
    (hit.key.clone(), hit.user, bytes)
}

/// MessagePack of a small number: as unsigned if it is not negative, big-endian, the shorter first.
fn rmp(n: &i64) -> Vec<u8> {
    match *n {
        0..=127 => vec![*n as u8],
        128..=255 => vec![0xcc, *n as u8],
        256..=65_535 => [&[0xcd][..], &(*n as u16).to_be_bytes()].concat(),
        -32..=-1 => vec![*n as i8 as u8],
        -128..=-33 => vec![0xd0, *n as i8 as u8],
        _ => unreachable!("no such number is made"),
    }
}
