//! Where a key is: the part of the `pkcs11:` URIs of RFC 7512 that names one key in one token.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::limits::{TOKEN_ID_MAX_BYTES, TOKEN_PATH_MAX_BYTES, TOKEN_TEXT_MAX_BYTES};

const SCHEME: &str = "pkcs11:";

/// One key pair in one token, and the module that reaches it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenKey {
    module: PathBuf,
    token: String,
    serial: Option<String>,
    object: Option<String>,
    id: Option<Vec<u8>>,
}

/// Why a text names no key in a token.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{why}; write pkcs11:token=LABEL;object=NAME")]
pub struct NotATokenKey {
    why: String,
}

fn not(why: impl Into<String>) -> NotATokenKey {
    NotATokenKey { why: why.into() }
}

impl TokenKey {
    /// Reads such a URI. The module comes from `?module-path=` or beside it, and not from both.
    pub fn parse(uri: &str, module: Option<&Path>) -> Result<TokenKey, NotATokenKey> {
        let rest = uri
            .strip_prefix(SCHEME)
            .ok_or_else(|| not("a key in a token is named by a URI that begins with pkcs11:"))?;
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let mut read = Parts::default();
        for part in path.split(';') {
            read.path(part)?;
        }
        for part in query.into_iter().flat_map(|query| query.split('&')) {
            read.query(part)?;
        }
        let module = match (module, read.module) {
            (Some(_), Some(_)) => return Err(not("the module is named twice")),
            (Some(beside), None) => beside.to_owned(),
            (None, Some(inside)) => PathBuf::from(inside),
            (None, None) => {
                return Err(not(
                    "no PKCS#11 module is named: give its file, such as the one of your card's maker",
                ));
            }
        };
        if read.object.is_none() && read.id.is_none() {
            return Err(not("it names no object and no id, so no key in the token"));
        }
        Ok(TokenKey {
            module,
            token: read.token.ok_or_else(|| not("it names no token"))?,
            serial: read.serial,
            object: read.object,
            id: read.id,
        })
    }

    /// The key of that name in the token of that label.
    pub fn labelled(module: &Path, token: &str, object: &str) -> Result<TokenKey, NotATokenKey> {
        for text in [token, object] {
            if text.is_empty() || text.len() > TOKEN_TEXT_MAX_BYTES {
                return Err(not(format!(
                    "a label has 1 to {TOKEN_TEXT_MAX_BYTES} bytes"
                )));
            }
        }
        Ok(TokenKey {
            module: module.to_owned(),
            token: token.to_owned(),
            serial: None,
            object: Some(object.to_owned()),
            id: None,
        })
    }

    /// The file of the module.
    pub fn module(&self) -> &Path {
        &self.module
    }

    /// Label of the token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Its serial number, where the label alone is not to be enough.
    pub fn serial(&self) -> Option<&str> {
        self.serial.as_deref()
    }

    /// Label of the key.
    pub fn object(&self) -> Option<&str> {
        self.object.as_deref()
    }

    /// Its `CKA_ID`.
    pub fn id(&self) -> Option<&[u8]> {
        self.id.as_deref()
    }
}

/// The URI without the module: one token may be reached by different files on different machines.
impl fmt::Display for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}token={}", escaped(self.token.as_bytes(), true))?;
        if let Some(serial) = &self.serial {
            write!(f, ";serial={}", escaped(serial.as_bytes(), true))?;
        }
        if let Some(object) = &self.object {
            write!(f, ";object={}", escaped(object.as_bytes(), true))?;
        }
        if let Some(id) = &self.id {
            write!(f, ";id={}", escaped(id, false))?;
        }
        Ok(())
    }
}

#[derive(Default)]
struct Parts {
    token: Option<String>,
    serial: Option<String>,
    object: Option<String>,
    id: Option<Vec<u8>>,
    module: Option<String>,
}

impl Parts {
    fn path(&mut self, part: &str) -> Result<(), NotATokenKey> {
        let (name, value) = named(part)?;
        match name {
            "token" => once(
                &mut self.token,
                name,
                text(name, value, TOKEN_TEXT_MAX_BYTES)?,
            ),
            "serial" => once(
                &mut self.serial,
                name,
                text(name, value, TOKEN_TEXT_MAX_BYTES)?,
            ),
            "object" => once(
                &mut self.object,
                name,
                text(name, value, TOKEN_TEXT_MAX_BYTES)?,
            ),
            "id" => once(&mut self.id, name, bytes(name, value, TOKEN_ID_MAX_BYTES)?),
            "type" if value == "private" => Ok(()),
            "type" => Err(not("its type is not private, and only a private key signs")),
            _ => Err(not(format!(
                "`{name}` is not understood here; token, serial, object and id are"
            ))),
        }
    }

    fn query(&mut self, part: &str) -> Result<(), NotATokenKey> {
        let (name, value) = named(part)?;
        match name {
            "module-path" => once(
                &mut self.module,
                name,
                text(name, value, TOKEN_PATH_MAX_BYTES)?,
            ),
            "pin-value" | "pin-source" => Err(not(
                "a PIN does not belong into the URI, which others can see; it is asked for, or \
                 read from a file that is named apart",
            )),
            _ => Err(not(format!(
                "`{name}` is not understood here; module-path is"
            ))),
        }
    }
}

fn named(part: &str) -> Result<(&str, &str), NotATokenKey> {
    part.split_once('=')
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        .ok_or_else(|| not(format!("`{part}` is not of the form name=value")))
}

fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), NotATokenKey> {
    if place.replace(value).is_some() {
        return Err(not(format!("`{name}` is given twice")));
    }
    Ok(())
}

fn text(name: &str, value: &str, max: usize) -> Result<String, NotATokenKey> {
    let bytes = bytes(name, value, max)?;
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.chars().any(char::is_control))
        .ok_or_else(|| not(format!("`{name}` is no text")))
}

fn bytes(name: &str, value: &str, max: usize) -> Result<Vec<u8>, NotATokenKey> {
    let mut read = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        read.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                match (digit(rest.next()), digit(rest.next())) {
                    (Some(high), Some(low)) => u8::try_from(high * 16 + low).unwrap_or_default(),
                    _ => {
                        return Err(not(format!(
                            "`{name}` has a % without two hexadecimal digits behind it"
                        )));
                    }
                }
            }
            byte => byte,
        });
    }
    if read.len() > max {
        return Err(not(format!("`{name}` is longer than {max} bytes")));
    }
    Ok(read)
}

/// Percent-encoded, where `plain` letters stay as they are.
fn escaped(bytes: &[u8], plain: bool) -> String {
    let stays = |byte: u8| plain && (byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    bytes
        .iter()
        .map(|&byte| match stays(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = "/usr/lib/module.so";

    fn parse(uri: &str) -> Result<TokenKey, NotATokenKey> {
        TokenKey::parse(uri, Some(Path::new(MODULE)))
    }

    #[test]
    fn a_key_is_named_by_token_and_label_or_id_and_shown_as_it_was_named() {
        let key = parse("pkcs11:token=Plant%20keys;object=issuer;type=private").unwrap();
        assert_eq!((key.token(), key.object()), ("Plant keys", Some("issuer")));
        assert_eq!(key.module(), Path::new(MODULE));
        assert_eq!(key.to_string(), "pkcs11:token=Plant%20keys;object=issuer");

        let key = parse("pkcs11:id=%01%fFa;serial=77;token=t").unwrap();
        assert_eq!(key.id(), Some(&[0x01, 0xFF, b'a'][..]));
        assert_eq!(key.to_string(), "pkcs11:token=t;serial=77;id=%01%FF%61");
        assert_eq!(parse(&key.to_string()).unwrap(), key);

        let inside =
            TokenKey::parse("pkcs11:token=t;object=k?module-path=/lib/m.so", None).unwrap();
        assert_eq!(inside.module(), Path::new("/lib/m.so"));
    }

    #[test]
    fn anything_else_is_an_error_in_words() {
        for (uri, word) in [
            ("token=t;object=k", "begins with pkcs11:"),
            ("pkcs11:", "name=value"),
            ("pkcs11:token=t", "no object and no id"),
            ("pkcs11:object=k", "names no token"),
            ("pkcs11:token=t;object=", "name=value"),
            ("pkcs11:token=t;object=k;object=l", "twice"),
            ("pkcs11:token=t;object=k;slot-id=3", "`slot-id`"),
            ("pkcs11:token=t;object=k;type=public", "private"),
            ("pkcs11:token=t;object=%4", "two hexadecimal digits"),
            ("pkcs11:token=t;object=%zz", "two hexadecimal digits"),
            ("pkcs11:token=t;object=%+1", "two hexadecimal digits"),
            ("pkcs11:token=t;object=%ff", "no text"),
            ("pkcs11:token=t;object=%0a", "no text"),
            (
                "pkcs11:token=t;object=k?pin-value=1234",
                "PIN does not belong",
            ),
            (
                "pkcs11:token=t;object=k?pin-source=f",
                "PIN does not belong",
            ),
            ("pkcs11:token=t;object=k?module-path=/m.so", "named twice"),
        ] {
            let error = parse(uri).unwrap_err().to_string();
            assert!(error.contains(word), "{uri}: {error}");
            assert!(!error.contains("1234"), "{error}");
        }
        let long = format!("pkcs11:token=t;object={}", "k".repeat(65));
        assert!(parse(&long).unwrap_err().to_string().contains("longer"));
        let none = TokenKey::parse("pkcs11:token=t;object=k", None).unwrap_err();
        assert!(none.to_string().contains("no PKCS#11 module"), "{none}");
    }
}
