//! Deciding a command under policies of growing size, and committing a record to a real disk.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use interlock_broker::activation;
use interlock_broker::authority::{Authority, Freshness};
use interlock_broker::clock::{Mono, Now};
use interlock_broker::journal::{Directory, Journal, Memory, Options};
use interlock_broker::mediation::{Arrival, Authorized, Broker, Handed, Redeemed, decide};
use interlock_broker::plant::Plant;
use interlock_broker::policy::{
    Bundle, Circumstances, Health, LocalTime, Presence, Transport, Trust, View,
};
use interlock_broker::proof;
use interlock_broker::register::Register;
use interlock_broker::subject::{Bound, Identity, SubjectId};
use interlock_protocols::identity::{
    AuthStrength, KeyProtection, OsFamily, PostureSource, Signed, proof_statement,
};
use interlock_protocols::modbus::tcp::Adu;
use interlock_protocols::modbus::{TransactionId, UnitId};
use interlock_protocols::record::{EdgeStopped, Event};
use jiff::civil::date;
use jiff::tz::TimeZone;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData, SigningKey};

/// A Wednesday.
const NOON_MS: i64 = 1_767_787_200_000;

/// Rules about other devices than the one asked for, as in a plant of many: the index must keep
/// them off the path. `near` of them are about this device.
fn site_with(rules: usize, dir: &Path) -> (Arc<Plant>, Bundle) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/site");
    let text = std::fs::read_to_string(sample.join("plant.toml")).unwrap();
    let plant = Arc::new(Plant::parse(Path::new("plant.toml"), &text).unwrap());
    for file in ["schema.cedarschema", "groups.toml"] {
        std::fs::copy(sample.join("policy").join(file), dir.join(file)).unwrap();
    }
    let mut cedar = String::from(
        "@id(\"read\")\npermit (principal in Interlock::Group::\"operators\", \
         action in Interlock::Action::\"read\", resource in Interlock::Site::\"waterworks\");\n",
    );
    for rule in 1..rules {
        let device = if rule % 10 == 0 { "press-4" } else { "pump-2" };
        write!(
            cedar,
            "@id(\"rule-{rule}\")\nforbid (principal in Interlock::Group::\"operators\", \
             action in Interlock::Action::\"read\", resource == Interlock::Device::\"{device}\")\n\
             when {{ context.minute_of_day == {rule} && context.weekday == 8 }};\n"
        )
        .unwrap();
    }
    std::fs::write(dir.join("rules.cedar"), cedar).unwrap();
    (plant, Bundle::load(dir).unwrap())
}

fn deciding(c: &mut Criterion) {
    let subject = SubjectId::parse("spiffe://waterworks/person/olga").unwrap();
    let circumstances = Circumstances {
        time: LocalTime::of(date(2026, 1, 7).at(12, 0, 0, 0)),
        transport: Transport::Quic,
        presence: Presence {
            auth: AuthStrength::UserPresent,
            age_s: 60,
        },
        device_key: Some(KeyProtection::Token),
        health: Some(Health {
            source: PostureSource::Management,
            age_s: 60,
            os: OsFamily::Linux,
            patch_age_days: Some(5),
            disk_encrypted: true,
            screen_lock: true,
            firewall: true,
            agent: true,
        }),
        trust: Trust::Fresh,
    };
    let read = [0x03, 0x00, 0x64, 0x00, 0x02];
    let mut group = c.benchmark_group("decide");
    for rules in [1, 10, 100, 1_000] {
        let dir = tempfile::tempdir().unwrap();
        let (plant, bundle) = site_with(rules, dir.path());
        let policy = activation::compile(&bundle, &plant).unwrap();
        let device = plant.device("press-4").unwrap();
        let mut view = View::new(policy, &subject);
        group.bench_function(BenchmarkId::new("policies", rules), |b| {
            b.iter(|| {
                let unit = UnitId::new(1);
                let decision = decide(&mut view, device, circumstances, false, unit, &read, None);
                black_box(&decision);
            });
        });
    }
    group.finish();
}

fn committing(c: &mut Criterion) {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let storage = Box::new(Directory::open(dir.path()).unwrap());
    let options = Options {
        segment_bytes: 64 << 20,
        ..Options::default()
    };
    let (journal, _) = Journal::open(storage, options, 0).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let event = || {
        Event::EdgeStopped(EdgeStopped {
            gateway: "x".repeat(250),
        })
    };
    c.bench_function("journal commit, one writer", |b| {
        b.iter(|| runtime.block_on(async { journal.commit(0, event()).unwrap().await.unwrap() }));
    });
    c.bench_function("journal append, not waited for", |b| {
        b.iter(|| journal.append(0, event()).is_ok());
    });
    journal.close();
}

/// An operator, and the key of her machine.
fn olga(now: Now) -> (Identity, KeyPair) {
    let machine = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let bound = Bound {
        device_key: proof::sha256(&machine.subject_public_key_info()),
        protection: KeyProtection::Software,
        auth: AuthStrength::UserPresent,
        auth_ms: NOON_MS,
    };
    let made = Authority::create("issuer", now).unwrap();
    let authority = Authority::open(&made).unwrap();
    let subject = SubjectId::parse("spiffe://waterworks/person/olga").unwrap();
    let session_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let spki = session_key.subject_public_key_info();
    let signed = authority.sign_client(&subject, &spki, &bound, NOON_MS + 3_600_000, now);
    let (_, pem) = x509_parser::pem::parse_x509_pem(signed.unwrap().as_bytes()).unwrap();
    let identity = Identity::of_certificate(&pem.contents, "waterworks").unwrap();
    (identity, machine)
}

/// A read from its asking to its answer. Alternately of points, whose values are then remembered,
/// and of registers without a name, of which nothing is: the difference is what remembering costs.
fn reading(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let (plant, _) = site_with(1, dir.path());
    let connect = "@id(\"connect\")\npermit (principal, action == \
                   Interlock::Action::\"connect\", resource);\n";
    std::fs::write(dir.path().join("connect.cedar"), connect).unwrap();
    let bundle = Bundle::load(dir.path()).unwrap();
    let policy = activation::compile(&bundle, &plant).unwrap();
    let storage = Memory::new().storage();
    let (journal, _) = Journal::open(storage, Options::default(), NOON_MS).unwrap();
    let broker = Broker::new(
        plant,
        policy,
        journal,
        TimeZone::UTC,
        1,
        Register::default(),
    );
    let now = Now::new(NOON_MS, Mono::at(Duration::from_secs(60)));
    let (identity, machine) = olga(now);
    let statement = proof_statement(&[0; 32], identity.key(), "gateway", &[0; 32]);
    let device = Signed {
        key: machine.subject_public_key_info(),
        signature: machine.sign(&statement).unwrap(),
    };
    let arrival = Arrival {
        proven: proof::prove(&identity, &[0; 32], "gateway", &device, None).unwrap(),
        authority: "issuer",
        freshness: &Freshness::default(),
        peer: "192.0.2.7:5000",
        transport: Transport::Quic,
        posture: None,
    };
    let session = broker.open_session(arrival, now);
    let session = session.unwrap();
    let mut talk = session.converse("press-4", false, now).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut group = c.benchmark_group("read, from asking to answer");
    for (name, pdu) in [
        ("two points", [0x03, 0x00, 0x64, 0x00, 0x02]),
        ("no point", [0x03, 0x03, 0xE8, 0x00, 0x02]),
        ("two points, again", [0x03, 0x00, 0x64, 0x00, 0x02]),
        ("no point, again", [0x03, 0x03, 0xE8, 0x00, 0x02]),
    ] {
        let adu = Adu {
            transaction: TransactionId::new(1),
            unit: UnitId::new(1),
            pdu: &pdu,
        };
        group.bench_function(name, |b| {
            b.iter(|| {
                let asked = runtime.block_on(talk.authorize(adu, now)).unwrap();
                talk.settled(adu.transaction);
                let Authorized::Permit(permit) = asked else {
                    return;
                };
                if let Redeemed::Sent(awaiting) = permit.redeem(now, |_, _| Ok(Handed::Whole)) {
                    black_box(awaiting.answer(&[0x03, 4, 0, 1, 0, 2], now).unwrap());
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, deciding, reading, committing);
criterion_main!(benches);
