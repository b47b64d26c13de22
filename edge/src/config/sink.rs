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
        let server_name = section.optional("server_name").text();
        let ca = section.required("ca").text();
        let certificate = section.required("certificate").text();
        let key = section.required("key").text();
        let required = section.optional("required").boolean();
        let address = address?;
        let host = address.rsplit_once(':').map_or("", |(host, _)| host);
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
