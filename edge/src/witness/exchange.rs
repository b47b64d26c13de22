//! One request to the witness: plain HTTP, since both ends check signatures and nothing in it is a
//! secret to whoever carries it.

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::step::Reply;
use crate::limits::{WITNESS_ANSWER_MAX_BYTES, WITNESS_MAX};

/// Sends the body of a request, and reads the answer.
pub(super) async fn post(address: &str, body: Vec<u8>) -> Result<Reply, String> {
    match timeout(WITNESS_MAX, exchange(address, body)).await {
        Ok(Ok((status, body))) => Ok(reply(status, &body)),
        Ok(Err(error)) => Err(format!(
            "the witness at {address} cannot be reached: {error}"
        )),
        Err(_) => Err(format!("the witness at {address} does not answer")),
    }
}

type Trouble = Box<dyn std::error::Error + Send + Sync>;

async fn exchange(address: &str, body: Vec<u8>) -> Result<(StatusCode, Bytes), Trouble> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Carries the bytes; it ends with this exchange, however that ends.
    let mut carrying = JoinSet::new();
    carrying.spawn(connection);
    let request = Request::post("/add-checkpoint")
        .header(HOST, address)
        .header(CONTENT_TYPE, "text/plain; charset=utf-8")
        .body(Full::new(Bytes::from(body)))?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), WITNESS_ANSWER_MAX_BYTES);
    Ok((status, body.collect().await?.to_bytes()))
}

fn reply(status: StatusCode, body: &[u8]) -> Reply {
    let text = String::from_utf8_lossy(body);
    match status {
        StatusCode::OK => Reply::Cosigned(body.to_vec()),
        StatusCode::CONFLICT => match size(&text) {
            Some(size) => Reply::At(size),
            None => Reply::Refused(format!("409 without a size: {}", short(&text))),
        },
        StatusCode::UNPROCESSABLE_ENTITY => Reply::Unproven,
        StatusCode::NOT_FOUND => Reply::Refused(
            "it does not know this journal: start it with `--log` and the key of this gateway"
                .into(),
        ),
        StatusCode::FORBIDDEN => Reply::Refused(
            "it knows another key for this journal: give it the present key of this gateway".into(),
        ),
        other => Reply::Refused(format!("{other}: {}", short(&text))),
    }
}

fn size(text: &str) -> Option<u64> {
    text.strip_suffix('\n')?.parse().ok()
}

fn short(text: &str) -> String {
    text.trim().chars().take(200).collect()
}
