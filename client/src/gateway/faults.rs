//! What goes wrong on the way to the edge, in words and with whose fault it is.

use std::fmt;

use interlock_protocols::modbus::ExceptionCode;
use quinn::{Connection, ConnectionError, ReadError, ReadExactError, WriteError};

use crate::failure::{Failure, Kind};

/// The edge said something that this version of the conduit does not allow.
pub(super) fn unexpected(what: impl fmt::Display) -> Failure {
    Failure::new(
        Kind::Failed,
        format!("the gateway sent {what}"),
        "check that gateway and client are of the same version",
    )
}

/// A stream was not opened.
pub(super) fn refused(code: Option<u8>, reason: String, next: String) -> Failure {
    let kind = match code.map(ExceptionCode::from_code) {
        None | Some(ExceptionCode::IllegalFunction) => Kind::Denied,
        Some(ExceptionCode::GatewayPathUnavailable) => Kind::Unreachable,
        Some(_) => Kind::Failed,
    };
    Failure::new(kind, reason, next)
}

/// The edge ended a stream that lasts as long as the connection.
pub(super) fn lost(connection: &Connection) -> Failure {
    match connection.close_reason() {
        Some(error) => of_connection(&error),
        None => Failure::new(
            Kind::Unreachable,
            "the gateway ended the session",
            "connect again",
        ),
    }
}

pub(super) fn of_read(error: &ReadError) -> Failure {
    match error {
        ReadError::ConnectionLost(error) => of_connection(error),
        ReadError::Reset(_) => ended(),
        other => Failure::of_program(other),
    }
}

pub(super) fn of_exact_read(error: &ReadExactError) -> Failure {
    match error {
        ReadExactError::FinishedEarly(_) => ended(),
        ReadExactError::ReadError(error) => of_read(error),
    }
}

pub(super) fn of_write(error: &WriteError) -> Failure {
    match error {
        WriteError::ConnectionLost(error) => of_connection(error),
        WriteError::Stopped(_) => ended(),
        other => Failure::of_program(other),
    }
}

fn ended() -> Failure {
    Failure::new(
        Kind::Failed,
        "the gateway broke the stream off",
        "try again; the gateway's log says why",
    )
}

/// Why there is no connection, or no longer.
pub(super) fn of_connection(error: &ConnectionError) -> Failure {
    match error {
        ConnectionError::ConnectionClosed(close) => closed_by_edge(
            u64::from(close.error_code),
            &String::from_utf8_lossy(&close.reason),
        ),
        ConnectionError::TransportError(error) => {
            closed_by_us(u64::from(error.code), &error.reason)
        }
        ConnectionError::ApplicationClosed(close) => {
            let reason = String::from_utf8_lossy(&close.reason);
            let what = if reason.is_empty() {
                "the gateway ended the connection".to_owned()
            } else {
                format!("the gateway ended the connection: {reason}")
            };
            Failure::new(Kind::Unreachable, what, "connect again later")
        }
        ConnectionError::TimedOut | ConnectionError::Reset => Failure::new(
            Kind::Unreachable,
            "the connection to the gateway is lost",
            "check your network and whether the gateway runs",
        ),
        ConnectionError::VersionMismatch => Failure::new(
            Kind::Failed,
            "what answers there speaks another version of QUIC",
            "check the gateway's address in the profile",
        ),
        ConnectionError::LocallyClosed => Failure::new(Kind::Failed, "the session is closed", ""),
        ConnectionError::CidsExhausted => Failure::of_program(error),
    }
}

/// The TLS alert in a QUIC error code, RFC 9001 §4.8.
fn alert(code: u64) -> Option<u8> {
    code.checked_sub(0x100)
        .and_then(|alert| u8::try_from(alert).ok())
}

/// The TLS alerts of RFC 8446 §6 that speak of a certificate, as the edge sends them about ours.
fn closed_by_edge(code: u64, reason: &str) -> Failure {
    let refused = |what: &str, next: &str| Failure::new(Kind::NotAuthenticated, what, next);
    match alert(code) {
        Some(45) => refused(
            "the gateway refuses your certificate: it has ended, or is not valid yet",
            "`interlock login` gets a new one; if that is not it, check this machine's clock",
        ),
        Some(44) => refused(
            "the gateway refuses your certificate: it was revoked",
            "ask the administrator",
        ),
        Some(116) => refused(
            "the gateway wants a certificate and got none",
            "`interlock login` writes it anew",
        ),
        Some(42 | 43 | 46 | 47 | 48 | 49 | 51) => refused(
            "the gateway does not accept your certificate",
            "`interlock login` gets a new one; if that is refused too, see that the profile belongs to this gateway, and ask its administrator for an invitation",
        ),
        Some(120) => Failure::new(
            Kind::Failed,
            "what answers there does not speak this version of the conduit",
            "check the gateway's address in the profile, and the versions of gateway and client",
        ),
        Some(_) => Failure::new(
            Kind::Failed,
            format!("the gateway broke the handshake off: {reason}"),
            "the gateway's log says why",
        ),
        // The transport's own code for "no more room for a new connection".
        None if code == u64::from(quinn::TransportErrorCode::CONNECTION_REFUSED) => Failure::new(
            Kind::Unreachable,
            "the gateway takes no further connection now",
            "try again later",
        ),
        None => Failure::new(
            Kind::Unreachable,
            format!("the gateway closed the connection: {reason}"),
            "connect again; the gateway's log says why",
        ),
    }
}

/// An error that this side found.
fn closed_by_us(code: u64, reason: &str) -> Failure {
    if alert(code).is_some() {
        return Failure::new(
            Kind::NotAuthenticated,
            format!("what answers there is not the gateway of this profile: {reason}"),
            "do not go on: check the address in the profile, and ask the administrator whether the gateway's certificate was changed",
        );
    }
    Failure::new(
        Kind::Failed,
        format!("the connection broke: {reason}"),
        "check that gateway and client are of the same version",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_about_our_certificate_is_told_apart_from_an_unreachable_gateway() {
        for alert in [42, 43, 44, 45, 46, 47, 48, 49, 51, 116] {
            let failure = closed_by_edge(0x100 + alert, "");
            assert_eq!(failure.kind(), Kind::NotAuthenticated, "{alert}");
        }
        assert!(closed_by_edge(0x12D, "").what().contains("has ended"));
        assert_eq!(closed_by_edge(0x178, "").kind(), Kind::Failed);
        assert_eq!(closed_by_edge(2, "").kind(), Kind::Unreachable);
        let lost = of_connection(&ConnectionError::TimedOut);
        assert_eq!(lost.kind(), Kind::Unreachable);
    }

    #[test]
    fn a_gateway_that_we_do_not_trust_is_no_ordinary_failure() {
        let failure = closed_by_us(0x130, "");
        assert_eq!(failure.kind(), Kind::NotAuthenticated);
        assert!(failure.next().starts_with("do not go on"));
        let failure = closed_by_us(10, "");
        assert_eq!(failure.kind(), Kind::Failed);
    }

    #[test]
    fn a_refused_stream_keeps_the_kind_of_its_exception() {
        let kind = |code| refused(code, String::new(), String::new()).kind();
        assert_eq!(kind(Some(1)), Kind::Denied);
        assert_eq!(kind(None), Kind::Denied);
        assert_eq!(kind(Some(0x0A)), Kind::Unreachable);
        assert_eq!(kind(Some(6)), Kind::Failed);
    }
}
