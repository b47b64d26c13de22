//! `[issuer]`: whether the gateway's own issuer is trusted, and where its key is.

use std::path::{Path, PathBuf};

use interlock_broker::document::Section;
use interlock_broker::token::TokenKey;

/// The gateway's own issuer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IssuerConfig {
    /// Whether clients that it vouches for may come in.
    pub enabled: bool,
    /// Where its key is, if that is in a token.
    pub token: Option<IssuerToken>,
}

/// A key in a token, and how to open it without anybody there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IssuerToken {
    /// Which key.
    pub key: TokenKey,
    /// The file with the PIN; `None` where INTERLOCK_PIN has it, or none is needed.
    pub pin_file: Option<PathBuf>,
}

impl Default for IssuerConfig {
    fn default() -> IssuerConfig {
        IssuerConfig {
            enabled: true,
            token: None,
        }
    }
}

impl IssuerConfig {
    pub(super) fn read(dir: &Path, section: &mut Section<'_>) -> Option<IssuerConfig> {
        let enabled = match section.has("enabled") || !section.has("token") {
            true => section.required("enabled").boolean(),
            false => Some(true),
        };
        if !section.has("token") {
            return Some(IssuerConfig {
                enabled: enabled?,
                token: None,
            });
        }
        let module = section.optional("module").text().map(PathBuf::from);
        let pin_file = section.optional("pin_file").text();
        let key = section.required("token").text_as(|uri| {
            TokenKey::parse(uri, module.as_deref()).map_err(|error| {
                let hint =
                    "write token = \"pkcs11:token=LABEL;object=issuer\" and module = \"FILE\"";
                (error.to_string(), hint.to_owned())
            })
        });
        Some(IssuerConfig {
            enabled: enabled?,
            token: Some(IssuerToken {
                key: key?,
                pin_file: pin_file.map(|file| dir.join(file)),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const BASE: &str = "gateway = \"g\"\n[listen]\nquic = \"127.0.0.1:4433\"\n";

    fn read(text: &str) -> Result<IssuerConfig, String> {
        let config = Config::parse(Path::new("/site"), &format!("{BASE}{text}"));
        config
            .map(|config| config.issuer().clone())
            .map_err(|found| {
                let all: Vec<String> = found.iter().map(ToString::to_string).collect();
                all.join("\n")
            })
    }

    #[test]
    fn the_issuers_key_may_be_in_a_token() {
        assert_eq!(read("").unwrap(), IssuerConfig::default());
        let issuer = read(
            "[issuer]\ntoken = \"pkcs11:token=plant;object=issuer\"\nmodule = \"/lib/m.so\"\n\
             pin_file = \"keys/issuer.pin\"\n",
        );
        let issuer = issuer.unwrap();
        assert!(issuer.enabled);
        let token = issuer.token.unwrap();
        assert_eq!(token.key.to_string(), "pkcs11:token=plant;object=issuer");
        assert_eq!(token.key.module(), Path::new("/lib/m.so"));
        let pin_file = Path::new("/site/keys/issuer.pin");
        assert_eq!(token.pin_file.as_deref(), Some(pin_file));
    }

    #[test]
    fn what_names_no_key_is_said_in_words() {
        for (text, word) in [
            ("[issuer]\n", "enabled"),
            (
                "[issuer]\ntoken = \"pkcs11:token=plant;object=k\"\n",
                "no PKCS#11 module",
            ),
            (
                "[issuer]\ntoken = \"plant\"\nmodule = \"/m.so\"\n",
                "pkcs11:",
            ),
            ("[issuer]\nenabled = true\npin = \"1234\"\n", "pin"),
        ] {
            let found = read(text).unwrap_err();
            assert!(found.contains(word), "{text}: {found}");
        }
    }
}
