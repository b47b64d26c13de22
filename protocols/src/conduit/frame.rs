//! A frame: length in bytes as a big-endian u32, then that many bytes.

use alloc::vec::Vec;
use core::fmt;

use crate::limits::CONDUIT_FRAME_MAX_BYTES;

const LENGTH_BYTES: usize = 4;

/// Why there is no such frame. The stream it came on is of no further use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameError {
    /// Its length is 0: no message is empty.
    Empty,
    /// Its length is above [`CONDUIT_FRAME_MAX_BYTES`].
    TooLong(usize),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Empty => f.write_str("the frame is empty"),
            FrameError::TooLong(bytes) => write!(
                f,
                "the frame has {bytes} bytes and may have {CONDUIT_FRAME_MAX_BYTES}"
            ),
        }
    }
}

impl core::error::Error for FrameError {}

fn judge(length: usize) -> Result<usize, FrameError> {
    match length {
        0 => Err(FrameError::Empty),
        1..=CONDUIT_FRAME_MAX_BYTES => Ok(length),
        _ => Err(FrameError::TooLong(length)),
    }
}

/// Puts `body` in a frame.
pub fn frame(body: &[u8]) -> Result<Vec<u8>, FrameError> {
    let length = judge(body.len())?;
    let prefix = u32::try_from(length).map_err(|_| FrameError::TooLong(length))?;
    let mut framed = Vec::with_capacity(length.saturating_add(LENGTH_BYTES));
    framed.extend_from_slice(&prefix.to_be_bytes());
    framed.extend_from_slice(body);
    Ok(framed)
}

/// The first frame of `received`: its body, and how many bytes it takes up in all. `None` while
/// it is not all there. The length is judged as soon as it can be read, so that nobody makes us
/// wait for, or make room for, what we would refuse.
pub fn next_frame(received: &[u8]) -> Result<Option<(&[u8], usize)>, FrameError> {
    let Some((prefix, rest)) = received.split_first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    let stated = u32::from_be_bytes(*prefix);
    let length = judge(usize::try_from(stated).unwrap_or(usize::MAX))?;
    Ok(rest
        .get(..length)
        .map(|body| (body, length.saturating_add(LENGTH_BYTES))))
}
