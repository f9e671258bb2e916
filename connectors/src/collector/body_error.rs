//! Body errors: why nothing of a body can be taken.
//!
//! What is wrong with one event costs only that event. These are the errors that leave no event to be told apart: the
//! client is refused as a whole, and may send the body again when it has put it right.

use millstream_engine::Refusal;

/// Why a body gives no events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    /// It is larger than the source looks at, as it is or decompressed.
    #[error("the body has {bytes} bytes, more than the {bytes_max} allowed")]
    TooLarge {
        /// How many bytes it has, or had when it was given up.
        bytes: usize,
        /// How many it may have.
        bytes_max: usize,
    },
    /// It is encoded or typed in a way that is not known; names what is known.
    #[error("cannot read {0}")]
    Unsupported(String),
    /// It makes no sense.
    #[error("cannot read the body: {0}")]
    Unreadable(String),
}

impl BodyError {
    /// What the client of source `source_name` is told.
    pub(crate) fn refusal(self, source_name: &str) -> Refusal {
        let source_name = source_name.to_owned();
        match self {
            BodyError::TooLarge { bytes, bytes_max } => Refusal::TooLarge {
                source_name,
                bytes,
                bytes_max,
            },
            BodyError::Unsupported(what) => Refusal::Unsupported { source_name, what },
            BodyError::Unreadable(reason) => Refusal::Unreadable {
                source_name,
                reason,
            },
        }
    }
}
