//! Metrics for Prometheus, on loopback and for reading only.

#[cfg(test)]
mod tests;
mod text;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use interlock_protocols::conduit::Status;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

pub use self::text::render;
use crate::limits::{ACCEPT_PAUSE, METRICS_HEAD_MAX_BYTES, METRICS_MAX, METRICS_READERS_MAX};

/// What is rendered at each request.
pub type Ask = Arc<dyn Fn() -> Status + Send + Sync>;

/// The served metrics; they end when this is dropped.
pub struct Metrics {
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// Serves `GET /metrics` on this address.
pub async fn start(listen: SocketAddr, ask: Ask) -> io::Result<Metrics> {
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        let why = format!(
            "metrics cannot be served on {listen}: {error}; see who holds that port, or name \
             another one in `[metrics]` of edge.toml"
        );
        io::Error::new(error.kind(), why)
    })?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(accept(listener, ask));
    Ok(Metrics { address, task })
}

impl Metrics {
    /// Where they are served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, ask: Ask) {
    let places = Arc::new(Semaphore::new(METRICS_READERS_MAX));
    // Connections end with the server.
    let mut readers = JoinSet::new();
    loop {
        while readers.try_join_next().is_some() {}
        // Whoever comes past these waits in the system's queue.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let ask = Arc::clone(&ask);
                readers.spawn(async move {
                    serve(stream, ask).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a reader of metrics could not be let in");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, ask: Ask) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let response = respond(&request, &ask);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(METRICS_MAX)
        .max_buf_size(METRICS_HEAD_MAX_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), answer);
    if let Ok(Err(error)) = timeout(METRICS_MAX, connection).await {
        tracing::debug!(%error, "a reader of metrics went");
    }
}

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

fn respond(request: &Request<Incoming>, ask: &Ask) -> Response<Full<Bytes>> {
    let (status, text) = if request.uri().path() != "/metrics" {
        let text = "metrics are at /metrics\n".to_owned();
        (StatusCode::NOT_FOUND, text)
    } else if request.method() != Method::GET {
        let text = "metrics can only be read\n".to_owned();
        (StatusCode::METHOD_NOT_ALLOWED, text)
    } else {
        (StatusCode::OK, render(&ask()))
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, TEXT);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET"));
    }
    response
}
