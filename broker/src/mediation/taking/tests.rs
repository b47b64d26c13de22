//! A session that opens while somebody revokes its subject: whichever comes first, it does not
//! stand (I7).

use std::path::Path;
use std::thread;
use std::time::Duration;

use interlock_protocols::record::Measure;
use jiff::tz::TimeZone;

use super::*;
use crate::activation;
use crate::clock::{Clock, Mono};
use crate::journal::{Journal, Memory, Options};
use crate::plant::Plant;
use crate::policy::Bundle;
use crate::register::Register;

const NOW: Now = Now::new(1_767_787_200_000, Mono::at(Duration::from_secs(60)));

fn broker() -> Arc<Broker> {
    let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/site");
    let text = std::fs::read_to_string(site.join("plant.toml")).unwrap();
    let plant = Arc::new(Plant::parse(Path::new("plant.toml"), &text).unwrap());
    let bundle = Bundle::load(&site.join("policy")).unwrap();
    let policy = activation::compile(&bundle, &plant).unwrap();
    let options = Options {
        segment_bytes: 1 << 20,
        ..Options::default()
    };
    let (journal, _) = Journal::open(Memory::new().storage(), options, NOW.wall_ms()).unwrap();
    let register = Register::default();
    Broker::new(plant, policy, journal, TimeZone::UTC, 1, register)
}

fn olga(session: u64) -> Arc<Whose> {
    Arc::new(Whose {
        session,
        subject: SubjectId::parse_at("waterworks", "person/olga").unwrap(),
        machine: Some([7; 32]),
    })
}

fn all_of_olga() -> Restricted {
    Restricted {
        session: None,
        by: "gateway".into(),
        measure: Measure::Revoke,
        scope: Scope::Subject("spiffe://waterworks/person/olga".into()),
        reason: "a clone".into(),
        sessions: Vec::new(),
        open: Vec::new(),
    }
}

fn is_revoked(lost: Option<Lost>) -> bool {
    matches!(lost, Some(Lost::Revoked(_)))
}

#[test]
fn i7_a_session_that_opens_while_its_subject_is_revoked_does_not_stand() {
    let broker = broker();
    // Held as by whoever revokes: the one who opens comes as far as it can and waits.
    let mut register = broker.register.write().unwrap();
    let opening = {
        let broker = Arc::clone(&broker);
        thread::spawn(move || broker.admit(&olga(21), "192.0.2.7:5000", NOW).is_ok())
    };
    let clock = Clock::start();
    while broker.roll.present().is_empty() {
        // One that is judged first waits for us, and would never be found.
        let waited = clock.now().mono().since(Mono::at(Duration::ZERO));
        assert!(
            waited < Duration::from_secs(10),
            "judged before it is found"
        );
        assert!(!opening.is_finished(), "judged before it is found");
        thread::yield_now();
    }
    let standing = broker.roll.present().remove(0).standing;
    register.restraints.begin(NOW.wall_ms(), &all_of_olga());
    broker.uphold(&register);
    assert!(is_revoked(standing.lost()), "the walk met it");
    drop(register);
    assert!(!opening.join().unwrap(), "and it is turned away");
}

#[test]
fn i7_both_orders_end_it() {
    let broker = broker();
    let early = broker.admit(&olga(21), "192.0.2.7:5000", NOW).unwrap();
    let taken = broker.restrain(all_of_olga(), NOW);
    assert!(is_revoked(early.lost()));
    assert!(broker.admit(&olga(22), "192.0.2.7:5000", NOW).is_err());
    drop(taken);
}

#[test]
fn whoever_has_gone_is_forgotten() {
    let broker = broker();
    let standing = broker.admit(&olga(21), "192.0.2.7:5000", NOW).unwrap();
    let permit = standing.clone();
    drop(standing);
    assert_eq!(broker.roll.present().len(), 1, "a permit of it is left");
    drop(permit);
    assert_eq!(broker.roll.present().len(), 0);
}

#[test]
fn the_longest_record_of_a_restriction_can_be_written() {
    let broker = broker();
    let most = vec![u64::MAX; RESTRICTED_LISTED_MAX];
    let what = Restricted {
        reason: "x".repeat(crate::limits::ACT_REASON_MAX_BYTES),
        sessions: most.clone(),
        open: most,
        ..all_of_olga()
    };
    let appended = broker
        .journal
        .append(NOW.wall_ms(), Event::Restricted(what));
    assert!(appended.is_ok(), "{appended:?}");
}
