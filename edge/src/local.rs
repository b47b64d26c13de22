//! What an administrator at the gateway itself asks of the running edge, over a socket in the
//! site directory: acts for which no certificate can stand, since the clock that judges
//! certificates is what they are about.
//!
//! Only root and the user whom the edge runs as are heard, and the kernel says who they are.

mod ask;
#[cfg(test)]
mod tests;
mod users;

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use interlock_broker::clock::Clock;
use interlock_broker::journal::Journal;
use interlock_broker::timekeeping;
use interlock_protocols::conduit::{Message as _, next_frame};
use interlock_protocols::local::{LocalAsk, LocalReply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) use ask::ask;
use users::named;

use crate::limits::{LOCAL_ASK_MAX_BYTES, LOCAL_AT_ONCE, LOCAL_MESSAGE_MAX};
use crate::site::LOCAL;

/// The user who runs this program, for a record.
pub(crate) fn this_user() -> String {
    match fs::metadata("/proc/self") {
        Ok(own) => named(own.uid()),
        Err(_) => "of an unknown name".to_owned(),
    }
}

/// Serves until it is aborted. Where the socket cannot be made the edge serves without: it says
/// so, and what is refused until somebody accepts stays refused.
pub(crate) fn listen(dir: &Path, journal: Journal, clock: Clock) -> JoinHandle<()> {
    let path = dir.join(LOCAL);
    let listener = bind(&path);
    tokio::spawn(async move {
        match listener {
            Ok(listener) => serve(listener, Arc::new(Acts { journal, clock })).await,
            Err(error) => tracing::error!(
                path = %path.display(), %error,
                "local administrators cannot be heard: the socket cannot be made"
            ),
        }
    })
}

/// The journal is open and locked by us, so a socket that is there was left by an edge that died.
fn bind(path: &Path) -> io::Result<UnixListener> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn serve(listener: UnixListener, acts: Arc<Acts>) {
    let places = Arc::new(Semaphore::new(LOCAL_AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let acts = Arc::clone(&acts);
                tokio::spawn(async move {
                    if let Err(error) = acts.answer(stream).await {
                        tracing::warn!(%error, "a local question could not be answered");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a local connection could not be taken");
                tokio::time::sleep(LOCAL_MESSAGE_MAX).await;
            }
        }
    }
}

/// What can be done here.
struct Acts {
    journal: Journal,
    clock: Clock,
}

impl Acts {
    async fn answer(&self, mut stream: UnixStream) -> io::Result<()> {
        let uid = stream.peer_cred()?.uid();
        let reply = if may_ask(uid, rustix::process::geteuid().as_raw()) {
            let asked = timeout(LOCAL_MESSAGE_MAX, read(&mut stream)).await??;
            self.act(&asked, &named(uid)).await
        } else {
            tracing::warn!(uid, "a local user was turned away");
            let what = "only root and the user whom the edge runs as may ask it".to_owned();
            LocalReply::Refused { what }
        };
        let frame = reply.to_frame().map_err(io::Error::other)?;
        timeout(LOCAL_MESSAGE_MAX, stream.write_all(&frame)).await?
    }

    async fn act(&self, asked: &LocalAsk, by: &str) -> LocalReply {
        let shown = self.clock.shows();
        match asked {
            LocalAsk::ShowClock => LocalReply::Clock {
                system_ms: shown.system_ms,
                counted_ms: shown.counted.wall_ms(),
                doubt: shown.doubt.map(|doubt| doubt.to_string()),
            },
            LocalAsk::AcceptClock { reason } => {
                let release = || self.clock.accept(&shown);
                match timekeeping::accept(&self.journal, &shown, by, reason, release).await {
                    Ok(record) => {
                        tracing::warn!(by, record, "the system's clock was accepted");
                        LocalReply::Done { record }
                    }
                    Err(error) => LocalReply::Refused {
                        what: error.to_string(),
                    },
                }
            }
        }
    }
}

/// Root may do all of it anyway; of the others only the edge's own user.
const fn may_ask(uid: u32, own: u32) -> bool {
    uid == 0 || uid == own
}

/// Reads the one question of a connection.
async fn read(stream: &mut UnixStream) -> io::Result<LocalAsk> {
    let mut received = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        if let Some((body, _)) = next_frame(&received).map_err(io::Error::other)? {
            return LocalAsk::decode(body).map_err(io::Error::other);
        }
        if received.len() > LOCAL_ASK_MAX_BYTES {
            return Err(io::Error::other("the question is too long"));
        }
        match stream.read(&mut chunk).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            taken => received.extend_from_slice(chunk.get(..taken).unwrap_or_default()),
        }
    }
}
