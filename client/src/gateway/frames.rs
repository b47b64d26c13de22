//! Frames of the conduit on a QUIC stream.

use interlock_protocols::conduit::{Message, next_frame};
use quinn::{RecvStream, SendStream};

use super::faults;
use crate::failure::Failure;
use crate::limits::CARRY_BYTES;

/// Reads frames one after the other. Holds at most one frame and a chunk.
#[derive(Debug)]
pub(super) struct Frames {
    recv: RecvStream,
    held: Vec<u8>,
}

impl Frames {
    pub(super) fn new(recv: RecvStream) -> Frames {
        Frames {
            recv,
            held: Vec::new(),
        }
    }

    /// The next message; `None` where the edge has finished the stream. May be dropped at any
    /// time: what was read stays held.
    pub(super) async fn next<M: Message>(&mut self) -> Result<Option<M>, Failure> {
        match self.next_body().await? {
            Some(body) => decode(&body).map(Some),
            None => Ok(None),
        }
    }

    /// The body of the next frame. As [`Frames::next`].
    pub(super) async fn next_body(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            if let Some((body, used)) = next_frame(&self.held).map_err(faults::unexpected)? {
                let body = body.to_vec();
                self.held.drain(..used);
                return Ok(Some(body));
            }
            let chunk = self
                .recv
                .read_chunk(CARRY_BYTES, true)
                .await
                .map_err(|error| faults::of_read(&error))?;
            match chunk {
                Some(chunk) => self.held.extend_from_slice(&chunk.bytes),
                None if self.held.is_empty() => return Ok(None),
                None => return Err(faults::unexpected("half a message")),
            }
        }
    }
}

/// Reads exactly one message and not a byte more: what follows on the stream is no frame.
pub(super) async fn read_one<M: Message>(recv: &mut RecvStream) -> Result<M, Failure> {
    let mut prefix = [0; 4];
    recv.read_exact(&mut prefix)
        .await
        .map_err(|error| faults::of_exact_read(&error))?;
    // Judges the length before there is room made for it.
    next_frame(&prefix).map_err(faults::unexpected)?;
    let length = usize::try_from(u32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
    let mut body = vec![0; length];
    recv.read_exact(&mut body)
        .await
        .map_err(|error| faults::of_exact_read(&error))?;
    decode(&body)
}

pub(super) async fn write<M: Message>(send: &mut SendStream, message: &M) -> Result<(), Failure> {
    let framed = message.to_frame().map_err(|error| {
        // Only a text that the person gave, a device's name, can be that long.
        Failure::new(crate::failure::Kind::Usage, error.to_string(), "")
    })?;
    send.write_all(&framed)
        .await
        .map_err(|error| faults::of_write(&error))
}

fn decode<M: Message>(body: &[u8]) -> Result<M, Failure> {
    M::decode(body).map_err(faults::unexpected)
}
