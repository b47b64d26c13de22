//! The join line: one word for a shell, by which somebody finds the gateway that invited them,
//! knows it again, and is let in once.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::limits::JOIN_LINE_MAX_BYTES;

const SCHEME: &str = "interlock-join";
const VERSION: &str = "1";

/// An invitation as it is handed over. `Debug` shows no token.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinLine {
    /// Name or address of the gateway, without brackets.
    pub host: String,
    /// UDP port of its identity listener.
    pub port: u16,
    /// The name in its certificate.
    pub server_name: String,
    /// SHA-256 of the certificate of the gateway's authority.
    pub fingerprint: [u8; 32],
    /// What lets somebody in, once.
    pub token: [u8; 16],
}

/// Why a text is no join line. It never repeats the text, which may hold a token.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this is no join line: {why}")]
pub struct NotAJoinLine {
    why: &'static str,
}

impl JoinLine {
    /// Reads one.
    pub fn parse(text: &str) -> Result<JoinLine, NotAJoinLine> {
        let not = |why| NotAJoinLine { why };
        let text = text.trim();
        if text.len() > JOIN_LINE_MAX_BYTES {
            return Err(not("it is too long"));
        }
        let rest = text
            .strip_prefix(SCHEME)
            .and_then(|rest| rest.strip_prefix(':'))
            .ok_or_else(|| not("it does not begin with interlock-join:"))?;
        let (version, rest) = rest
            .split_once(':')
            .ok_or_else(|| not("it ends too early"))?;
        if version != VERSION {
            return Err(not(
                "it is of another version; install the gateway's version of interlock",
            ));
        }
        // From the right: an address of IPv6 has colons of its own.
        let mut parts = rest.rsplitn(5, ':');
        let mut part = || {
            parts
                .next()
                .filter(|part| !part.is_empty())
                .ok_or_else(|| not("it ends too early; copy the whole line"))
        };
        let (token, fingerprint, server_name, port, host) =
            (part()?, part()?, part()?, part()?, part()?);
        let host = bare(host).ok_or_else(|| not("its host is neither a name nor an address"))?;
        let port = port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| not("its port is no number from 1 to 65535"))?;
        if !server_name.bytes().all(is_of_a_name) {
            return Err(not("its server name is none"));
        }
        let cut = "it was cut or changed on the way; copy the whole line";
        Ok(JoinLine {
            host: host.to_owned(),
            port,
            server_name: server_name.to_owned(),
            fingerprint: bytes(fingerprint).ok_or_else(|| not(cut))?,
            token: bytes(token).ok_or_else(|| not(cut))?,
        })
    }

    /// `HOST:PORT` of a port on the gateway's host.
    pub fn address(&self, port: u16) -> String {
        format!("{}:{port}", in_brackets(&self.host))
    }
}

impl fmt::Display for JoinLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{SCHEME}:{VERSION}:{}:{}:{}:{}",
            self.address(self.port),
            self.server_name,
            URL_SAFE_NO_PAD.encode(self.fingerprint),
            URL_SAFE_NO_PAD.encode(self.token)
        )
    }
}

impl fmt::Debug for JoinLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinLine")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

/// A host as it stands in front of a port.
fn in_brackets(host: &str) -> String {
    match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    }
}

/// A host without the brackets that an address of IPv6 has there.
fn bare(host: &str) -> Option<&str> {
    match host.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .filter(|address| address.parse::<std::net::Ipv6Addr>().is_ok()),
        None => host.bytes().all(is_of_a_name).then_some(host),
    }
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(host: &str) -> JoinLine {
        JoinLine {
            host: host.to_owned(),
            port: 4803,
            server_name: "gateway-1.waterworks".to_owned(),
            fingerprint: [0xFB; 32],
            token: [0xFE; 16],
        }
    }

    #[test]
    fn a_line_is_one_word_and_comes_back_as_it_was() {
        for host in ["gateway.example.com", "192.0.2.7", "2001:db8::7"] {
            let line = line(host);
            let text = line.to_string();
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":.-_[]".contains(&byte);
            assert!(text.bytes().all(plain), "{text}");
            assert_eq!(JoinLine::parse(&text).unwrap(), line);
            assert_eq!(JoinLine::parse(&format!(" {text}\n")).unwrap(), line);
        }
        let golden = "interlock-join:1:[2001:db8::7]:4803:gateway-1.waterworks:\
                      -_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s:_v7-_v7-_v7-_v7-_v7-_g";
        assert_eq!(line("2001:db8::7").to_string(), golden);
        assert_eq!(line("2001:db8::7").address(9), "[2001:db8::7]:9");
    }

    #[test]
    fn what_is_no_join_line_is_said_in_words_and_shows_no_token() {
        let good = line("gateway").to_string();
        let cut = &good[..good.len() - 3];
        for (text, word) in [
            ("", "does not begin"),
            ("spiffe://waterworks/person/olga", "does not begin"),
            ("interlock-join:", "ends too early"),
            (&good.replace(":1:", ":2:"), "another version"),
            ("interlock-join:1:gateway", "ends too early"),
            ("interlock-join:1:gateway:4803:name:", "ends too early"),
            (cut, "cut or changed"),
            (&good.replace("4803", "0"), "no number"),
            (&good.replace("4803", "66000"), "no number"),
            (&good.replace(":gateway:", ":gate way:"), "host"),
            (&good.replace(":gateway:", ":[gateway]:"), "host"),
            (&good.replace("gateway-1.waterworks", "a/b"), "server name"),
            (&"interlock-join:".repeat(100), "too long"),
        ] {
            let error = JoinLine::parse(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
            assert!(!error.contains("_v7-"), "{error}");
        }
        assert!(!format!("{:?}", line("gateway")).contains("token"));
    }
}
