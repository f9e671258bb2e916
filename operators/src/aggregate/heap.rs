//! How many bytes a kept value has on the heap, for the report of state by step.

use std::any::Any;

/// About how many bytes `value` keeps on the heap: known for text and bytes, none for all else.
///
/// The type is known where this is compiled, so what is left of it is a load or a constant.
pub(crate) fn heap_of<V: 'static>(value: &V) -> usize {
    let value: &dyn Any = value;
    if let Some(text) = value.downcast_ref::<String>() {
        text.capacity()
    } else if let Some(text) = value.downcast_ref::<Option<String>>() {
        text.as_ref().map_or(0, String::capacity)
    } else if let Some(bytes) = value.downcast_ref::<Vec<u8>>() {
        bytes.capacity()
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_counted_and_numbers_are_not() {
        assert_eq!(heap_of(&String::from("abc")), 3);
        assert_eq!(heap_of(&Some(String::from("abcd"))), 4);
        assert_eq!(heap_of(&None::<String>), 0);
        assert_eq!(heap_of(&vec![0_u8; 5]), 5);
        assert_eq!(heap_of(&7_u64), 0);
    }
}
