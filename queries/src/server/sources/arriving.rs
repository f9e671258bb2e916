//! Arriving: a body read piece by piece, within bounds.
//!
//! | bound | beyond it |
//! |---|---|
//! | the bytes that the inlet looks at | 413 |
//! | the time in which the body must be there | 408 |
//! | the bytes of bodies that all requests hold together | it waits a moment for others to be done, then 429 |
//!
//! Each piece is counted before it is kept: a client holds room only for what it has sent, whatever length it announces,
//! and gives it back when its events are answered for.

use std::sync::Arc;
use std::time::Duration;

use axum::body::BodyDataStream;
use millstream_engine::{Headers, Refusal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_stream::StreamExt;

use crate::problem::Problem;

/// A body waits for room for this part of the time in which it must be there.
const WAITS_FOR_ROOM: u32 = 10;

/// When a client for whose body there was no room is to come again.
const RETRY_AFTER_SECONDS: u32 = 2;

/// How many bytes are set aside for a body before it is there.
const SET_ASIDE_MAX: usize = 1 << 20;

/// How much of a refused body is read only to be thrown away, in bytes.
const DISCARDED_MAX: usize = 16 << 20;
/// And for how long.
const DISCARDING_MAX: Duration = Duration::from_secs(10);

/// A body on its way.
pub(super) struct Arriving<'a> {
    /// Where it goes.
    pub(super) source_name: &'a str,
    /// How many bytes are looked at there.
    pub(super) bytes_max: usize,
    /// How long it may take to be there.
    pub(super) within: Duration,
    /// A permit for each byte that all bodies may have together and do not have yet.
    pub(super) room: &'a Arc<Semaphore>,
    /// How many permits there are when there is no body at all.
    pub(super) room_max: usize,
}

impl Arriving<'_> {
    /// The whole body, and the room that it takes.
    pub(super) async fn read(
        &self,
        headers: &Headers,
        pieces: &mut BodyDataStream,
    ) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), Problem> {
        let length = headers.get("content-length");
        let length = length.and_then(|length| length.parse().ok());
        if let Some(bytes) = length {
            self.check(bytes)?;
        }
        let reading = self.read_pieces(length.unwrap_or(0), pieces);
        timeout(self.within, reading).await.unwrap_or_else(|_| {
            Err(Problem::SlowBody {
                within: self.within,
            })
        })
    }

    async fn read_pieces(
        &self,
        length: usize,
        pieces: &mut BodyDataStream,
    ) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), Problem> {
        // A length is only what the client says.
        let mut read = Vec::with_capacity(length.min(SET_ASIDE_MAX));
        let mut held: Option<OwnedSemaphorePermit> = None;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| Problem::BodyBrokeOff {
                reason: error.to_string(),
            })?;
            self.check(read.len() + piece.len())?;
            let room = self.room(piece.len()).await?;
            match &mut held {
                Some(held) => held.merge(room),
                None => held = Some(room),
            }
            read.extend_from_slice(&piece);
        }
        Ok((read, held))
    }

    fn check(&self, bytes: usize) -> Result<(), Problem> {
        let bytes_max = self.bytes_max.min(self.room_max);
        if bytes <= bytes_max {
            return Ok(());
        }
        Err(Problem::from(Refusal::TooLarge {
            source_name: self.source_name.into(),
            bytes,
            bytes_max,
        }))
    }

    async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let crowded = || Problem::Crowded {
            bytes_max: self.room_max,
            retry_after_seconds: RETRY_AFTER_SECONDS,
        };
        let n_permits = u32::try_from(bytes).map_err(|_| crowded())?;
        let room = Arc::clone(self.room).acquire_many_owned(n_permits);
        let room = timeout(self.within / WAITS_FOR_ROOM, room)
            .await
            .map_err(|_| crowded())?;
        Ok(room.expect("the semaphore is never closed"))
    }
}

/// Reads what is left of a refused body: a client that is still sending would else see its connection
/// break, and not the answer. One that waits to be asked for its body is not asked.
pub(super) async fn discard(mut pieces: BodyDataStream) {
    let reading = async {
        let mut n_bytes = 0;
        while let Some(Ok(piece)) = pieces.next().await {
            n_bytes += piece.len();
            if n_bytes > DISCARDED_MAX {
                break;
            }
        }
    };
    let _ = timeout(DISCARDING_MAX, reading).await;
}
