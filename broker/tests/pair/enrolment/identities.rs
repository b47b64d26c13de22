//! Who is enrolled, what they may do and never did; and that a restart changes nothing of it.

use std::time::Duration;

use interlock_broker::enrolment::Terms;
use interlock_protocols::conduit::{IdentityRow, IdentityStanding};
use interlock_protocols::record::{Event, TrustTakenUp};

use super::{HOUR, Keys, MINUTE, Office, at, code, issued};
use crate::world::{ask, noon};

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn rows(office: &Office) -> Vec<IdentityRow> {
    let adam = office.world.session("person/adam");
    let everybody = office.registrar.identities(&adam, noon()).unwrap();
    let row = |identity| office.registrar.row(identity, noon());
    everybody.iter().map(row).collect()
}

#[tokio::test]
async fn a_row_says_what_somebody_may_do_and_never_did() {
    let office = Office::new();
    let (_, token) = office.invite("person/ida", &["operators"], noon()).await;
    let keys = Keys::in_a_token();
    let certificate = issued(office.enrol(&keys, token, noon()).await);
    let row = rows(&office).remove(0);
    assert_eq!(row.owner, "spiffe://waterworks/person/adam");
    assert_eq!(row.groups, ["operators"]);
    assert_eq!(row.machine, "laptop-7");
    assert_eq!(row.ends_ms, Some(certificate.ends_ms));
    assert_eq!((row.used_ms, row.unused), (None, false));
    assert_eq!(row.standing, IdentityStanding::Active);
    for line in ["read press-4", "write press-4", "diagnose pump-2"] {
        assert!(
            row.may.iter().any(|may| may == line),
            "{line}: {:?}",
            row.may
        );
        assert!(row.never_used.iter().any(|never| never == line), "{line}");
    }
    assert!(!row.may.iter().any(|may| may == "invite"), "{:?}", row.may);
    let session = office.session(&keys, &certificate, at(MINUTE)).unwrap();
    let mut talk = session.converse("press-4", false, noon()).unwrap();
    let read = ask(&mut talk, 1, &[0x03, 0, 100, 0, 1]).await;
    drop(read);
    // While the session lasts, before there is any record of it.
    let row = rows(&office).remove(0);
    let never = |what: &str| row.never_used.iter().any(|never| never == what);
    assert!(!never("read press-4") && never("write press-4"), "{row:?}");
    session.end("done", at(MINUTE));
    let row = rows(&office).remove(0);
    let never = |line: &str| row.never_used.iter().any(|never| never == line);
    assert!(
        !never("read press-4") && never("write press-4"),
        "{:?}",
        row.never_used
    );
    assert_eq!(row.used_ms, Some(at(MINUTE).wall_ms()));
    let administrator = office
        .invite("person/anna", &["administrators"], noon())
        .await;
    issued(
        office
            .enrol(&Keys::in_a_token(), administrator.1, noon())
            .await,
    );
    let anna = rows(&office)
        .into_iter()
        .find(|row| row.subject.ends_with("anna"));
    let may = anna.unwrap().may;
    assert!(may.iter().any(|may| may == "invite"), "{may:?}");
}

#[tokio::test]
async fn whoever_may_not_see_who_is_enrolled_does_not() {
    let office = Office::new();
    let olga = office.world.session("person/olga");
    assert!(office.registrar.identities(&olga, noon()).is_err());
    assert!(office.registrar.invitations(&olga, noon()).is_err());
}

#[tokio::test]
async fn who_is_long_unused_is_flagged_and_disabled_only_if_told_so() {
    for disable_unused in [false, true] {
        let office = Office::with(Terms {
            unused_days: 10,
            disable_unused,
            ..Terms::default()
        });
        let mut keys = Keys::in_a_token();
        let first = office.enrolled(&keys, "person/ida").await;
        let adam = office.world.session("person/adam");
        let everybody = office.registrar.identities(&adam, noon()).unwrap();
        let later = at(DAY * 10 + HOUR);
        let row = office.registrar.row(&everybody[0], later);
        assert!(row.unused);
        let request = keys.renewed().renewal("person/ida", None, true);
        let login = office.login(&request, later).await;
        if disable_unused {
            assert_eq!(row.standing, IdentityStanding::Disabled);
            assert_eq!(code(login), "disabled");
            // A new invitation enables it again, with the same keys.
            let (_, token) = office.invite("person/ida", &[], noon()).await;
            issued(office.enrol(keys.renewed(), token, at(HOUR / 2)).await);
        } else {
            assert_eq!(row.standing, IdentityStanding::Active);
            login.unwrap();
        }
        drop(first);
    }
}

#[tokio::test]
async fn who_is_disabled_opens_no_session_with_a_certificate_that_still_holds() {
    let office = Office::with(Terms {
        unused_days: 1,
        disable_unused: true,
        // Longer than without use, so that nothing but the time without use is judged.
        workload_hours: 72,
        ..Terms::default()
    });
    let keys = Keys::in_files();
    let first = office.enrolled(&keys, "workload/historian").await;
    // A session is a use.
    assert!(office.session(&keys, &first, at(HOUR * 20)).is_ok());
    assert!(office.session(&keys, &first, at(HOUR * 40)).is_ok());
    let late = at(HOUR * 40 + DAY + MINUTE);
    assert!(first.ends_ms > late.wall_ms());
    let refused = office.session(&keys, &first, late).err().unwrap();
    assert_eq!(refused.reason().code(), "disabled");
}

#[tokio::test]
async fn an_ended_certificate_opens_no_session() {
    let office = Office::new();
    let keys = Keys::in_files();
    let ida = office.enrolled(&keys, "person/ida").await;
    assert!(office.session(&keys, &ida, at(HOUR * 8 - MINUTE)).is_ok());
    let refused = office.session(&keys, &ida, at(HOUR * 8)).err().unwrap();
    assert_eq!(refused.reason().code(), "certificate-expired");
}

#[tokio::test]
async fn a_restart_and_a_register_that_was_kept_know_the_same() {
    let office = Office::new();
    let mut keys = Keys::in_files();
    let first = office.enrolled(&keys, "workload/historian").await;
    let (number, token) = office
        .invite("vendor/acme/vera", &["vendors"], noon())
        .await;
    office
        .enrol(&Keys::in_files(), token, noon())
        .await
        .unwrap();
    drop(office.session(&keys, &first, at(MINUTE)).unwrap());
    let before = office.world.broker.register().clone();
    let office = office.restarted();
    assert_eq!(*office.world.broker.register(), before);
    // Written whole, it is read back from those records alone.
    assert!(office.world.broker.keep_register(noon()).await.unwrap());
    let request = keys
        .renewed()
        .renewal("workload/historian", Some(&first), false);
    office.login(&request, at(HOUR)).await.unwrap();
    let adam = office.world.session("person/adam");
    office
        .registrar
        .close(&adam, number, "no", noon())
        .await
        .unwrap();
    drop(adam);
    let before = office.world.broker.register().clone();
    let office = office.restarted();
    assert_eq!(*office.world.broker.register(), before);
}

/// Has the register know of so much that it is more than may wait for the disk at once.
async fn grow(office: &Office) {
    for number in 0..5_000 {
        let what = TrustTakenUp {
            what: format!("{number:0>400}"),
            serial: number,
            digest: [0; 32],
        };
        let broker = &office.world.broker;
        let told = broker.tell_register(Event::TrustTakenUp(what), noon());
        let told = told.unwrap();
        if number % 500 == 0 {
            let mut durable = broker.journal().durable();
            durable.wait_for(|through| *through >= told).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_large_register_is_kept_too() {
    let office = Office::new();
    let keys = Keys::in_files();
    let first = office.enrolled(&keys, "workload/historian").await;
    grow(&office).await;
    assert!(office.world.broker.keep_register(noon()).await.unwrap());
    let before = office.world.broker.register().clone();
    let office = office.restarted();
    assert_eq!(*office.world.broker.register(), before);
    assert!(office.session(&keys, &first, at(MINUTE)).is_ok());
}

#[tokio::test]
async fn what_is_recorded_while_the_register_is_written_lets_nothing_go() {
    let office = Office::new();
    office
        .enrolled(&Keys::in_files(), "workload/historian")
        .await;
    grow(&office).await;
    let broker = &office.world.broker;
    let what = TrustTakenUp {
        what: "works".to_owned(),
        serial: 1,
        digest: [1; 32],
    };
    let between = async { broker.tell_register(Event::TrustTakenUp(what), noon()) };
    // The first waits for its first parts while the second is done.
    let (kept, told) = tokio::join!(broker.keep_register(noon()), between);
    assert!(!kept.unwrap());
    assert_eq!(broker.register().through(), told.unwrap());
    assert!(broker.keep_register(noon()).await.unwrap());
}
