//! The join line: one word of a shell with all that somebody needs to enrol.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How each begins; the number is the version of what follows.
const BEGINS: &str = "interlock-join:1:";

/// Where to enrol, whose word on the gateway counts, and the token. `Debug` shows no token.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinLine {
    /// The host, as a name or an address.
    pub host: String,
    /// UDP port of the identity listener.
    pub port: u16,
    /// The name in the gateway's certificate.
    pub server_name: String,
    /// SHA-256 of the certificate of the gateway's authority.
    pub fingerprint: [u8; 32],
    /// The token.
    pub token: [u8; 16],
}

/// Not a join line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this is no join line: copy the whole word that begins with `{BEGINS}`")]
pub struct NoJoinLine;

impl fmt::Display for JoinLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The parts are told apart by colons, and an address may have its own.
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        write!(
            f,
            "{BEGINS}{host}:{}:{}:{}:{}",
            self.port,
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
            .finish_non_exhaustive()
    }
}

impl FromStr for JoinLine {
    type Err = NoJoinLine;

    fn from_str(text: &str) -> Result<JoinLine, NoJoinLine> {
        read(text.trim()).ok_or(NoJoinLine)
    }
}

fn read(text: &str) -> Option<JoinLine> {
    let rest = text.strip_prefix(BEGINS)?;
    let mut parts = rest.rsplitn(5, ':');
    let token = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
    let fingerprint = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
    let server_name = parts.next()?.to_owned();
    let port = parts.next()?.parse().ok()?;
    let host = parts.next()?;
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host = bracketed.unwrap_or(host).to_owned();
    let line = JoinLine {
        host,
        port,
        server_name,
        fingerprint: fingerprint.try_into().ok()?,
        token: token.try_into().ok()?,
    };
    // One spelling alone.
    (!line.host.is_empty() && !line.server_name.is_empty() && line.to_string() == text)
        .then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written_and_nothing_else_is() {
        for host in ["gateway.example", "192.0.2.7", "2001:db8::7"] {
            let line = JoinLine {
                host: host.to_owned(),
                port: 4803,
                server_name: "gateway-1.waterworks".to_owned(),
                fingerprint: [0xA7; 32],
                token: [0xFE; 16],
            };
            let text = line.to_string();
            assert!(!text.contains(char::is_whitespace));
            assert_eq!(text.parse(), Ok(line.clone()));
            assert_eq!(format!(" {text}\n").parse(), Ok(line.clone()));
            assert!(!format!("{line:?}").contains(text.rsplit(':').next().unwrap()));
            for end in 0..text.len() {
                assert_eq!(text[..end].parse::<JoinLine>(), Err(NoJoinLine), "{end}");
            }
            assert_eq!(format!("{text}A").parse::<JoinLine>(), Err(NoJoinLine));
        }
    }
}
