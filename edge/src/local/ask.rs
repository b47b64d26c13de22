//! The other end: a command beside the edge that runs.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use interlock_protocols::conduit::{Message as _, next_frame};
use interlock_protocols::local::{LocalAsk, LocalReply};

use crate::limits::{LOCAL_ANSWER_MAX, LOCAL_MESSAGE_MAX, LOCAL_REPLY_MAX_BYTES};
use crate::site::LOCAL;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    /// Nobody listens.
    #[error(
        "no edge runs on {0}: start it first, it is the one that keeps the time and the journal"
    )]
    NotRunning(String),
    /// The socket is somebody else's.
    #[error("the edge's socket may not be used: run this as root or as the user of the edge")]
    NotAllowed,
    /// The connection failed.
    #[error("the running edge could not be asked: {0}")]
    Io(#[from] io::Error),
}

/// Asks the edge that runs on a site directory.
pub(crate) fn ask(dir: &Path, asked: &LocalAsk) -> Result<LocalReply, Unanswered> {
    let mut stream = UnixStream::connect(dir.join(LOCAL)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            Unanswered::NotRunning(dir.display().to_string())
        }
        io::ErrorKind::PermissionDenied => Unanswered::NotAllowed,
        _ => Unanswered::Io(error),
    })?;
    stream.set_write_timeout(Some(LOCAL_MESSAGE_MAX))?;
    stream.set_read_timeout(Some(LOCAL_ANSWER_MAX))?;
    let frame = asked.to_frame().map_err(io::Error::other)?;
    stream.write_all(&frame)?;
    let mut received = Vec::new();
    let most = u64::try_from(LOCAL_REPLY_MAX_BYTES).unwrap_or(u64::MAX);
    stream.take(most).read_to_end(&mut received)?;
    match next_frame(&received).map_err(io::Error::other)? {
        Some((body, _)) => Ok(LocalReply::decode(body).map_err(io::Error::other)?),
        None => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
    }
}
