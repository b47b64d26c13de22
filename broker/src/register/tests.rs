//! That what was kept stands for all that came before it, wherever it was kept.

use interlock_protocols::identity::{AuthStrength, KeyProtection};
use interlock_protocols::record::{
    Asserted, CertificateIssued, Enrolled, Enrolment, Event, InvitationClosed, Invited, Measure,
    ReadSummary, RegisterKept, Reinstated, Restricted, Scope, SessionOpened,
};
use proptest::prelude::*;

use super::*;

const SUBJECTS: [&str; 3] = [
    "spiffe://w/person/ida",
    "spiffe://w/vendor/acme/vera",
    "spiffe://w/workload/historian",
];

fn hash(number: u8) -> [u8; 32] {
    [number; 32]
}

fn subject(number: u8) -> String {
    SUBJECTS[usize::from(number) % 3].to_owned()
}

fn enrolment(invitation: u64, who: u8, machine: u8) -> Enrolment {
    Enrolment {
        invitation,
        subject: subject(who),
        machine: format!("laptop-{machine}"),
        device_key: hash(machine),
        device_protection: KeyProtection::Tpm,
        authenticator: hash(who),
        authenticator_protection: KeyProtection::Token,
        peer: "192.0.2.1:1".to_owned(),
        session_key: hash(9),
    }
}

/// One of all events that a register heeds, with few enough names that they meet.
fn event() -> impl Strategy<Value = Event> {
    (0..12_u8, 0..3_u8, 0..4_u8, 1..60_u64).prop_map(|(kind, who, machine, number)| {
        let time_ms = i64::try_from(number).unwrap_or_default() * 1_000;
        match kind {
            0 | 1 => Event::Invited(Invited {
                session: None,
                by: subject(machine),
                subject: subject(who),
                groups: vec![format!("group-{machine}")],
                token: hash(machine),
                until_ms: time_ms,
            }),
            2 => Event::InvitationClosed(InvitationClosed {
                invitation: number,
                session: None,
                by: subject(who),
                reason: "no".to_owned(),
            }),
            3 => Event::EnrolmentAsked(enrolment(number, who, machine)),
            4 | 5 => Event::Enrolled(Enrolled {
                enrolment: enrolment(number, who, machine),
                confirmed_by: None,
                session: None,
            }),
            6 => Event::CertificateIssued(CertificateIssued {
                subject: subject(who),
                certificate: [number as u8; 32],
                key: hash(machine),
                device_key: hash(machine),
                parent: Some([number as u8 / 2; 32]),
                ends_ms: time_ms,
                auth: AuthStrength::UserPresent,
                auth_ms: time_ms,
            }),
            7 => Event::SessionOpened(SessionOpened {
                session: number,
                subject: subject(who),
                groups: Vec::new(),
                peer: String::new(),
                certificate: hash(0),
                certificate_ends_ms: 0,
                device_key: Some(hash(machine)),
                device_protection: None,
                auth: None,
                auth_ms: None,
                authority: None,
            }),
            8 => Event::Asserted(Asserted {
                session: number,
                subject: subject(who),
                authenticator: hash(who),
            }),
            9 => Event::Restricted(Restricted {
                session: None,
                by: subject(who),
                measure: Measure::Revoke,
                scope: Scope::Machine(hash(machine)),
                reason: "lost".to_owned(),
                sessions: vec![1],
                open: vec![2],
            }),
            10 => Event::Reinstated(Reinstated {
                session: 1,
                by: subject(who),
                restriction: number,
                reason: "found".to_owned(),
            }),
            _ => Event::ReadSummary(ReadSummary {
                session: number,
                subject: subject(who),
                device: format!("device-{machine}"),
                unit: 1,
                function: [3, 6, 43, 99][usize::from(machine)],
                table: None,
                first: 0,
                last: 0,
                count: 1,
                failed: 0,
                first_ms: 0,
                last_ms: 0,
            }),
        }
    })
}

fn replay(register: &mut Register, first: u64, events: &[Event]) {
    for (sequence, event) in (first..).zip(events) {
        register.apply(sequence, sequence as i64 * 500, event);
    }
}

fn kept(register: &Register) -> Vec<RegisterKept> {
    let records = register.to_records().into_iter();
    records
        .map(|record| match record {
            Event::RegisterKept(kept) => kept,
            other => panic!("{other:?}"),
        })
        .collect()
}

proptest! {
    #[test]
    fn a_register_that_was_kept_stands_for_all_before_it(
        events in prop::collection::vec(event(), 1..80),
        cut in any::<prop::sample::Index>(),
    ) {
        let cut = cut.index(events.len());
        let mut all = Register::default();
        replay(&mut all, 1, &events[..cut]);
        let parts = kept(&all);
        let mut gathered = Parts::default();
        let mut whole = None;
        for (sequence, part) in (cut as u64 + 1..).zip(parts) {
            prop_assert!(whole.is_none());
            whole = gathered.take(sequence, part).unwrap();
        }
        let (first, mut again) = whole.unwrap();
        prop_assert_eq!(first, cut as u64 + 1);
        prop_assert_eq!(&again, &all);
        replay(&mut all, cut as u64 + 1, &events[cut..]);
        replay(&mut again, cut as u64 + 1, &events[cut..]);
        prop_assert_eq!(again, all);
    }
}

fn big() -> Register {
    let mut register = Register::default();
    for number in 0..2_000_u64 {
        let mut enrolled = enrolment(0, 0, 0);
        enrolled.subject = format!("spiffe://w/person/p{number}");
        let event = Event::Enrolled(Enrolled {
            enrolment: enrolled,
            confirmed_by: None,
            session: None,
        });
        register.apply(number + 1, 1_000, &event);
    }
    register
}

#[test]
fn parts_fit_records_and_are_taken_only_whole_and_in_order() {
    let register = big();
    let parts = kept(&register);
    assert!(parts.len() > 3, "{}", parts.len());
    for part in &parts {
        assert!(part.entries.len() <= crate::limits::REGISTER_PART_BYTES);
    }
    let take = |order: &[usize]| {
        let mut gathered = Parts::default();
        let taken = order
            .iter()
            .map(|part| gathered.take(*part as u64, parts[*part].clone()));
        taken.last().unwrap().unwrap().map(|(_, register)| register)
    };
    let in_order: Vec<usize> = (0..parts.len()).collect();
    assert_eq!(take(&in_order), Some(register));
    assert_eq!(take(&in_order[1..]), None);
    let begun_twice: Vec<usize> = [0, 1, 2].into_iter().chain(in_order.clone()).collect();
    assert!(take(&begun_twice).is_some());
    let holed: Vec<usize> = in_order.iter().copied().filter(|part| *part != 2).collect();
    assert_eq!(take(&holed), None);
}

#[test]
fn the_file_beside_the_journal_is_whole_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/register");
    assert_eq!(read_beside(&path).unwrap(), None);
    let register = big();
    write_beside(&path, &register).unwrap();
    assert_eq!(read_beside(&path).unwrap(), Some(register));
    let bytes = std::fs::read(&path).unwrap();
    for at in [0, 8, 40, 50, bytes.len() - 1] {
        let mut broken = bytes.clone();
        broken[at] ^= 1;
        std::fs::write(&path, &broken).unwrap();
        assert!(read_beside(&path).is_err(), "{at}");
        std::fs::write(&path, &bytes[..at]).unwrap();
        assert!(read_beside(&path).is_err(), "{at}");
    }
}
