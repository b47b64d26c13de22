//! A site directory on the gateway: read whole, with everything that is wrong with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use interlock_broker::activation;
use interlock_broker::authority::Listener;
use interlock_broker::clock::Clock;
use interlock_broker::finding::Finding;
use interlock_broker::journal::tree;
use interlock_broker::plant::{Outline, Plant};
use interlock_broker::policy::Bundle;

use crate::config::{self, Config};
use crate::keys::{self, Keys};
use crate::listen::tls::{Material, names_server, server_config};
use crate::root::Documents;
use crate::sink;
use crate::trust::{Trust, Verifier};

/// The inventory's file inside the site directory.
pub const PLANT: &str = "plant.toml";
/// The policy's directory inside the site directory.
pub const POLICY: &str = "policy";
/// Where activated policies are kept, inside the site directory.
pub const SNAPSHOTS: &str = "state/policy";
/// Where the view of the journal is kept, inside the site directory. It may be deleted while the
/// edge is off.
pub const VIEW: &str = "state/view";

/// Where it is kept that the journal is behind what others know, until that is accepted.
pub const BEYOND: &str = "state/beyond";

/// Where the register of identities is kept beside the journal, inside the site directory.
pub const REGISTER: &str = "state/register";
/// Where an administrator at the gateway itself asks the running edge.
pub const LOCAL: &str = "state/local.sock";
/// Where it is kept what was last known of the authorities of others.
pub const TRUST: &str = "state/trust";

/// What an edge runs on, apart from its policy.
pub struct Site {
    /// The directory.
    pub dir: PathBuf,
    /// `edge.toml`.
    pub config: Config,
    /// `plant.toml`.
    pub plant: Arc<Plant>,
    /// `keys/`.
    pub keys: Keys,
    /// The listener's TLS, which shows that the keys fit together.
    pub tls: rustls::ServerConfig,
    /// Whose word on clients counts.
    pub(crate) trust: Arc<Trust>,
    /// What the site root signed, where one is pinned.
    pub signed: Option<Documents>,
}

impl Site {
    /// Reads configuration, plant and keys.
    pub fn load(dir: &Path) -> Result<Site, Vec<Finding>> {
        let mut findings = Vec::new();
        let config = keep(
            &mut findings,
            read(&dir.join(config::FILE)).and_then(|text| Config::parse(dir, &text)),
        );
        let plant_text = keep(&mut findings, read(&dir.join(PLANT)));
        let plant = plant_text
            .as_ref()
            .and_then(|text| keep(&mut findings, Plant::parse(&dir.join(PLANT), text)));
        let signed = config
            .as_ref()
            .zip(plant_text.as_ref())
            .and_then(|(config, text)| {
                let site = plant.as_ref().map(Plant::site);
                keep(&mut findings, signed(dir, config, text, site))
            });
        let token = config
            .as_ref()
            .and_then(|config| config.issuer().token.as_ref());
        let keys = keep(&mut findings, Keys::load(dir, token));
        let (Some(config), Some(plant), Some(signed), Some(keys)) = (config, plant, signed, keys)
        else {
            return Err(findings);
        };
        let server_name = config.server_name(plant.site());
        if let Err(why) = names_server(&keys.server.certificate, &server_name) {
            return Err(vec![Finding::of_file(
                &dir.join(keys::DIR).join("server.pem"),
                format!("clients look for `{server_name}` in it: {why}"),
                "keep the names in edge.toml and plant.toml, or make keys for the new ones with \
                 `interlock-edge init OTHER-DIR --site SITE --gateway GATEWAY`, take its keys/, \
                 and have everybody enrol anew",
            )]);
        }
        let log = tree::origin(plant.site(), config.gateway());
        if keys.journal.verifier().name() != log {
            return Err(vec![Finding::of_file(
                &dir.join(keys::DIR).join("journal.key"),
                format!("it signs the log `{}`", keys.journal.verifier().name()),
                format!("this gateway's is `{log}`: restore its own key, or keep the names"),
            )]);
        }
        let listening = trust(dir, &config, plant.site(), &keys).and_then(|trust| {
            let trust = Arc::new(trust);
            let verifier = Verifier::new(Arc::clone(&trust), Listener::Quic);
            let tls = server_config(&Material {
                certificate_pem: &keys.server.certificate,
                key_pem: &keys.server.key,
                verifier: Arc::new(verifier),
            });
            Ok((trust, tls.map_err(|error| error.to_string())?))
        });
        match listening {
            Ok((trust, tls)) => Ok(Site {
                dir: dir.to_owned(),
                config,
                plant: Arc::new(plant),
                keys,
                tls,
                trust,
                signed,
            }),
            Err(error) => Err(vec![Finding::of_file(
                &dir.join(keys::DIR),
                error,
                "restore all of the gateway's keys from one backup",
            )]),
        }
    }

    /// Reads the policy of the directory, as activating it would.
    pub fn load_policy(&self) -> Result<Bundle, Vec<Finding>> {
        Bundle::load(&self.dir.join(POLICY))
    }

    /// Where activated policies are kept.
    pub fn snapshots(&self) -> PathBuf {
        self.dir.join(SNAPSHOTS)
    }

    /// Where the register of identities is kept beside the journal.
    pub fn register(&self) -> PathBuf {
        self.dir.join(REGISTER)
    }

    /// Where the view of the journal is.
    pub fn view(&self) -> PathBuf {
        self.dir.join(VIEW)
    }

    /// Where it is kept that the journal is behind what others know.
    pub fn beyond(&self) -> PathBuf {
        self.dir.join(BEYOND)
    }
}

/// Reads everything, tries the policy's cases, writes nothing, and returns every problem found.
pub fn check(dir: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let site = keep(&mut findings, Site::load(dir));
    findings.extend(site.iter().flat_map(trust_faults));
    findings.extend(sink_faults(dir));
    let Some(bundle) = keep(&mut findings, Bundle::load(&dir.join(POLICY))) else {
        return findings;
    };
    match load_plant(dir) {
        Ok(plant) => {
            keep(
                &mut findings,
                activation::prepare(&bundle, &Arc::new(plant)),
            );
        }
        // Of a faulty plant the names are enough to hold the policy against.
        Err(_) => {
            let text = read(&dir.join(PLANT)).unwrap_or_default();
            if let Some(outline) = Outline::read(&text) {
                findings.extend(activation::faults(&bundle, &outline));
            }
        }
    }
    findings
}

fn trust(dir: &Path, config: &Config, site: &str, keys: &Keys) -> Result<Trust, String> {
    let own = keys.issuer.certificate();
    let own = config.own_issuer().then_some(own);
    let now = Clock::start().now();
    Trust::open(site, own, config.trust(), &dir.join(TRUST), now)
        .map_err(|error| format!("the identity issuer: {error}"))
}

/// What is wrong with the files of other authorities. The edge serves without them, or by what it
/// last knew, so only who asks is told.
fn trust_faults(site: &Site) -> Vec<Finding> {
    let faults = site.trust.troubles(Clock::start().now());
    let faults = faults.into_iter().map(|(config, why)| {
        Finding::of_file(
            &config.ca,
            format!(
                "the authority `{}` cannot be known by it: {why}",
                config.name
            ),
            "have it refreshed, whole and in PEM; until then what was last known goes on holding",
        )
    });
    faults.collect()
}

/// What is wrong with the files that sinks are known by. The edge serves without them, so only
/// who asks is told; what cannot be forwarded piles up.
fn sink_faults(dir: &Path) -> Vec<Finding> {
    let config = read(&dir.join(config::FILE)).and_then(|text| Config::parse(dir, &text));
    let Ok(config) = config else {
        return Vec::new();
    };
    let faults = config.sinks().iter().flat_map(|sink| {
        let found = sink::faults(&sink.tls).into_iter();
        found.map(|(file, why)| {
            Finding::of_file(
                &file,
                format!("sink `{}` cannot use it: {why}", sink.name),
                "put it there, as PEM that the edge's user may read, or name another file in edge.toml",
            )
        })
    });
    faults.collect()
}

/// What the site root signed; nothing is asked for where none is pinned. `site` is the plant's,
/// where the plant can be read.
fn signed(
    dir: &Path,
    config: &Config,
    plant: &str,
    site: Option<&str>,
) -> Result<Option<Documents>, Vec<Finding>> {
    let Some(root) = config.root() else {
        return Ok(None);
    };
    if let Some(site) = site.filter(|site| *site != root.site()) {
        return Err(vec![Finding::of_file(
            &dir.join(config::FILE),
            format!("the pinned root is that of the site `{}`", root.site()),
            format!("this plant's site is `{site}`: pin its own root"),
        )]);
    }
    Documents::load(dir, root, plant.as_bytes()).map(Some)
}

pub(crate) fn load_plant(dir: &Path) -> Result<Plant, Vec<Finding>> {
    let file = dir.join(PLANT);
    Plant::parse(&file, &read(&file)?)
}

pub(crate) fn read(file: &Path) -> Result<String, Vec<Finding>> {
    fs::read_to_string(file).map_err(|error| {
        vec![Finding::of_file(
            file,
            format!("it cannot be read: {error}"),
            "`interlock-edge init DIR` writes a site directory to start from",
        )]
    })
}

fn keep<T>(findings: &mut Vec<Finding>, result: Result<T, Vec<Finding>>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(found) => {
            findings.extend(found);
            None
        }
    }
}
