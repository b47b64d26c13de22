//! Carries one tool's conversation: bytes as they are, both ways, in one task.

use std::io;

use quinn::{ReadError, VarInt};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::gateway::Stream;
use crate::limits::{CARRY_BYTES, LINGER};

/// Code on a stream that we break off; the edge reads nothing into it.
const GONE: VarInt = VarInt::from_u32(0);

/// How a conversation came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// The edge has said all it had to say; normally because the tool was done.
    Finished,
    /// The tool broke off.
    ToolGone,
    /// The edge broke off, or there is no connection to it any more.
    EdgeGone,
}

/// Carries until one side is done. Nothing is read into the bytes: the edge judges them.
pub(super) async fn carry(mut tool: TcpStream, stream: Stream) -> End {
    let Stream {
        mut send, mut recv, ..
    } = stream;
    let stopped = send.stopped();
    let end = {
        let (mut from_tool, mut to_tool) = tool.split();
        let up = async {
            let mut buffer = [0; CARRY_BYTES];
            loop {
                let read = from_tool.read(&mut buffer).await;
                let bytes = match read.map(|count| buffer.get(..count).unwrap_or_default()) {
                    // The tool asks no more, but may still be waiting for answers.
                    Ok([]) => return send.finish().map_err(|_| End::EdgeGone),
                    Ok(bytes) => bytes,
                    Err(_) => return Err(End::ToolGone),
                };
                send.write_all(bytes).await.map_err(|_| End::EdgeGone)?;
            }
        };
        let down = async {
            loop {
                match recv.read_chunk(CARRY_BYTES, true).await {
                    Ok(Some(chunk)) => {
                        let written = to_tool.write_all(&chunk.bytes).await;
                        written.map_err(|_| End::ToolGone)?;
                    }
                    Ok(None) => return Err(End::Finished),
                    Err(ReadError::Reset(_) | ReadError::ConnectionLost(_)) => {
                        return Err(End::EdgeGone);
                    }
                    Err(_) => return Err::<(), End>(End::EdgeGone),
                }
            }
        };
        // `down` ends a conversation in any case: after its end no answer can come. `stopped`
        // finds an edge that reads no more while the tool is silent; it also resolves when
        // everything was read, which is no end.
        let refused = async {
            match stopped.await {
                Ok(None) => std::future::pending().await,
                _ => Err::<(), End>(End::EdgeGone),
            }
        };
        match tokio::try_join!(up, down, refused) {
            Err(end) => end,
            Ok(_) => End::Finished,
        }
    };
    match end {
        End::Finished => close_politely(&mut tool).await,
        End::ToolGone => {
            // Both halves, so that the edge does not wait for a client that is gone.
            let _ = send.reset(GONE);
            let _ = recv.stop(GONE);
        }
        End::EdgeGone => break_off(&tool),
    }
    end
}

/// The last answers are on their way to the tool. Closing a socket with unread input would reset
/// it and could take them back, so what the tool still sends is read and thrown away.
async fn close_politely(tool: &mut TcpStream) {
    let drained = async {
        tool.shutdown().await?;
        let mut rest = [0; 256];
        while tool.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    // Whatever the tool does in this time or fails to do, its socket is closed next.
    let _ = timeout(LINGER, drained).await;
}

/// A stream that was reset becomes a connection that is reset: the tool must not take it for an
/// ordinary end.
fn break_off(tool: &TcpStream) {
    let _ = tool.set_zero_linger();
}
