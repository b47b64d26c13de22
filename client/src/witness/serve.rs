//! The HTTP side of a witness.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use interlock_broker::clock::Clock;
use interlock_broker::limits::WITNESS_REQUEST_MAX_BYTES;
use interlock_broker::witness::{AddCheckpoint, Refused, Verdict, Witness};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::store::{Store, unusable};
use crate::failure::{Failure, Kind};
use crate::limits::{
    ACCEPT_PAUSE, WITNESS_CONNECTION_MAX, WITNESS_CONNECTIONS_MAX, WITNESS_HEAD_MAX_BYTES,
};

/// A witness and what it keeps. One request is judged at a time: between looking up the last
/// checkpoint and keeping the next, nobody else may do either.
#[derive(Clone)]
pub(super) struct Service {
    turn: Arc<Mutex<(Witness, Store)>>,
    clock: Clock,
}

/// An answer before it is HTTP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) body: Vec<u8>,
}

const TEXT: &str = "text/plain; charset=utf-8";
const SIZE: &str = "text/x.tlog.size";

impl Reply {
    fn text(status: u16, text: &str) -> Reply {
        Reply {
            status,
            kind: TEXT,
            body: format!("{text}\n").into_bytes(),
        }
    }

    fn refused(refused: &Refused) -> Reply {
        match refused.size() {
            Some(size) => Reply {
                status: refused.status(),
                kind: SIZE,
                body: format!("{size}\n").into_bytes(),
            },
            None => Reply::text(refused.status(), &refused.to_string()),
        }
    }
}

impl Service {
    pub(super) fn new(witness: Witness, store: Store, clock: Clock) -> Service {
        Service {
            turn: Arc::new(Mutex::new((witness, store))),
            clock,
        }
    }

    /// Looks at what is kept of these logs before anybody relies on it.
    pub(super) fn check(&self, origins: &[String]) -> Result<(), Failure> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (witness, store) = &*turn;
        for origin in origins {
            let seen = store
                .last(origin)
                .map_err(|error| unusable(store.dir(), &error))?;
            if seen.is_some_and(|seen| !witness.recognises(origin, &seen)) {
                return Err(Failure::new(
                    Kind::Configuration,
                    format!("what is kept of {origin} was not signed with the key given for it"),
                    "give the key that the gateway had then as well (--log may be repeated), or \
                     `interlock witness forget` it",
                ));
            }
        }
        Ok(())
    }

    /// Judges one request, and keeps what is cosigned before it is answered. Waits for the disk.
    pub(super) fn add_checkpoint(&self, body: &[u8]) -> Reply {
        let asked = match AddCheckpoint::parse(body) {
            Ok(asked) => asked,
            Err(malformed) => return Reply::refused(&Refused::Malformed(malformed)),
        };
        let checkpoint = asked.checkpoint();
        let (origin, size) = (checkpoint.origin(), checkpoint.size());
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (witness, store) = &*turn;
        if !witness.knows(origin) {
            // Before a stranger's name has anything looked up on a disk.
            return Reply::refused(&Refused::UnknownOrigin);
        }
        let seen = match store.last(origin) {
            Ok(seen) => seen,
            Err(error) => return trouble(&error),
        };
        match witness.judge(seen.as_ref(), &asked, self.clock.now().wall_ms()) {
            Verdict::Cosign(cosigned) => match cosigned.stored(|seen| store.keep(seen)) {
                Ok(line) => {
                    tracing::info!(origin, size, "cosigned");
                    Reply {
                        status: 200,
                        kind: TEXT,
                        body: line,
                    }
                }
                Err(error) => trouble(&error),
            },
            Verdict::Refuse(refused) => {
                tracing::warn!(origin, size, %refused, "not cosigned");
                if let Refused::Forked { .. } = refused {
                    let kept = store.keep_fork(origin, &checkpoint.to_bytes());
                    tracing::error!(origin, size, ?kept, "THE LOG HAS FORKED; the proof is kept");
                }
                Reply::refused(&refused)
            }
        }
    }
}

fn trouble(error: &std::io::Error) -> Reply {
    tracing::error!(%error, "the witness cannot keep what it sees, and so cosigns nothing");
    Reply::text(500, "the witness has trouble with its disk")
}

/// Serves until told to stop. What is being judged then is kept, though its answer may be lost.
pub(super) async fn serve(
    listener: TcpListener,
    service: Service,
    mut stop: oneshot::Receiver<()>,
) {
    let places = Arc::new(Semaphore::new(WITNESS_CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = async {
            // Whoever comes past these waits in the system's queue.
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            _ = &mut stop => return,
            (place, accepted) = accepted => match accepted {
                Ok((stream, _)) => {
                    let service = service.clone();
                    connections.spawn(async move {
                        connection(stream, service).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

async fn connection(stream: TcpStream, service: Service) {
    let answer = service_fn(move |request| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(response(respond(request, service).await)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(WITNESS_CONNECTION_MAX)
        .max_buf_size(WITNESS_HEAD_MAX_BYTES)
        .serve_connection(TokioIo::new(stream), answer);
    if let Ok(Err(error)) = timeout(WITNESS_CONNECTION_MAX, connection).await {
        tracing::debug!(%error, "a connection broke");
    }
}

async fn respond(request: Request<Incoming>, service: Service) -> Reply {
    if request.uri().path() != "/add-checkpoint" {
        return Reply::text(404, "checkpoints are submitted to /add-checkpoint");
    }
    if request.method() != Method::POST {
        return Reply::text(405, "checkpoints are submitted with POST");
    }
    let body = Limited::new(request.into_body(), WITNESS_REQUEST_MAX_BYTES);
    let Ok(body) = body.collect().await else {
        return Reply::text(400, "the body did not come whole, or is too long");
    };
    let body = body.to_bytes();
    // Keeping it waits for a disk. Once begun it is finished, whether or not the asker stays.
    let judged = spawn_blocking(move || service.add_checkpoint(&body)).await;
    judged.unwrap_or_else(|_| Reply::text(500, "the witness failed"))
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.kind));
    response
}
