//! Conduit messages on a QUIC stream.

use std::io;

use interlock_protocols::conduit::{Message, next_frame};
use quinn::{RecvStream, SendStream};

/// How much is read at once, in bytes.
const CHUNK_BYTES: usize = 4 * 1024;

/// Reads framed messages. What has arrived stays in it when a read is cancelled.
pub(crate) struct Frames {
    stream: RecvStream,
    received: Vec<u8>,
}

impl Frames {
    pub(crate) fn new(stream: RecvStream) -> Frames {
        Frames {
            stream,
            received: Vec::new(),
        }
    }

    /// Frames of a stream of which this was read already.
    pub(crate) fn ahead(stream: RecvStream, received: Vec<u8>) -> Frames {
        Frames { stream, received }
    }

    /// The next message; `None` at the end of the stream. The frame's length is judged before
    /// anything of it is awaited, so the buffer is bounded by one frame and one chunk.
    pub(crate) async fn next<M: Message>(&mut self) -> io::Result<Option<M>> {
        loop {
            let whole = match next_frame(&self.received).map_err(io::Error::other)? {
                Some((body, taken)) => Some((M::decode(body).map_err(io::Error::other)?, taken)),
                None => None,
            };
            if let Some((message, taken)) = whole {
                self.received.drain(..taken);
                return Ok(Some(message));
            }
            match self.stream.read_chunk(CHUNK_BYTES, true).await {
                Ok(Some(chunk)) => self.received.extend_from_slice(&chunk.bytes),
                Ok(None) if self.received.is_empty() => return Ok(None),
                Ok(None) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }

    /// The stream and what was read ahead of it.
    pub(crate) fn into_parts(self) -> (RecvStream, Vec<u8>) {
        (self.stream, self.received)
    }
}

/// Writes one message.
pub(crate) async fn write<M: Message>(stream: &mut SendStream, message: &M) -> io::Result<()> {
    let frame = message.to_frame().map_err(io::Error::other)?;
    stream.write_all(&frame).await.map_err(io::Error::other)
}
