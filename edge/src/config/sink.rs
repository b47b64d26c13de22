//! `[[sink]]`: where the journal is forwarded to.

use std::path::{Path, PathBuf};

use interlock_broker::document::Section;

/// The client certificate that a sink is shown, and the authority that it is known by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SinkTls {
    /// The name that its certificate must have.
    pub server_name: String,
    /// PEM file of the authority that signed its certificate.
    pub ca: PathBuf,
    /// PEM file of our certificate.
    pub certificate: PathBuf,
    /// PEM file of our key.
    pub key: PathBuf,
}

/// What a sink is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SinkKind {
    /// NATS JetStream: one stream a gateway.
    Nats,
    /// Syslog (RFC 5424 over TLS), each record as OCSF API Activity.
    SyslogOcsf,
    /// Syslog (RFC 5424 over TLS), each command in the field names of Zeek's ICSNPP
    /// `modbus_detailed.log`.
    SyslogZeek,
}

/// One sink.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SinkConfig {
    /// Its name: of the cursor, in `status` and in records.
    pub name: String,
    /// What it is.
    pub kind: SinkKind,
    /// `host:port`.
    pub address: String,
    /// How to know each other.
    pub tls: SinkTls,
    /// Whether retention keeps records until this sink has acknowledged them.
    pub required: bool,
}

impl SinkConfig {
    pub(super) fn read(dir: &Path, section: &mut Section<'_>) -> Option<SinkConfig> {
        let name = section.required("name").name();
        let kind = section.required("kind").word(&[
            ("nats", SinkKind::Nats),
            ("syslog-ocsf", SinkKind::SyslogOcsf),
            ("syslog-zeek", SinkKind::SyslogZeek),
        ]);
        let address = section.required("address").host_and_port();
        let server_name = section.optional("server_name").text_as(server_name);
        let ca = section.required("ca").text();
        let certificate = section.required("certificate").text();
        let key = section.required("key").text();
        let required = section.optional("required").boolean();
        let address = address?;
        let host = address.rsplit_once(':').map_or("", |(host, _)| host);
        // An IPv6 address has brackets beside a port, and none in a certificate.
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some(SinkConfig {
            name: name?,
            kind: kind?,
            tls: SinkTls {
                server_name: server_name.unwrap_or_else(|| host.to_owned()),
                ca: dir.join(ca?),
                certificate: dir.join(certificate?),
                key: dir.join(key?),
            },
            address,
            required: required.unwrap_or(true),
        })
    }
}

fn server_name(text: &str) -> Result<String, (String, String)> {
    match rustls::pki_types::ServerName::try_from(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err((
            "that is no name that a certificate can have".to_owned(),
            "write the name or the address that stands in the sink's certificate".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read(address: &str, more: &str) -> Result<SinkConfig, Vec<String>> {
        let text = format!(
            "gateway = \"g\"\n[listen]\nquic = \"127.0.0.1:4433\"\n[[sink]]\nname = \"siem\"\n\
             kind = \"nats\"\naddress = \"{address}\"\nca = \"ca.pem\"\n\
             certificate = \"/etc/c.pem\"\nkey = \"k.pem\"\n{more}"
        );
        let config = Config::parse(Path::new("/site"), &text);
        let told = |found: Vec<interlock_broker::finding::Finding>| {
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        Ok(config.map_err(told)?.sinks().first().unwrap().clone())
    }

    #[test]
    fn a_sink_is_known_by_the_host_of_its_address_unless_it_says_otherwise() {
        for (address, more, name) in [
            ("siem.plant.example:6514", "", "siem.plant.example"),
            ("192.0.2.7:4222", "", "192.0.2.7"),
            ("[2001:db8::7]:4222", "", "2001:db8::7"),
            ("192.0.2.7:4222", "server_name = \"siem\"", "siem"),
        ] {
            let sink = read(address, more).unwrap();
            assert_eq!(sink.tls.server_name, name);
            let name = rustls::pki_types::ServerName::try_from(name);
            assert!(name.is_ok(), "{address}");
            assert_eq!(sink.tls.ca, Path::new("/site/ca.pem"));
            assert_eq!(sink.tls.certificate, Path::new("/etc/c.pem"));
        }
    }

    #[test]
    fn a_name_that_no_certificate_has_is_a_fault_with_its_line() {
        let found = read("192.0.2.7:4222", "server_name = \"no name\"").unwrap_err();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("edge.toml:11"), "{found:?}");
    }
}
