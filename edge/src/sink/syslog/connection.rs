//! One TLS connection to a collector: bytes go out, and what comes back is only ever its end.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use procfs::ProcResult;
use procfs::net::TcpNetEntry;
use procfs::process::Process;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::SinkError;
use crate::limits::SINK_ACKNOWLEDGE_MAX;

/// A socket that knows how many bytes the kernel has taken from us: TLS makes more of them than
/// it is given.
pub(super) struct Counted {
    stream: TcpStream,
    written: u64,
}

impl Counted {
    pub(super) fn new(stream: TcpStream) -> Counted {
        Counted { stream, written: 0 }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = polled {
            self.written += u64::try_from(count).unwrap_or(u64::MAX);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// What a collector may say at once before its end; whatever it is, it is dropped.
const CHATTER_BYTES: usize = 512;

pub(super) struct Connection {
    stream: TlsStream<Counted>,
    ends: (SocketAddr, SocketAddr),
}

impl Connection {
    pub(super) fn new(stream: TlsStream<Counted>, ends: (SocketAddr, SocketAddr)) -> Connection {
        Connection { stream, ends }
    }

    /// Hands all bytes to the kernel.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        let write = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout(SINK_ACKNOWLEDGE_MAX, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(broke(&error)),
            Err(_) => Err(SinkError::Unreachable(format!(
                "the collector took nothing for {SINK_ACKNOWLEDGE_MAX:?}"
            ))),
        }
    }

    /// Bytes handed to the kernel so far, handshake included.
    pub(super) fn written(&self) -> u64 {
        self.stream.get_ref().0.written
    }

    /// Bytes of those that the other side's TCP has not acknowledged.
    pub(super) async fn open_bytes(&self) -> Result<u64, SinkError> {
        let ends = self.ends;
        let asked = tokio::task::spawn_blocking(move || open_bytes(ends)).await;
        let asked = asked.map_err(|error| SinkError::Setup(error.to_string()))?;
        match asked {
            Ok(Some(open)) => Ok(open),
            Ok(None) => Err(SinkError::Unreachable("the connection is gone".to_owned())),
            // Without the kernel's word nothing would ever count as acknowledged.
            Err(error) => Err(SinkError::Setup(format!(
                "/proc/self/net/tcp cannot be read: {error}"
            ))),
        }
    }

    /// Resolves when the other side ends the connection, or it breaks.
    pub(super) async fn closed(&mut self) -> SinkError {
        let mut chatter = [0; CHATTER_BYTES];
        loop {
            match self.stream.read(&mut chatter).await {
                Ok(0) => return ended(),
                Ok(_) => {}
                Err(error) => return broke(&error),
            }
        }
    }

    /// Whether nothing at hand says that the connection is over.
    pub(super) fn stands(&mut self) -> Result<(), SinkError> {
        // Who waits for an end waits elsewhere; this is a look.
        let closed = pin!(self.closed());
        match closed.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(error) => Err(error),
            Poll::Pending => Ok(()),
        }
    }
}

fn ended() -> SinkError {
    SinkError::Unreachable("the collector closed the connection".to_owned())
}

fn broke(error: &io::Error) -> SinkError {
    SinkError::Unreachable(format!("the connection broke: {error}"))
}

/// Asks the kernel's table of the sockets; `None` where this one is no longer in it. It is the
/// table of this process, which stays in sight where the rest of `/proc` is hidden.
fn open_bytes(ends: (SocketAddr, SocketAddr)) -> ProcResult<Option<u64>> {
    let of = |entries: Vec<TcpNetEntry>| {
        let same = |entry: &&TcpNetEntry| (entry.local_address, entry.remote_address) == ends;
        entries
            .iter()
            .find(same)
            .map(|entry| u64::from(entry.tx_queue))
    };
    let process = Process::myself()?;
    Ok(match ends.0 {
        SocketAddr::V4(_) => of(process.tcp()?),
        SocketAddr::V6(_) => of(process.tcp6()?),
    })
}
