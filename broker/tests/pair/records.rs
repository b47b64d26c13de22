//! What is refused, to whom, in which words; and what is counted instead of written.

use std::time::Duration;

use interlock_broker::mediation::{Authorized, Reason, Refusal, Wire};
use interlock_broker::wording;
use interlock_protocols::conduit::JournalQuery;
use interlock_protocols::modbus::{TransactionId, UnitId};
use interlock_protocols::record::{Event, Record};

use crate::world::{READ_SPEED, WRITE_SPEED, World, adu, ask, intents, noon, offers, permit};

#[tokio::test]
async fn each_cause_has_its_code_on_the_wire() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    let too_fast = [0x06, 0x00, 0x64, 0x2e, 0xe1];
    let nameless = [0x06, 0x01, 0x00, 0x00, 0x01];
    let cases: [(&[u8], u8, &str); 9] = [
        (&[0x00], 1, "unknown-function"),
        (&[0x5a, 1, 2], 1, "unknown-function"),
        (&[0x03, 0, 0, 0], 3, "structure"),
        (&[0x03, 0, 0, 0, 0], 3, "structure"),
        (&[0x03, 0xff, 0xff, 0, 2], 2, "address"),
        (&[0x08, 0, 4, 0, 0], 1, "rule-forbids"),
        (&nameless, 1, "no-rule-permits"),
        (&too_fast, 1, "value-outside-limits"),
        (&[0x83, 2], 0, "not-a-request"),
    ];
    for (pdu, code, reason) in cases {
        let refusal = ask(&mut talk, 1, pdu).await.unwrap_err();
        let seen = match refusal.wire() {
            Wire::Exception(code) => code.code(),
            Wire::Close => 0,
        };
        assert_eq!(
            (seen, refusal.reason().code()),
            (code, reason),
            "{pdu:02x?}"
        );
        assert!(!refusal.reason().next().is_empty());
        assert!(
            refusal.record().is_some(),
            "a first denial has its own record"
        );
    }
    let refusal = talk
        .authorize(adu(1, 77, &READ_SPEED), noon())
        .await
        .unwrap_err();
    assert_eq!(refusal.reason().code(), "not-routed");
    assert!(intents(&world.records()).is_empty());
}

/// Function 8 is a read to policy, but its bytes go over the line as they are.
#[tokio::test]
async fn a_loopback_carries_no_frame_to_a_serial_line() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut pump = session.converse("pump-2", false, noon()).unwrap();
    // Starts the pump: coil 0 of unit 3, with its CRC.
    let hidden = [8, 0, 0, 0x03, 0x05, 0x00, 0x00, 0xff, 0x00, 0x8d, 0xd8];
    let refusal = pump
        .authorize(adu(1, 3, &hidden), noon())
        .await
        .unwrap_err();
    assert_eq!(refusal.reason().code(), "structure");
    let plain = pump.authorize(adu(2, 3, &hidden[..5]), noon()).await;
    assert!(matches!(plain, Ok(Authorized::Permit(_))), "{plain:?}");
    let mut direct = session.converse("press-4", false, noon()).unwrap();
    let passed = direct.authorize(adu(1, 1, &hidden), noon()).await;
    assert!(matches!(passed, Ok(Authorized::Permit(_))), "{passed:?}");
}

#[tokio::test]
async fn a_conversation_that_is_not_armed_reads_only() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", false, noon()).unwrap();
    let refusal = ask(&mut talk, 1, &WRITE_SPEED).await.unwrap_err();
    assert_eq!(refusal.reason(), &Reason::NotArmed);
    assert!(matches!(
        ask(&mut talk, 2, &READ_SPEED).await,
        Ok(Authorized::Permit(_))
    ));
}

#[tokio::test]
async fn a_vendor_outside_any_rule_learns_nothing() {
    let world = World::new();
    let session = world.session("vendor/acme/victor");
    assert!(session.visible_devices(noon()).is_empty());
    let known = session.converse("press-4", true, noon()).err().unwrap();
    let unknown = session.converse("press-5", true, noon()).err().unwrap();
    assert_eq!(known.reason(), unknown.reason());
    assert_eq!(known.reason().what(), unknown.reason().what());
    assert!(
        session
            .read_journal(&JournalQuery::default(), noon())
            .is_err()
    );
    session.end("done", noon());
    // What has no bytes is told apart in the log by the name of the act.
    let details: Vec<String> = world
        .records()
        .iter()
        .filter_map(|record| match &record.event {
            Event::Denial(denial) => Some(denial.detail.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(details.len(), 3, "{details:?}");
    assert_eq!(details[2], "read-journal: no rule permits it");
}

#[tokio::test]
async fn a_coil_that_takes_one_state_alone_is_offered_for_writing() {
    let world = World::new();
    let offers = offers(&world.session("person/olga"));
    let press = offers.iter().find(|offer| offer.name == "press-4").unwrap();
    let writable = |name: &str| {
        let point = press.points.iter().find(|point| point.name == name);
        point.unwrap().may_write
    };
    assert!(writable("run"));
    assert!(writable("alarm_reset"), "it takes `on`");
    assert!(writable("speed_setpoint"));
    assert!(!writable("pressure_setpoint"), "a rule forbids it");
    assert!(!writable("speed"));
}

#[tokio::test]
async fn equal_denials_are_written_ten_times_and_then_counted() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    for transaction in 0..110 {
        let refusal = ask(&mut talk, transaction, &[0x5a, 1]).await.unwrap_err();
        assert_eq!(refusal.record().is_some(), transaction < 10);
    }
    session.tick(noon().after(Duration::from_secs(1))).unwrap();
    session.end("done", noon().after(Duration::from_secs(2)));
    let records = world.records();
    let full = records
        .iter()
        .filter(|record| matches!(record.event, Event::Denial(_)))
        .count();
    let counted: Vec<u64> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::DenialSummary(summary) => Some(summary.count),
            _ => None,
        })
        .collect();
    assert_eq!((full, counted), (10, vec![100]));
}

/// I9: a scan over every address costs the journal a bounded number of records a second.
#[tokio::test]
async fn a_scan_of_the_address_space_does_not_fill_the_journal() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    for address in 1_000..9_000_u16 {
        let [high, low] = address.to_be_bytes();
        ask(&mut talk, 1, &[0x06, high, low, 0, 0])
            .await
            .unwrap_err();
    }
    session.end("done", noon());
    assert!(world.records().len() < 200);
}

/// A device of 1,968 coils that may be read.
fn conveyors() -> String {
    let mut plant = String::from(
        "site = \"waterworks\"\n[[zone]]\nname = \"hall\"\n[[device]]\nname = \"press-4\"\n\
         zone = \"hall\"\naddress = \"127.0.0.1:5021\"\nlocal_address = \"127.77.0.11:1502\"\n\
         peer = \"direct\"\naddressing = \"pdu\"\n",
    );
    for coil in 0..1_968 {
        let point = format!(
            "[[device.point]]\nname = \"motor_contactor_of_conveyor_section_{coil:04}\"\n\
             table = \"coil\"\naddress = {coil}\n"
        );
        plant.push_str(&point);
    }
    plant
}

fn all_off() -> Vec<u8> {
    let mut pdu = vec![0x0f, 0, 0, 0x07, 0xb0, 246];
    pdu.resize(6 + 246, 0);
    pdu
}

/// What is said of it must fit a frame of the conduit, or the session would end over it.
#[test]
fn a_write_of_many_points_is_told_in_few_words() {
    let world = World::of(&conveyors());
    let device = world.broker.plant().device("press-4").unwrap();
    let asked = wording::asked(device, UnitId::new(1), &all_off());
    assert!(asked.len() < 1_024, "{} bytes", asked.len());
    assert!(
        asked.ends_with("write 1960 more points, coil 0 (00001) to coil 1967 (01968)"),
        "{asked}"
    );
}

/// A denial is on record however much it would have touched, and costs no more for that (I9).
#[tokio::test]
async fn a_denial_of_many_points_is_recorded() {
    let world = World::of(&conveyors());
    let session = world.session("person/emil");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    let all_off = all_off();
    let refusal = ask(&mut talk, 1, &all_off).await.unwrap_err();
    assert_eq!(refusal.reason().code(), "point-read-only");
    assert!(refusal.record().is_some());
    let records = world.records();
    let denial = records.iter().find_map(|record| match &record.event {
        Event::Denial(denial) => Some((denial, record.encode().len())),
        _ => None,
    });
    let (denial, bytes) = denial.expect("a denial");
    assert_eq!(denial.pdu, all_off);
    assert!(bytes < 4_096, "{bytes} bytes");
}

/// I9: who is merely denied cannot fill the journal by coming back as somebody new.
#[tokio::test]
async fn connecting_again_does_not_buy_new_records() {
    let world = World::new();
    let mut now = noon();
    for _ in 0..600 {
        now = now.after(Duration::from_millis(100));
        let Ok(session) = world.try_session("vendor/acme/victor", now) else {
            continue;
        };
        for name in 0..64 {
            for _ in 0..10 {
                let device = format!("press-{name}");
                assert!(session.converse(&device, true, now).is_err());
            }
        }
        session.end("done", now);
    }
    // A minute of it, 600 times 640 denials: 120 and 60 sessions of two records and a sum of
    // what was not recorded, 640 and 60 denials in full, 64 sums of the first session.
    let records = world.records().len();
    assert!(records < 1_500, "{records} records");
}

#[tokio::test]
async fn reads_are_counted_and_the_counts_are_written_at_the_end() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    for transaction in 0..8 {
        drop(permit(&mut talk, transaction, &READ_SPEED).await);
    }
    session.end("done", noon());
    let records = world.records();
    let summary = records.iter().find_map(|record| match &record.event {
        Event::ReadSummary(summary) => Some(summary.clone()),
        _ => None,
    });
    let summary = summary.expect("a summary of reads");
    assert_eq!((summary.count, summary.failed), (8, 8));
    assert_eq!((summary.first, summary.last), (100, 101));
    assert_eq!(records.len(), 4, "opened, its machine, counted, ended");
}

#[tokio::test]
async fn a_point_is_offered_for_writing_whichever_of_its_values_is_allowed() {
    let world = World::new();
    let offers = offers(&world.session("person/olga"));
    let press = offers.iter().find(|offer| offer.name == "press-4").unwrap();
    let writable: Vec<&str> = press
        .points
        .iter()
        .filter(|point| point.may_write)
        .map(|point| point.name.as_str())
        .collect();
    // alarm_reset may be switched on and never off; the pressure is for engineers.
    assert_eq!(writable, ["run", "alarm_reset", "speed_setpoint", "ramp"]);
}

/// I9: a reader that walks the address space costs no more than one that polls.
#[tokio::test]
async fn reads_of_ever_new_addresses_are_counted_too() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    for address in 0..4_000_u16 {
        let [high, low] = address.to_be_bytes();
        drop(permit(&mut talk, address, &[0x03, high, low, 0, 1]).await);
        talk.settled(TransactionId::new(address));
    }
    session.end("done", noon());
    let records = world.records();
    let counted = records.iter().filter_map(|record| match &record.event {
        Event::ReadSummary(summary) => Some(summary.count),
        _ => None,
    });
    assert_eq!(counted.sum::<u64>(), 4_000);
    assert!(records.len() < 300, "{} records", records.len());
}

/// I9: going on asking for many things that are denied is counted ever more coarsely.
#[tokio::test]
async fn a_scan_that_never_ends_costs_little_each_second() {
    let world = World::new();
    let session = world.session("person/olga");
    let mut talk = session.converse("press-4", true, noon()).unwrap();
    let mut now = noon();
    for _ in 0..100 {
        now = now.after(Duration::from_secs(1));
        for address in 1_000..1_064_u16 {
            let [high, low] = address.to_be_bytes();
            let request = [0x06, high, low, 0, 0];
            for transaction in 0..4 {
                let asked = talk.authorize(adu(transaction, 1, &request), now).await;
                assert!(asked.is_err());
            }
        }
        session.tick(now).unwrap();
    }
    session.end("done", now);
    let records = world.records();
    let all: u64 = records
        .iter()
        .map(|record| match &record.event {
            Event::Denial(_) => 1,
            Event::DenialSummary(summary) => summary.count,
            _ => 0,
        })
        .sum();
    assert_eq!(all, 100 * 64 * 4, "none is lost");
    assert!(records.len() < 1_000, "{} records", records.len());
}

/// Each reading of the log is a record of it, so who may read it could fill it (I9).
#[tokio::test]
async fn whoever_may_read_the_journal_cannot_fill_it_by_asking() {
    let world = World::new();
    let mut granted = 0;
    // Another session is the same subject.
    for _ in 0..4 {
        let session = world.session("person/aida");
        let asked = (0..100).map(|_| session.read_journal(&JournalQuery::default(), noon()));
        let refused = |read: &Result<(), Refusal>| match read {
            Ok(()) => true,
            Err(refusal) => {
                assert_eq!(refusal.reason(), &Reason::ReadingRate);
                false
            }
        };
        granted += asked.filter(refused).count();
        session.end("done", noon());
    }
    assert_eq!(granted, 120);
    let records = world.records();
    let read = |record: &&Record| matches!(record.event, Event::JournalRead(_));
    assert_eq!(records.iter().filter(read).count(), 120);
}
