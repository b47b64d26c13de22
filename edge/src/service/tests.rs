//! A whole edge over the sample site, its journal in memory and its device a socket that the
//! test holds in its hand.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use interlock_broker::authority::{Authority, Freshness};
use interlock_broker::journal::{self, Memory};
use interlock_broker::mediation::{Arrival, Authorized, Conversation};
use interlock_broker::policy::Transport;
use interlock_broker::posture;
use interlock_broker::proof;
use interlock_broker::subject::{Bound, Identity, SubjectId};
use interlock_protocols::identity::{
    AuthStrength, KeyProtection, OsFamily, Posture, PostureReport, PostureSource, Signed,
    posture_digest, proof_statement,
};
use interlock_protocols::modbus::tcp::Adu;
use interlock_protocols::modbus::{TransactionId, UnitId};
use interlock_protocols::record::{CommandResult, Record};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

mod cosigned;
mod damaged;

use super::*;
use crate::link::{Finished, ReplyTo};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let name = format!("interlock-edge-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _not_there = std::fs::remove_dir_all(&folder);
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _left = std::fs::remove_dir_all(&self.0);
    }
}

struct World {
    _folder: Folder,
    memory: Memory,
    plc: TcpListener,
    issuer: Authority,
    clock: Clock,
    running: Running,
}

impl World {
    /// The sample site, with `press-4` behind a listener of ours and settings of its link.
    async fn start(name: &str, link: &str) -> World {
        let folder = Folder::new(name);
        let clock = Clock::start();
        crate::init::init(&folder.0, clock.now()).unwrap();
        let plc = TcpListener::bind("127.0.0.1:0").await.unwrap();
        edit(&folder.0.join("plant.toml"), |plant| {
            plant
                .replacen("127.0.0.1:5021", &plc.local_addr().unwrap().to_string(), 1)
                .replacen("timeout_ms = 1000 ", link, 1)
        });
        edit(&folder.0.join("edge.toml"), |edge| {
            edge.replacen("127.0.0.1:4802", "127.0.0.1:0", 1).replacen(
                "127.0.0.1:4803",
                "127.0.0.1:0",
                1,
            )
        });
        let site = Site::load(&folder.0).unwrap();
        let issuer = site.keys.issuer.open().unwrap();
        let memory = Memory::new();
        let running = start(site, memory.storage(), clock, None).await.unwrap();
        World {
            _folder: folder,
            memory,
            plc,
            issuer,
            clock,
            running,
        }
    }

    fn talk(&self, who: &str) -> Conversation {
        let session = session(&self.running, &self.issuer, who, self.clock);
        session.converse("press-4", true, self.clock.now()).unwrap()
    }

    /// Has a command decided and queued.
    async fn submit(
        &self,
        talk: &mut Conversation,
        transaction: u16,
        pdu: &[u8],
    ) -> mpsc::UnboundedReceiver<Finished> {
        let adu = Adu {
            transaction: TransactionId::new(transaction),
            unit: UnitId::new(1),
            pdu,
        };
        let Ok(Authorized::Permit(permit)) = talk.authorize(adu, self.clock.now()).await else {
            panic!("no permit for {pdu:02x?}");
        };
        let (sender, finished) = mpsc::unbounded_channel();
        let reply = ReplyTo {
            transaction: adu.transaction,
            unit: adu.unit,
            function: permit.function(),
            sender,
        };
        let link = self.running.edge.link("press-4").unwrap();
        link.submit(1, permit, reply);
        finished
    }
}

/// A session of somebody who has just shown that they are there, on a machine of their own.
fn session(running: &Running, issuer: &Authority, who: &str, clock: Clock) -> Session {
    let (machine, key) = (machine(), machine());
    let bound = Bound {
        device_key: proof::sha256(&machine.0),
        protection: KeyProtection::Software,
        auth: AuthStrength::UserPresent,
        auth_ms: clock.now().wall_ms(),
    };
    let subject = SubjectId::parse_at("waterworks", who).unwrap();
    let (now, ends_ms) = (clock.now(), clock.now().wall_ms() + 3_600_000);
    let pem = issuer.sign_client(&subject, &key.0, &bound, ends_ms, now);
    let der = CertificateDer::from_pem_slice(pem.unwrap().as_bytes()).unwrap();
    let identity = Identity::of_certificate(&der, "waterworks").unwrap();
    let found = Posture {
        device_key: bound.device_key,
        taken_ms: now.wall_ms(),
        os: OsFamily::Linux,
        os_version: String::new(),
        patch_age_days: Some(3),
        disk_encrypted: Some(true),
        screen_lock: Some(true),
        firewall: Some(true),
        agent: None,
    };
    let report = PostureReport {
        source: PostureSource::Own,
        statement: found.encode(),
        signer: String::new(),
        signature: Vec::new(),
    };
    let digest = posture_digest(Some(&report), proof::sha256);
    let statement = proof_statement(&[0; 32], identity.key(), "gateway", &digest);
    let signature = machine.1.sign(&SystemRandom::new(), &statement).unwrap();
    let device = Signed {
        key: machine.0,
        signature: signature.as_ref().to_vec(),
    };
    let proven = proof::prove(&identity, &[0; 32], "gateway", &device, Some(&report)).unwrap();
    let posture = posture::believe(&report, &proven, &Terms::default(), now);
    let arrival = Arrival {
        proven,
        authority: "issuer",
        freshness: &Freshness::default(),
        peer: "192.0.2.7:5000",
        transport: Transport::Quic,
        posture: posture.ok(),
    };
    let broker = running.edge.broker();
    broker.open_session(arrival, clock.now()).unwrap()
}

/// A new key, and its public half as `SubjectPublicKeyInfo`.
fn machine() -> (Vec<u8>, EcdsaKeyPair) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    (spki.as_ref().to_vec(), pair)
}

fn edit(file: &Path, change: impl FnOnce(String) -> String) {
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, change(text)).unwrap();
}

fn records(memory: &Memory) -> Vec<Record> {
    let records = journal::read_storage(memory.storage()).unwrap();
    records.map(Result::unwrap).collect()
}

fn outcomes(records: &[Record]) -> Vec<&CommandResult> {
    let outcomes = records.iter().filter_map(|record| match &record.event {
        Event::Outcome(outcome) => Some(&outcome.result),
        _ => None,
    });
    outcomes.collect()
}

/// 850 rpm to `speed_setpoint`, and 800.
const WRITE_850: [u8; 5] = [0x06, 0x00, 0x64, 0x21, 0x34];
const WRITE_800: [u8; 5] = [0x06, 0x00, 0x64, 0x1F, 0x40];

async fn request(plc: &mut TcpStream) -> [u8; 12] {
    let mut adu = [0; 12];
    plc.read_exact(&mut adu).await.unwrap();
    adu
}

/// I4, and after a stop nothing may follow: the journal could not say what became of it.
#[tokio::test]
async fn a_stop_leaves_no_command_without_its_outcome_and_sends_no_more() {
    let world = World::start("stop", "timeout_ms = 60000 ").await;
    let (mut plc, _) = world.plc.accept().await.unwrap();
    let mut talk = world.talk("person/olga");
    let _first = world.submit(&mut talk, 1, &WRITE_850).await;
    let sent = request(&mut plc).await;
    assert_eq!(sent[7..], WRITE_850);
    let _second = world.submit(&mut talk, 2, &WRITE_800).await;
    // The client leaves, and the device keeps silent while the edge stops.
    drop(talk);
    world.running.stop().await;
    let records = records(&world.memory);
    let outcomes = outcomes(&records);
    // Late, the device answers after all.
    plc.write_all(&sent).await.unwrap();
    let mut more = [0; 12];
    let after = tokio::time::timeout(Duration::from_millis(300), plc.read(&mut more)).await;
    assert!(
        !matches!(after, Ok(Ok(1..))),
        "{more:02x?} was sent after the journal was closed"
    );
    assert!(
        matches!(
            outcomes.as_slice(),
            [
                CommandResult::Unknown { .. },
                CommandResult::Withheld { .. }
            ]
        ),
        "{outcomes:?}"
    );
}

/// What is in the socket counts, however late the edge comes to look.
#[tokio::test]
async fn an_answer_that_came_in_time_is_not_called_silence() {
    let world = World::start("late", "timeout_ms = 100 ").await;
    let (mut plc, _) = world.plc.accept().await.unwrap();
    let mut talk = world.talk("person/olga");
    for transaction in 0..12 {
        let mut finished = world.submit(&mut talk, transaction, &WRITE_850).await;
        let sent = request(&mut plc).await;
        plc.write_all(&sent).await.unwrap();
        // Something else keeps the one thread: a policy that is activated, a slow disk.
        std::thread::sleep(Duration::from_millis(120));
        let result = finished.recv().await.unwrap().result;
        assert!(result.is_ok(), "{result:?}");
        talk.settled(TransactionId::new(transaction));
    }
}

/// A panic ends a task as an abort does: where the future is.
#[tokio::test]
async fn a_link_whose_task_ended_keeps_nobody_waiting() {
    let world = World::start("ended", "timeout_ms = 60000 ").await;
    let (mut plc, _) = world.plc.accept().await.unwrap();
    let mut talk = world.talk("person/olga");
    let _in_flight = world.submit(&mut talk, 1, &WRITE_850).await;
    request(&mut plc).await;
    let mut queued = world.submit(&mut talk, 2, &WRITE_800).await;
    world.running.edge.link("press-4").unwrap().fault().await;
    let mut later = world.submit(&mut talk, 3, &WRITE_800).await;
    for finished in [&mut queued, &mut later] {
        let answer = tokio::time::timeout(Duration::from_secs(5), finished.recv());
        let result = answer.await.unwrap().unwrap().result;
        assert_eq!(result.unwrap_err().reason().code(), "link-down");
    }
    world.running.stop().await;
    assert_eq!(outcomes(&records(&world.memory)).len(), 3);
}

#[tokio::test]
async fn a_connection_is_counted_until_its_task_is_gone_even_by_a_panic() {
    let world = World::start("visits", "timeout_ms = 1000 ").await;
    let edge = &world.running.edge;
    let subject = SubjectId::parse_at("waterworks", "person/olga").unwrap();
    let visits: Vec<Visit> = (0..25).map(|_| edge.enter(&subject)).collect();
    assert_eq!(visits.iter().filter(|visit| visit.has_room()).count(), 16);
    assert_eq!(visits.iter().filter(|visit| visit.is_crowd()).count(), 1);
    let ended = tokio::spawn(async move {
        assert!(visits.is_empty(), "a fault while they are held");
    });
    assert!(ended.await.is_err());
    assert_eq!(edge.open_sessions(), 0);
    assert!(edge.enter(&subject).has_room());
}

/// A disk that hangs is worse than one that fails: nothing ever comes back. A stop ends all the same.
#[tokio::test]
async fn a_stop_ends_though_the_disk_of_the_journal_hangs() {
    let world = World::start("hanging", "timeout_ms = 1000 ").await;
    world.memory.hold_sync();
    let stopped = tokio::time::timeout(Duration::from_secs(20), world.running.stop()).await;
    world.memory.release_sync();
    assert!(stopped.is_ok(), "it waits for the disk");
}
