//! Invitations, enrolments and renewals attacked, in memory and with a clock in the hand.

mod enrolling;
mod identities;
mod renewing;

use std::sync::Arc;
use std::time::Duration;

use interlock_broker::authority::Authority;
use interlock_broker::authority::Freshness;
use interlock_broker::clock::Now;
use interlock_broker::enrolment::{Declined, Enrolling, Issued, Registrar, Terms};
use interlock_broker::mediation::{Arrival, Refusal, Session};
use interlock_broker::policy::Transport;
use interlock_broker::proof::{self, sha256};
use interlock_broker::subject::Identity;
use interlock_protocols::identity::{
    EnrolRequest, KeyProtection, LoginRequest, Signed, VERSION, enrol_statement, login_statement,
    proof_statement,
};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData, SigningKey};

use crate::world::{World, noon};

/// The exporter of the connection that everything here happens on.
const EXPORTER: [u8; 32] = [7; 32];
const GATEWAY: &str = "gateway";
const PEER: &str = "192.0.2.9:6000";
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) fn at(later: Duration) -> Now {
    noon().after(later)
}

/// A gateway with a registrar.
pub(crate) struct Office {
    pub(crate) world: World,
    pub(crate) registrar: Registrar,
}

impl Office {
    pub(crate) fn new() -> Office {
        Office::with(Terms::default())
    }

    pub(crate) fn with(terms: Terms) -> Office {
        Office::over(World::new(), terms)
    }

    pub(crate) fn over(world: World, terms: Terms) -> Office {
        let made = Authority::create("issuer", noon()).unwrap();
        let issuer = Authority::open(&made).unwrap();
        let registrar = Registrar::new(Arc::clone(&world.broker), issuer, terms);
        Office { world, registrar }
    }

    /// The gateway after a restart.
    pub(crate) fn restarted(self) -> Office {
        Office::over(self.world.restarted(), Terms::default())
    }

    /// An administrator invites somebody for an hour; gives number and token.
    pub(crate) async fn invite(&self, subject: &str, groups: &[&str], now: Now) -> (u64, [u8; 16]) {
        let adam = self.world.session("person/adam");
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        let invited = self.registrar.invite(&adam, subject, &groups, 3_600, now);
        let invited = invited.await.unwrap();
        (invited.number, invited.token)
    }

    pub(crate) async fn enrol(
        &self,
        keys: &Keys,
        token: [u8; 16],
        now: Now,
    ) -> Result<Enrolling, Declined> {
        let request = keys.enrolment(token);
        self.registrar.enrol(&request, &EXPORTER, PEER, now).await
    }

    /// Invites and enrols at once.
    pub(crate) async fn enrolled(&self, keys: &Keys, subject: &str) -> Issued {
        let (_, token) = self.invite(subject, &[], noon()).await;
        issued(self.enrol(keys, token, noon()).await)
    }

    pub(crate) async fn login(&self, request: &LoginRequest, now: Now) -> Result<Issued, Declined> {
        let login = self.registrar.login(request, &EXPORTER, GATEWAY, PEER, now);
        login.await
    }

    /// A session by a certificate that was issued.
    pub(crate) fn session(
        &self,
        keys: &Keys,
        issued: &Issued,
        now: Now,
    ) -> Result<Session, Refusal> {
        let (_, pem) = x509_parser::pem::parse_x509_pem(issued.certificate.as_bytes()).unwrap();
        let identity = Identity::of_certificate(&pem.contents, "waterworks").unwrap();
        let statement = proof_statement(&EXPORTER, identity.key(), GATEWAY, &[0; 32]);
        let device = signed(&keys.device, &statement);
        let arrival = Arrival {
            proven: proof::prove(&identity, &EXPORTER, GATEWAY, &device, None).unwrap(),
            authority: "issuer",
            freshness: &Freshness::default(),
            peer: PEER,
            transport: Transport::Quic,
            posture: None,
        };
        self.world.broker.open_session(arrival, now)
    }
}

/// What somebody has on one machine.
pub(crate) struct Keys {
    pub(crate) session: KeyPair,
    pub(crate) device: KeyPair,
    pub(crate) authenticator: KeyPair,
    pub(crate) protection: KeyProtection,
}

impl Keys {
    pub(crate) fn in_files() -> Keys {
        Keys {
            session: key(),
            device: key(),
            authenticator: key(),
            protection: KeyProtection::Software,
        }
    }

    pub(crate) fn in_a_token() -> Keys {
        Keys {
            protection: KeyProtection::Token,
            ..Keys::in_files()
        }
    }

    /// The same person and machine with a new key for the next certificate.
    pub(crate) fn renewed(&mut self) -> &Keys {
        self.session = key();
        self
    }

    pub(crate) fn device_key(&self) -> [u8; 32] {
        hash(&self.device)
    }

    pub(crate) fn enrolment(&self, token: [u8; 16]) -> EnrolRequest {
        let keys = [&self.session, &self.device, &self.authenticator];
        let statement = enrol_statement(&EXPORTER, &sha256(&token), &keys.map(hash));
        let [session, device, authenticator] = keys.map(|key| signed(key, &statement));
        EnrolRequest {
            version: VERSION,
            token,
            machine: "laptop-7".to_owned(),
            session,
            device,
            device_protection: KeyProtection::Software,
            authenticator,
            authenticator_protection: self.protection,
        }
    }

    pub(crate) fn renewal(
        &self,
        subject: &str,
        parent: Option<&Issued>,
        present: bool,
    ) -> LoginRequest {
        let keys = [&self.session, &self.device, &self.authenticator];
        let parent = parent.map(fingerprint);
        let hashes = keys.map(hash);
        let statement = login_statement(&EXPORTER, GATEWAY, &hashes, parent.as_ref(), present);
        let [session, device, authenticator] = keys.map(|key| signed(key, &statement));
        LoginRequest {
            version: VERSION,
            subject: format!("spiffe://waterworks/{subject}"),
            session,
            device,
            authenticator,
            parent,
            present,
        }
    }
}

pub(crate) fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

pub(crate) fn signed(key: &KeyPair, statement: &[u8]) -> Signed {
    Signed {
        key: key.subject_public_key_info(),
        signature: key.sign(statement).unwrap(),
    }
}

fn hash(key: &KeyPair) -> [u8; 32] {
    sha256(&key.subject_public_key_info())
}

pub(crate) fn fingerprint(issued: &Issued) -> [u8; 32] {
    let (_, pem) = x509_parser::pem::parse_x509_pem(issued.certificate.as_bytes()).unwrap();
    sha256(&pem.contents)
}

#[track_caller]
pub(crate) fn issued(enrolling: Result<Enrolling, Declined>) -> Issued {
    match enrolling {
        Ok(Enrolling::Issued(issued)) => issued,
        other => panic!("no certificate: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn code<T: std::fmt::Debug>(declined: Result<T, Declined>) -> &'static str {
    declined.unwrap_err().code()
}
