//! A reply, read against the request that it answers.

use super::pdu::EXCEPTION_BIT;
use super::{ExceptionCode, Mismatch, Pdu, Request, Response};
use crate::limits::PDU_MAX_BYTES;

/// What came back: an answer or an exception.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reply<'a> {
    /// The answer to the request.
    Normal(Response<'a>),
    /// The device refused, or failed.
    Exception(ExceptionCode),
}

impl<'a> Reply<'a> {
    /// Takes the bytes only if they answer this very request. An exception is exactly two bytes;
    /// its code may be any.
    pub fn decode(request: &Request<'_>, pdu: &'a [u8]) -> Result<Reply<'a>, Mismatch> {
        let (&answered, body) = pdu.split_first().ok_or(Mismatch::Empty)?;
        // Not every reply says its own length: a list of objects is as long as it likes.
        if pdu.len() > PDU_MAX_BYTES {
            return Err(Mismatch::Length);
        }
        let asked = request.function().code();
        if answered == asked {
            return Response::decode(request, body).map(Reply::Normal);
        }
        if answered != asked | EXCEPTION_BIT {
            return Err(Mismatch::Function { asked, answered });
        }
        match *body {
            [code] => Ok(Reply::Exception(ExceptionCode::from_code(code))),
            _ => Err(Mismatch::Length),
        }
    }

    /// The bytes for the client, made afresh. The request gives an exception its function.
    pub fn encode(&self, request: &Request<'_>) -> Pdu {
        match self {
            Reply::Normal(response) => response.encode(),
            Reply::Exception(code) => Pdu::exception(request.function().code(), *code),
        }
    }
}
