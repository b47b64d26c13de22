//! The sample site in memory: a broker over a journal whose disk the test holds in its hand.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use interlock_broker::activation;
use interlock_broker::authority::{Authority, Freshness};
use interlock_broker::clock::{Mono, Now};
use interlock_broker::journal::{self, Journal, Memory, Options};
use interlock_broker::mediation::{
    Arrival, Authorized, Broker, Conversation, Permit, Refusal, Session,
};
use interlock_broker::plant::Plant;
use interlock_broker::policy::{Bundle, Transport};
use interlock_broker::posture::{Terms, believe};
use interlock_broker::proof::{self, Proven};
use interlock_broker::subject::{Bound, Identity, SubjectId};
use interlock_protocols::conduit::DeviceOffer;
use interlock_protocols::identity::{
    AuthStrength, KeyProtection, OsFamily, Posture, PostureReport, PostureSource, Signed,
    posture_digest, proof_statement,
};
use interlock_protocols::modbus::tcp::Adu;
use interlock_protocols::modbus::{TransactionId, UnitId};
use interlock_protocols::record::{CommandResult, Event, Record};
use jiff::tz::TimeZone;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData, SigningKey};

/// A Wednesday at noon, when the day shift may do what it may.
pub(crate) const NOON_MS: i64 = 1_767_787_200_000;
pub(crate) const SEGMENT_BYTES: u64 = 1 << 20;

pub(crate) fn noon() -> Now {
    Now::new(NOON_MS, Mono::at(Duration::from_secs(60)))
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/site")
}

/// A report that holds for as long as any test that is not about that.
pub(crate) fn terms() -> Terms {
    Terms {
        lease: Duration::from_secs(24 * 3_600),
        ..Terms::default()
    }
}

/// What a machine says of itself.
pub(crate) fn own(posture: &Posture) -> PostureReport {
    PostureReport {
        source: PostureSource::Own,
        statement: posture.encode(),
        signer: String::new(),
        signature: Vec::new(),
    }
}

pub(crate) struct World {
    pub(crate) memory: Memory,
    pub(crate) broker: Arc<Broker>,
    authority: Authority,
    machine: KeyPair,
}

impl World {
    pub(crate) fn new() -> World {
        let site = sample();
        let text = std::fs::read_to_string(site.join("plant.toml")).unwrap();
        World::of(&text)
    }

    /// The same with texts of its policy replaced: file, before, after.
    pub(crate) fn with_policy(edits: &[(&str, &str, &str)]) -> World {
        let text = std::fs::read_to_string(sample().join("plant.toml")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let bundle = Bundle::load(&sample().join("policy")).unwrap();
        let copy = bundle.store(folder.path()).unwrap();
        for (file, before, after) in edits {
            let text = std::fs::read_to_string(copy.join(file)).unwrap();
            assert_eq!(text.matches(before).count(), 1, "{before:?} in {file}");
            std::fs::write(copy.join(file), text.replace(before, after)).unwrap();
        }
        World::made(&text, &Bundle::load(&copy).unwrap())
    }

    /// The same with another plant.
    pub(crate) fn of(text: &str) -> World {
        World::made(text, &Bundle::load(&sample().join("policy")).unwrap())
    }

    fn made(text: &str, bundle: &Bundle) -> World {
        let plant = Arc::new(Plant::parse(Path::new("plant.toml"), text).unwrap());
        let policy = activation::compile(bundle, &plant).unwrap();
        let memory = Memory::new();
        let options = Options {
            segment_bytes: SEGMENT_BYTES,
            ..Options::default()
        };
        let (journal, recovered) = Journal::open(memory.storage(), options, NOON_MS).unwrap();
        let broker = Broker::new(
            plant,
            policy,
            journal,
            TimeZone::UTC,
            recovered.next_sequence,
            recovered.register,
        );
        let made = Authority::create("issuer", noon()).unwrap();
        World {
            memory,
            broker,
            authority: Authority::open(&made).unwrap(),
            machine: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
        }
    }

    /// A session of `person/olga` and the like, with a certificate of one hour.
    pub(crate) fn session(&self, who: &str) -> Session {
        self.try_session(who, noon()).unwrap()
    }

    pub(crate) fn try_session(&self, who: &str, now: Now) -> Result<Session, Refusal> {
        self.session_reporting(who, &self.healthy(now), &terms(), now)
    }

    /// The same from a machine of which this is said.
    pub(crate) fn session_reporting(
        &self,
        who: &str,
        report: &PostureReport,
        terms: &Terms,
        now: Now,
    ) -> Result<Session, Refusal> {
        let identity = self.identity(who);
        let proven = self.proven(&identity, Some(report));
        let posture = believe(report, &proven, terms, now);
        let arrival = Arrival {
            proven,
            authority: "issuer",
            freshness: &Freshness::default(),
            peer: "192.0.2.7:5000",
            transport: Transport::Quic,
            posture: posture.ok(),
        };
        self.broker.open_session(arrival, now)
    }

    /// Somebody with a certificate of one hour, for the machine of this world, who has just shown
    /// that they are there.
    pub(crate) fn identity(&self, who: &str) -> Identity {
        self.identity_on(who, &self.machine, noon())
    }

    /// The same for another machine, at another time.
    fn identity_on(&self, who: &str, machine: &KeyPair, now: Now) -> Identity {
        let subject = SubjectId::parse_at("waterworks", who).unwrap();
        let session_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let spki = session_key.subject_public_key_info();
        let bound = Bound {
            device_key: proof::sha256(&machine.subject_public_key_info()),
            protection: KeyProtection::Software,
            auth: AuthStrength::UserPresent,
            auth_ms: now.wall_ms(),
        };
        let ends_ms = now.wall_ms() + 3_600_000;
        let signed = self
            .authority
            .sign_client(&subject, &spki, &bound, ends_ms, noon());
        let (_, pem) = x509_parser::pem::parse_x509_pem(signed.unwrap().as_bytes()).unwrap();
        Identity::of_certificate(&pem.contents, "waterworks").unwrap()
    }

    /// A session on a machine of its own.
    pub(crate) fn session_on(&self, who: &str, machine: &KeyPair, now: Now) -> Session {
        let identity = self.identity_on(who, machine, now);
        let report = healthy(machine, now);
        let proven = proven(machine, &identity, Some(&report));
        let posture = believe(&report, &proven, &terms(), now);
        let arrival = Arrival {
            proven,
            authority: "issuer",
            freshness: &Freshness::default(),
            peer: "192.0.2.8:5000",
            transport: Transport::Quic,
            posture: posture.ok(),
        };
        self.broker.open_session(arrival, now).unwrap()
    }

    /// The proof of the machine of this world.
    pub(crate) fn proven<'a>(
        &self,
        identity: &'a Identity,
        report: Option<&PostureReport>,
    ) -> Proven<'a> {
        proven(&self.machine, identity, report)
    }

    /// What the machine of this world says of itself: that it is in order.
    pub(crate) fn healthy(&self, now: Now) -> PostureReport {
        healthy(&self.machine, now)
    }

    /// The gateway after a restart: what it knows comes from its journal alone.
    pub(crate) fn restarted(self) -> World {
        self.broker.journal().close();
        let options = Options {
            segment_bytes: SEGMENT_BYTES,
            ..Options::default()
        };
        let (journal, recovered) = Journal::open(self.memory.storage(), options, NOON_MS).unwrap();
        let (plant, policy) = (Arc::clone(self.broker.plant()), self.broker.policy());
        let broker = Broker::new(
            plant,
            policy,
            journal,
            TimeZone::UTC,
            recovered.next_sequence,
            recovered.register,
        );
        World { broker, ..self }
    }

    /// Everything that is in the journal once it is closed.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.broker.journal().close();
        journal::read_storage(self.memory.storage())
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    /// The outcomes in the journal, by the sequence of their INTENT.
    pub(crate) fn outcomes(&self) -> Vec<(u64, CommandResult)> {
        outcomes(&self.records())
    }
}

fn proven<'a>(
    machine: &KeyPair,
    identity: &'a Identity,
    report: Option<&PostureReport>,
) -> Proven<'a> {
    let exporter = [0; 32];
    let digest = posture_digest(report, proof::sha256);
    let statement = proof_statement(&exporter, identity.key(), "gateway", &digest);
    let device = Signed {
        key: machine.subject_public_key_info(),
        signature: machine.sign(&statement).unwrap(),
    };
    proof::prove(identity, &exporter, "gateway", &device, report).unwrap()
}

fn healthy(machine: &KeyPair, now: Now) -> PostureReport {
    let posture = Posture {
        device_key: proof::sha256(&machine.subject_public_key_info()),
        taken_ms: now.wall_ms(),
        os: OsFamily::Linux,
        os_version: "Debian 13".to_owned(),
        patch_age_days: Some(3),
        disk_encrypted: Some(true),
        screen_lock: Some(true),
        firewall: Some(true),
        agent: None,
    };
    own(&posture)
}

pub(crate) fn outcomes(records: &[Record]) -> Vec<(u64, CommandResult)> {
    let outcome = |record: &Record| match &record.event {
        Event::Outcome(outcome) => Some((outcome.intent, outcome.result.clone())),
        _ => None,
    };
    records.iter().filter_map(outcome).collect()
}

pub(crate) fn intents(records: &[Record]) -> Vec<u64> {
    let intent = |record: &Record| match &record.event {
        Event::Intent(_) => Some(record.sequence),
        _ => None,
    };
    records.iter().filter_map(intent).collect()
}

pub(crate) fn adu(transaction: u16, unit: u8, pdu: &[u8]) -> Adu<'_> {
    Adu {
        transaction: TransactionId::new(transaction),
        unit: UnitId::new(unit),
        pdu,
    }
}

/// Sends a PDU to unit 1 and takes whatever comes of it.
pub(crate) async fn ask(
    conversation: &mut Conversation,
    transaction: u16,
    pdu: &[u8],
) -> Result<Authorized, Refusal> {
    conversation
        .authorize(adu(transaction, 1, pdu), noon())
        .await
}

pub(crate) async fn permit(
    conversation: &mut Conversation,
    transaction: u16,
    pdu: &[u8],
) -> Permit {
    match ask(conversation, transaction, pdu).await {
        Ok(Authorized::Permit(permit)) => permit,
        other => panic!("no permit for {pdu:02x?}: {other:?}"),
    }
}

/// Holding 100 is `speed_setpoint`, 0.1 rpm a step: 850 rpm.
pub(crate) const WRITE_SPEED: [u8; 5] = [0x06, 0x00, 0x64, 0x21, 0x34];
/// Reads `speed_setpoint` and `ramp`.
pub(crate) const READ_SPEED: [u8; 5] = [0x03, 0x00, 0x64, 0x00, 0x02];

/// Everything that a session is shown of the plant.
pub(crate) fn offers(session: &Session) -> Vec<DeviceOffer> {
    let visible = session.visible_devices(noon());
    let offered = visible.iter().map(|device| session.offer(device, noon()));
    offered.map(Option::unwrap).collect()
}
