//! `edge.toml`: how the program on the gateway runs. What it decides by is in the plant and the
//! policy.

mod break_glass;
mod identity;
mod issuer;
mod journal;
mod outlook;
mod posture;
mod root;
mod session;
mod sink;
#[cfg(test)]
mod tests;
mod trust;

use std::net::SocketAddr;
use std::path::Path;

use interlock_broker::document;
use interlock_broker::enrolment;
use interlock_broker::finding::Finding;
use interlock_broker::mediation::SessionTimes;
use interlock_broker::posture::Terms;
use interlock_broker::root::RootKey;
use jiff::tz::TimeZone;

pub use break_glass::{Active, SwitchConfig};
pub use issuer::{IssuerConfig, IssuerToken};
pub use journal::{JournalConfig, WhenFull};
pub use outlook::WitnessConfig;
pub use sink::{SinkConfig, SinkKind, SinkTls};
pub use trust::TrustConfig;

/// The file's name inside the site directory.
pub const FILE: &str = "edge.toml";

/// The settings of one gateway.
#[derive(Clone, Debug)]
pub struct Config {
    gateway: String,
    zone: TimeZone,
    quic: SocketAddr,
    identity: Option<SocketAddr>,
    terms: enrolment::Terms,
    journal: JournalConfig,
    sinks: Vec<SinkConfig>,
    witness: Option<WitnessConfig>,
    metrics: Option<SocketAddr>,
    root: Option<RootKey>,
    posture: Terms,
    issuer: IssuerConfig,
    trust: Vec<TrustConfig>,
    session_times: SessionTimes,
    key_switch: Option<SwitchConfig>,
}

impl Config {
    /// Reads the content of the file, and reports everything that is wrong with it. Relative
    /// paths start at the site directory `dir`.
    pub fn parse(dir: &Path, text: &str) -> Result<Config, Vec<Finding>> {
        document::read(&dir.join(FILE), text, |root| {
            let gateway = root.required("gateway").name();
            let zone = root.optional("time_zone").text_as(time_zone);
            let listen = root.required("listen").table(|listen| {
                let quic = listen.required("quic").socket_address();
                let identity = listen.optional("identity");
                let identity = identity.is_present().then(|| identity.socket_address());
                Some((quic?, identity.flatten()))
            });
            let terms = root.optional("identity").table(identity::read);
            let journal = if root.has("journal") {
                let read = |section: &mut _| JournalConfig::read(dir, section);
                root.optional("journal").table(read)
            } else {
                Some(JournalConfig::none(dir))
            };
            let sinks: Vec<SinkConfig> = root
                .optional("sink")
                .tables(|section| SinkConfig::read(dir, section));
            let witness = root.optional("witness").table(WitnessConfig::read);
            let metrics = root.optional("metrics").table(outlook::metrics);
            let pins_root = root.has("root");
            let site_root = root.optional("root").table(root::read);
            // A root that cannot be read must not become none.
            if pins_root && site_root.is_none() {
                return None;
            }
            let posture = if root.has("posture") {
                root.optional("posture").table(posture::read)
            } else {
                Some(Terms::default())
            };
            if let Some(name) = twice(&sinks) {
                root.fault(
                    "sink",
                    format!("two sinks are called `{name}`"),
                    "each has a cursor of its own under its name; give each another one",
                );
            }
            let issuer = if root.has("issuer") {
                let read = |section: &mut _| IssuerConfig::read(dir, section);
                root.optional("issuer").table(read)
            } else {
                Some(IssuerConfig::default())
            };
            let own_issuer = issuer.as_ref().is_none_or(|issuer| issuer.enabled);
            let trust: Vec<TrustConfig> = root
                .optional("trust")
                .tables(|section| TrustConfig::read(dir, section));
            trust::judge_all(root, own_issuer, &trust);
            let session_times = root.optional("session").table(session::read);
            let has_switch = root.has("break_glass");
            let key_switch = root.optional("break_glass").table(SwitchConfig::read);
            // A key switch that cannot be read must not become none.
            if has_switch && key_switch.is_none() {
                return None;
            }
            if has_switch && !pins_root {
                root.fault(
                    "break_glass",
                    "there is a key switch, and no site root whose seal it could open",
                    "pin the site root under [root], or take [break_glass] out",
                );
            }
            Some(Config {
                gateway: gateway?,
                zone: zone.unwrap_or(TimeZone::UTC),
                quic: listen?.0,
                identity: listen?.1,
                terms: terms.unwrap_or_default(),
                journal: journal?,
                sinks,
                witness,
                metrics,
                root: site_root,
                posture: posture?,
                issuer: issuer?,
                trust,
                session_times: session_times.unwrap_or_default(),
                key_switch,
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

    /// Where people enrol and log in, UDP; nowhere on a gateway that has none of it.
    pub fn identity(&self) -> Option<SocketAddr> {
        self.identity
    }

    /// For how long certificates last, and what becomes of identities that nobody uses.
    pub fn terms(&self) -> enrolment::Terms {
        self.terms
    }

    /// How the journal is kept.
    pub fn journal(&self) -> &JournalConfig {
        &self.journal
    }

    /// Where it is forwarded to.
    pub fn sinks(&self) -> &[SinkConfig] {
        &self.sinks
    }

    /// Who cosigns its checkpoints.
    pub fn witness(&self) -> Option<&WitnessConfig> {
        self.witness.as_ref()
    }

    /// Where metrics are served.
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// The site root that is pinned.
    pub fn root(&self) -> Option<&RootKey> {
        self.root.as_ref()
    }

    /// How reports about the health of machines are judged.
    pub fn posture(&self) -> &Terms {
        &self.posture
    }

    /// The gateway's own issuer.
    pub fn issuer(&self) -> &IssuerConfig {
        &self.issuer
    }

    /// Whether clients that the gateway's own issuer vouches for may come in.
    pub fn own_issuer(&self) -> bool {
        self.issuer.enabled
    }

    /// The authorities of others, and what each is trusted for.
    pub fn trust(&self) -> &[TrustConfig] {
        &self.trust
    }

    /// How long sessions may last.
    pub fn session_times(&self) -> SessionTimes {
        self.session_times
    }

    /// The key switch of break-glass; without one no sealed grant opens anything.
    pub fn key_switch(&self) -> Option<&SwitchConfig> {
        self.key_switch.as_ref()
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

fn twice(sinks: &[SinkConfig]) -> Option<&str> {
    let mut names: Vec<&str> = sinks.iter().map(|sink| sink.name.as_str()).collect();
    names.sort_unstable();
    names
        .windows(2)
        .find_map(|pair| pair.first().filter(|first| Some(*first) == pair.last()))
        .copied()
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
