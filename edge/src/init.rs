//! `interlock-edge init`: a site directory to start from.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use interlock_broker::clock::Now;
use interlock_broker::finding::Finding;
use interlock_broker::join::JoinLine;
use interlock_broker::journal::tree;
use interlock_broker::plant::Plant;
use interlock_broker::subject::SubjectId;

use crate::config::{self, Config, server_name};
use crate::first_invitation;
use crate::keys::{Keys, write_new};
use crate::listen::tls::fingerprint;
use crate::sample;
use crate::site::{self, Site};

/// Why a directory could not be made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is a site in the directory already.
    #[error("{0} is there already: choose another directory, nothing is overwritten")]
    Exists(PathBuf),
    /// A file could not be written.
    #[error("a file could not be written: {0}")]
    Io(#[from] io::Error),
    /// A certificate could not be made.
    #[error(transparent)]
    Authority(#[from] interlock_broker::authority::AuthorityError),
    /// A key could not be made.
    #[error(transparent)]
    Keys(#[from] crate::keys::KeysError),
    /// The name is none.
    #[error(transparent)]
    NotASubject(#[from] interlock_broker::subject::NotASubject),
    /// Nobody can enrol there.
    #[error("nobody can enrol at this gateway: give it a `listen.identity` in edge.toml first")]
    NoListener,
    /// A listener on every address is none that anybody could be told.
    #[error(
        "`listen.identity` is {0}, which says nothing of how this gateway is reached: name its host with --address"
    )]
    NoHost(SocketAddr),
    /// The directory is no working site.
    #[error("the site directory has problems; `interlock-edge check` lists them")]
    Broken(Vec<Finding>),
}

/// Writes the sample site and the gateway's own keys.
pub fn init(dir: &Path, now: Now) -> Result<(), InitError> {
    init_named(dir, sample::SITE, sample::GATEWAY, now)
}

/// Writes the sample site under other names, and keys for them: the gateway's certificate
/// carries both, so they cannot be changed in the files alone.
pub fn init_named(dir: &Path, site: &str, gateway: &str, now: Now) -> Result<(), InitError> {
    let marker = dir.join(config::FILE);
    if marker.exists() {
        return Err(InitError::Exists(marker));
    }
    let files = sample::named(site, gateway);
    for (name, text) in &files {
        // A name that the files cannot carry is found before anything is written.
        match *name {
            config::FILE => drop(Config::parse(dir, text).map_err(InitError::Broken)?),
            site::PLANT => drop(Plant::parse(&dir.join(name), text).map_err(InitError::Broken)?),
            _ => {}
        }
    }
    let log = tree::origin(site, gateway);
    let keys = Keys::create(site, &server_name(gateway, site), &log, now)?;
    fs::DirBuilder::new()
        .mode(0o700)
        .recursive(true)
        .create(dir)?;
    keys.write(dir)?;
    for (name, text) in &files {
        let path = dir.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        write_new(&path, text, 0o644)?;
    }
    Ok(())
}

/// Invites an administrator, by a file that the next start of the edge takes up. `host` is where they
/// reach this gateway; where it is left out, that of the listener. Gives the join line.
pub fn invite_administrator(
    dir: &Path,
    name: &str,
    host: Option<&str>,
    by: &str,
    now: Now,
) -> Result<JoinLine, InitError> {
    let site = Site::load(dir).map_err(InitError::Broken)?;
    let site_name = site.plant.site();
    let subject = SubjectId::parse_at(site_name, &format!("person/{name}"))?;
    let Some(listen) = site.config.identity() else {
        return Err(InitError::NoListener);
    };
    if host.is_none() && listen.ip().is_unspecified() {
        return Err(InitError::NoHost(listen));
    }
    let fingerprint = fingerprint(&site.keys.gateway_authority.certificate);
    let fingerprint = fingerprint.map_err(|error| io::Error::other(error.to_string()))?;
    let token = first_invitation::write(dir, &subject, by, now)?;
    Ok(JoinLine {
        host: host.map_or_else(|| listen.ip().to_string(), str::to_owned),
        port: listen.port(),
        server_name: site.config.server_name(site_name),
        fingerprint,
        token,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use interlock_broker::clock::Clock;

    fn now() -> Now {
        Clock::start().now()
    }

    #[test]
    fn a_site_of_another_name_has_no_problems_and_keys_to_match() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("site");
        init_named(&dir, "harbour_2", "berth", now()).unwrap();
        assert_eq!(site::check(&dir), []);
        let site = Site::load(&dir).unwrap();
        assert_eq!(
            site.config.server_name(site.plant.site()),
            "berth.harbour-2"
        );
    }

    #[test]
    fn a_site_renamed_in_its_files_alone_is_told_that_its_certificate_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("site");
        init(&dir, now()).unwrap();
        for (name, text) in sample::named("harbour", sample::GATEWAY) {
            fs::write(dir.join(name), text).unwrap();
        }
        let found: Vec<String> = site::check(&dir).iter().map(Finding::to_string).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("gateway-1.harbour"), "{found:?}");
        assert!(found[0].contains("server.pem"), "{found:?}");
    }

    #[test]
    fn the_journals_key_is_the_owners_alone_and_belongs_to_this_log() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("site");
        init_named(&dir, "harbour", "berth", now()).unwrap();
        let secret = dir.join("keys/journal.key");
        let mode = fs::metadata(&secret).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let public = fs::read_to_string(dir.join("keys/journal.vkey")).unwrap();
        let public = tree::VerifierKey::parse(&public).unwrap();
        assert_eq!(public.name(), "harbour/gateway/berth");
        let site = Site::load(&dir).unwrap();
        assert_eq!(site.keys.journal.verifier(), &public);

        let other = folder.path().join("other");
        init_named(&other, "harbour", "quay", now()).unwrap();
        let found = |name: &str| {
            fs::copy(other.join("keys").join(name), dir.join("keys").join(name)).unwrap();
            let found = site::check(&dir);
            assert_eq!(found.len(), 1, "{found:?}");
            found[0].to_string()
        };
        assert!(found("journal.vkey").contains("not the public half"));
        assert!(found("journal.key").contains("harbour/gateway/berth"));
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(found("journal.vkey").contains("others than its owner"));
    }

    #[test]
    fn nobody_is_told_to_come_to_every_address() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("site");
        init(&dir, now()).unwrap();
        let file = dir.join(config::FILE);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace("127.0.0.1:4803", "0.0.0.0:4803")).unwrap();
        let invite = |host| invite_administrator(&dir, "adam", host, "a test", now());
        assert!(matches!(invite(None), Err(InitError::NoHost(_))));
        assert!(!dir.join("state").exists(), "nobody is invited");
        assert_eq!(invite(Some("192.0.2.1")).unwrap().host, "192.0.2.1");
    }

    #[test]
    fn a_name_that_the_files_cannot_carry_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("site");
        for (site, gateway) in [("Harbour", "berth"), ("harbour", "a b"), ("", "berth")] {
            let refused = init_named(&dir, site, gateway, now());
            assert!(
                matches!(refused, Err(InitError::Broken(_))),
                "{site} {gateway}"
            );
            assert!(!dir.exists());
        }
    }
}
