//! Certificates for both ends of a sink.

use interlock_broker::authority::{Authority, Credential};
use interlock_broker::clock::{Clock, Now};
use interlock_edge::config::SinkTls;
use interlock_tests::harness::Pass;
use std::path::{Path, PathBuf};

/// The name in the server's certificate. Sinks are given its address as a number, as on many a
/// plant.
pub(crate) const SERVER: &str = "localhost";

/// A folder of PEM files: one authority, a server and a client.
pub(crate) struct Pki {
    dir: PathBuf,
}

impl Pki {
    pub(crate) fn new(dir: &Path) -> Pki {
        std::fs::create_dir_all(dir).unwrap();
        let pki = Pki {
            dir: dir.to_owned(),
        };
        let now = now();
        let root = Authority::create(&dir.display().to_string(), now).unwrap();
        let authority = Authority::open(&root).unwrap();
        pki.keep("server", &authority.issue_gateway(SERVER, now).unwrap());
        let gateway = Pass::signed_by(&authority, "spiffe://site/workload/gateway", now);
        pki.keep("client", &gateway.credential());
        std::fs::write(pki.file("ca.pem"), root.certificate).unwrap();
        pki
    }

    fn keep(&self, name: &str, credential: &Credential) {
        std::fs::write(self.file(&format!("{name}.pem")), &credential.certificate).unwrap();
        std::fs::write(self.file(&format!("{name}.key")), &credential.key).unwrap();
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// What a sink of this authority is configured with.
    pub(crate) fn sink(&self) -> SinkTls {
        SinkTls {
            server_name: SERVER.to_owned(),
            ca: self.file("ca.pem"),
            certificate: self.file("client.pem"),
            key: self.file("client.key"),
        }
    }
}

fn now() -> Now {
    Clock::start().now()
}
