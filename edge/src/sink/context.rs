//! What a record leaves out because it was said before: whose session it is and where it came
//! from, and what the intent of an outcome was.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use interlock_protocols::record::{Event, Intent, Record, SessionOpened};

use crate::limits::{SINK_INTENTS_MAX, SINK_SESSIONS_MAX};

/// Whose journal is forwarded, and where the plant says that its devices are.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    gateway: String,
    site: String,
    devices: BTreeMap<String, String>,
}

/// One end of a connection, as far as it is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct End {
    /// Its address; a name that was never looked up is none.
    pub(crate) ip: Option<IpAddr>,
    /// Its name, where the plant has a name and no address.
    pub(crate) host: Option<String>,
    /// Its port.
    pub(crate) port: Option<u16>,
}

impl End {
    /// Reads `host:port`.
    pub(crate) fn parse(text: &str) -> Option<End> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Some(End {
                ip: Some(address.ip().to_canonical()),
                host: None,
                port: Some(address.port()),
            });
        }
        let (host, port) = text.rsplit_once(':')?;
        Some(End {
            ip: None,
            host: Some(host.to_owned()),
            port: Some(port.parse().ok()?),
        })
    }
}

impl Origin {
    /// `devices` are pairs of name and `host:port`.
    pub(crate) fn new(
        gateway: &str,
        site: &str,
        devices: impl IntoIterator<Item = (String, String)>,
    ) -> Origin {
        Origin {
            gateway: gateway.to_owned(),
            site: site.to_owned(),
            devices: devices.into_iter().collect(),
        }
    }

    /// Name of the gateway.
    pub(crate) fn gateway(&self) -> &str {
        &self.gateway
    }

    /// Name of the site.
    pub(crate) fn site(&self) -> &str {
        &self.site
    }

    /// The name of the log, as its checkpoints have it.
    pub(crate) fn log(&self) -> String {
        format!("{}/gateway/{}", self.site, self.gateway)
    }

    /// What tells one record from all others of all gateways of a site, and a repeat from news.
    pub(crate) fn uid(&self, sequence: u64) -> String {
        format!("{}:{sequence}", self.gateway)
    }

    /// Where a device is now. The record does not say where it was then.
    pub(crate) fn device(&self, name: &str) -> Option<End> {
        self.devices
            .get(name)
            .and_then(|address| End::parse(address))
    }
}

/// The sessions and intents seen of late, within bounds: what is not in it is told without.
#[derive(Default)]
pub(crate) struct Context {
    sessions: BTreeMap<u64, SessionOpened>,
    intents: BTreeMap<u64, (i64, Intent)>,
}

impl Context {
    /// Takes note of a record, before it or a later one is told.
    pub(crate) fn note(&mut self, record: &Record) {
        match &record.event {
            Event::SessionOpened(opened) => {
                let session = opened.session;
                keep(
                    &mut self.sessions,
                    SINK_SESSIONS_MAX,
                    session,
                    opened.clone(),
                );
            }
            // Kept beyond its outcome: after a lost connection that outcome is told once more.
            Event::Intent(intent) => {
                let intent = (record.time_ms, intent.clone());
                keep(&mut self.intents, SINK_INTENTS_MAX, record.sequence, intent);
            }
            _ => {}
        }
    }

    /// How a session was opened.
    pub(crate) fn session(&self, session: u64) -> Option<&SessionOpened> {
        self.sessions.get(&session)
    }

    /// Where a session came from.
    pub(crate) fn peer(&self, session: u64) -> Option<End> {
        self.session(session)
            .and_then(|opened| End::parse(&opened.peer))
    }

    /// The intent that was recorded under this sequence, and when.
    pub(crate) fn intent(&self, sequence: u64) -> Option<(i64, &Intent)> {
        self.intents
            .get(&sequence)
            .map(|(time_ms, intent)| (*time_ms, intent))
    }
}

fn keep<T>(map: &mut BTreeMap<u64, T>, most: usize, key: u64, value: T) {
    map.insert(key, value);
    while map.len() > most {
        map.pop_first();
    }
}
