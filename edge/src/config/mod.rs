//! `edge.toml`: how the program on the gateway runs. What it decides by is in the plant and the
//! policy.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use interlock_broker::document;
use interlock_broker::finding::Finding;
use jiff::tz::TimeZone;

/// The file's name inside the site directory.
pub const FILE: &str = "edge.toml";

/// Least and greatest segment of the journal, in MiB: below, every record would bring a new
/// file; above, one torn segment takes long to read.
const SEGMENT_MIB: std::ops::RangeInclusive<u64> = 1..=1024;
const SEGMENT_DEFAULT_MIB: u64 = 64;

/// The settings of one gateway.
#[derive(Clone, Debug)]
pub struct Config {
    gateway: String,
    zone: TimeZone,
    quic: SocketAddr,
    journal: PathBuf,
    segment_bytes: u64,
}

impl Config {
    /// Reads the content of the file, and reports everything that is wrong with it. Relative
    /// paths start at the site directory `dir`.
    pub fn parse(dir: &Path, text: &str) -> Result<Config, Vec<Finding>> {
        document::read(&dir.join(FILE), text, |root| {
            let gateway = root.required("gateway").name();
            let zone = root.optional("time_zone").text_as(time_zone);
            let quic = root
                .required("listen")
                .table(|listen| listen.required("quic").socket_address());
            let journal = root.optional("journal").table(|journal| {
                let directory = journal.optional("directory").text();
                let segment = journal.optional("segment_mib").integer(SEGMENT_MIB);
                Some((directory, segment))
            });
            let (directory, segment) = journal.unwrap_or_default();
            Some(Config {
                gateway: gateway?,
                zone: zone.unwrap_or(TimeZone::UTC),
                quic: quic?,
                journal: dir.join(directory.unwrap_or_else(|| "journal".to_owned())),
                segment_bytes: segment.unwrap_or(SEGMENT_DEFAULT_MIB) * 1024 * 1024,
            })
        })
    }

    /// The gateway's name.
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// The plant's time zone, in which policy asks for the hour and the weekday.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Where the conduit is served, UDP.
    pub fn quic(&self) -> SocketAddr {
        self.quic
    }

    /// The journal's directory.
    pub fn journal(&self) -> &Path {
        &self.journal
    }

    /// The length of one journal segment.
    pub fn segment_bytes(&self) -> u64 {
        self.segment_bytes
    }

    /// The name that clients look for in the gateway's certificate.
    pub fn server_name(&self, site: &str) -> String {
        server_name(&self.gateway, site)
    }
}

/// The name in the certificate of a gateway of a site.
pub fn server_name(gateway: &str, site: &str) -> String {
    // A host name has no underscore, a name of the plant may.
    format!("{gateway}.{site}").replace('_', "-")
}

fn time_zone(name: &str) -> Result<TimeZone, (String, String)> {
    TimeZone::get(name).map_err(|error| {
        (
            error.to_string(),
            "write a name of the IANA time zone database, such as \"Europe/Berlin\"; on Debian \
             the package tzdata has them"
                .to_owned(),
        )
    })
}
