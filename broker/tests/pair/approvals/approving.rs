//! Approving, by those who may, and by all the disguises of whoever asked.

use interlock_broker::authority::Authority;
use interlock_broker::enrolment::{Registrar, Terms};
use interlock_broker::proof::sha256;
use rcgen::PublicKeyData as _;
use std::sync::Arc;

use super::*;
use crate::enrolment::{Keys, Office};

fn registrar(hall: &Hall) -> Registrar {
    let made = Authority::create("issuer", noon()).unwrap();
    let issuer = Authority::open(&made).unwrap();
    Registrar::new(Arc::clone(&hall.world.broker), issuer, Terms::default())
}

async fn invited(hall: &Hall, by: &str, whom: &str) {
    let (registrar, by) = (registrar(hall), hall.session(by));
    let invited = registrar.invite(&by, whom, &[], 3_600, noon()).await;
    invited.map(|_| ()).unwrap();
}

/// They may not, it is recorded as denied, and the window waits still.
async fn never(hall: Hall, session: &Session, key: &ApproverKey, row: &WindowRow, why: &str) {
    let error = approve_with(session, key, row, noon()).await.unwrap_err();
    assert!(error.to_string().contains(why), "{error}");
    let NotDone::Refused(refusal) = error else {
        panic!("{error}");
    };
    assert_eq!(refusal.reason().code(), "may-not-approve");
    assert_eq!(hall.state(row.window, noon()), WindowState::Pending);
    let broker = &hall.world.broker;
    assert!(
        broker
            .register()
            .windows
            .numbered(row.window)
            .unwrap()
            .approvals
            .is_empty()
    );
    assert_eq!(hall.denials(), ["may-not-approve"]);
}

#[tokio::test]
async fn what_somebody_else_approved_holds_at_its_time_and_no_longer() {
    let hall = Hall::new();
    let victor = hall.session(VICTOR);
    let row = victor.request_window(&request(), noon()).await.unwrap();
    let approved = hall.approve(EMIL, &row, noon()).await.unwrap();
    assert_eq!((approved.has, approved.quorum), (1, 1));
    let valid = hall.world.broker.valid_window(row.window, noon()).unwrap();
    assert_eq!(valid.signers(), ["spiffe://waterworks/person/emil"]);
    for (minutes, state) in [
        (0, WindowState::Approved),
        (9, WindowState::Approved),
        (10, WindowState::Open),
        (39, WindowState::Open),
        (40, WindowState::Over),
    ] {
        assert_eq!(
            hall.state(row.window, at(minutes * MINUTE)),
            state,
            "{minutes}"
        );
    }
    let over = hall.world.broker.valid_window(row.window, at(40 * MINUTE));
    assert!(over.is_err());
    let told: Vec<u64> = victor.steps().iter().map(|step| step.window).collect();
    assert_eq!(told, [row.window], "whoever asked is told");
    assert_eq!(victor.steps(), []);
}

#[tokio::test]
async fn those_who_may_approve_are_told_and_nobody_else_is() {
    let hall = Hall::new();
    let (emil, olga) = (hall.session(EMIL), hall.session("person/olga"));
    let victor = hall.session(VICTOR);
    let row = victor.request_window(&request(), noon()).await.unwrap();
    let steps = emil.steps();
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].window, row.window);
    assert!(
        steps[0].text.contains("vendor/acme/victor asks"),
        "{steps:?}"
    );
    victor.withdraw_window(row.window, noon()).await.unwrap();
    assert!(emil.steps()[0].text.contains("taken back"));
    assert_eq!((olga.steps(), victor.steps()), (vec![], vec![]));
}

#[tokio::test]
async fn a_quorum_of_two_is_two_people() {
    let hall = Hall::of(&[
        (EMIL, None, long_ago()),
        (EMIL, None, long_ago()),
        (EVA, None, long_ago()),
    ]);
    let mut wanted = request();
    wanted.device = "pump-2".into();
    wanted.points = vec!["flow_setpoint".into()];
    let victor = hall.session(VICTOR);
    let row = victor.request_window(&wanted, noon()).await.unwrap();
    let emil = hall.session(EMIL);
    let [first, second] = [&hall.keys[0].1, &hall.keys[1].1];
    let approved = approve_with(&emil, first, &row, noon()).await.unwrap();
    assert_eq!((approved.has, approved.quorum), (1, 2));
    for key in [first, second] {
        let again = approve_with(&emil, key, &row, noon()).await.unwrap_err();
        assert!(matches!(again, NotDone::Again(_)), "{again}");
    }
    assert_eq!(hall.state(row.window, noon()), WindowState::Pending);
    assert!(hall.world.broker.valid_window(row.window, noon()).is_err());
    let approved = hall.approve(EVA, &row, noon()).await.unwrap();
    assert_eq!(approved.has, 2);
    assert_eq!(hall.state(row.window, noon()), WindowState::Approved);
    let steps = victor.steps();
    assert!(steps[0].text.contains("1 of 2"), "{steps:?}");
    assert!(steps[1].text.contains("is approved"), "{steps:?}");
}

#[tokio::test]
async fn never_by_whoever_asked() {
    let hall = Hall::new();
    let row = hall.asked().await;
    let (victor, key) = (hall.session(VICTOR), hall.key_of(VICTOR).clone());
    never(hall, &victor, &key, &row, "you asked for it yourself").await;
}

#[tokio::test]
async fn never_from_the_machine_of_whoever_asked() {
    let hall = Hall::new();
    let row = hall.asked().await;
    let emil = hall.session_at_machine_of(EMIL, VICTOR);
    let key = hall.key_of(EMIL).clone();
    never(hall, &emil, &key, &row, "the machine that you sit at").await;
}

#[tokio::test]
async fn never_by_whoever_invited_them() {
    let hall = Hall::new();
    let row = hall.asked().await;
    invited(&hall, EMIL, VICTOR).await;
    let (emil, key) = (hall.session(EMIL), hall.key_of(EMIL).clone());
    never(hall, &emil, &key, &row, "one of you invited the other").await;
}

#[tokio::test]
async fn never_by_whom_they_invited() {
    let hall = Hall::new();
    let adam = hall.session("person/adam");
    let row = adam.request_window(&request(), noon()).await.unwrap();
    invited(&hall, "person/adam", EVA).await;
    let (eva, key) = (hall.session(EVA), hall.key_of(EVA).clone());
    never(hall, &eva, &key, &row, "one of you invited the other").await;
}

#[tokio::test]
async fn whoever_invited_them_is_not_even_named_in_what_is_asked_later() {
    let hall = Hall::new();
    invited(&hall, EMIL, VICTOR).await;
    let row = hall.asked().await;
    let grant = Grant::read_unsigned(&row.grant).unwrap();
    assert_eq!(grant.approvers(), [hall.key_of(EVA).public()]);
}

#[tokio::test]
async fn never_by_their_firm_be_it_by_name_or_by_the_list() {
    for colleague in ["vendor/acme/anna", "person/mole"] {
        let hall = Hall::of(&[
            (EMIL, None, long_ago()),
            ("person/mole", Some("Acme"), long_ago()),
            ("vendor/acme/anna", Some("acme"), long_ago()),
        ]);
        let row = hall.asked().await;
        let (session, key) = (hall.session(colleague), hall.key_of(colleague).clone());
        never(hall, &session, &key, &row, "work for `").await;
    }
}

#[tokio::test]
async fn never_by_an_approver_of_less_than_a_day() {
    for since_ms in [NOON_MS - 86_400_000 + 1, NOON_MS] {
        let hall = Hall::of(&[(EMIL, None, long_ago()), (EVA, None, since_ms)]);
        let row = hall.asked().await;
        let (eva, key) = (hall.session(EVA), hall.key_of(EVA).clone());
        never(hall, &eva, &key, &row, "less than 24 hours ago").await;
    }
    let hall = Hall::of(&[(EVA, None, NOON_MS - 86_400_000)]);
    let row = hall.asked().await;
    hall.approve(EVA, &row, noon()).await.unwrap();
}

#[tokio::test]
async fn never_from_a_machine_on_which_they_enrolled_a_moment_ago() {
    let hall = Hall::new();
    let row = hall.asked().await;
    let keys = Keys::in_files();
    let Hall { world, .. } = &hall;
    let office = Office {
        registrar: registrar(&hall),
        world: World::new(),
    };
    // Adam is nobody whom this window concerns.
    let adam = hall.session("person/adam");
    let invited = office.registrar.invite(&adam, EMIL, &[], 3_600, noon());
    let token = invited.await.unwrap().token;
    office.enrol(&keys, token, noon()).await.unwrap();
    assert_eq!(
        keys.device_key(),
        sha256(&keys.device.subject_public_key_info())
    );
    let emil = world.session_on(EMIL, &keys.device, noon());
    let key = hall.key_of(EMIL).clone();
    never(
        hall,
        &emil,
        &key,
        &row,
        "enrolled on this machine, less than 24 hours",
    )
    .await;
}

#[tokio::test]
async fn never_by_whom_the_list_does_not_name() {
    let hall = Hall::new();
    let row = hall.asked().await;
    let adam = hall.session("person/adam");
    let key = ApproverKey::generate("n").unwrap();
    never(hall, &adam, &key, &row, "not on the list").await;
}

#[tokio::test]
async fn never_with_the_key_of_somebody_else() {
    let hall = Hall::new();
    let row = hall.asked().await;
    let (emil, key) = (hall.session(EMIL), hall.key_of(EVA).clone());
    never(
        hall,
        &emil,
        &key,
        &row,
        "does not say that this key is yours",
    )
    .await;
}

#[tokio::test]
async fn never_with_a_signature_over_something_else() {
    let hall = Hall::new();
    let (row, mut shown) = (hall.asked().await, hall.asked().await);
    shown.window = row.window;
    let (emil, key) = (hall.session(EMIL), hall.key_of(EMIL).clone());
    never(
        hall,
        &emil,
        &key,
        &shown,
        "not that of your key over this grant",
    )
    .await;
}

#[tokio::test]
async fn never_by_whom_policy_does_not_let() {
    let hall = Hall::of(&[(EMIL, None, long_ago()), ("person/olga", None, long_ago())]);
    let row = hall.asked().await;
    let approved = hall.approve("person/olga", &row, noon()).await;
    assert_eq!(denied(approved), "no-rule-permits");
}

#[tokio::test]
async fn a_revoked_approvers_word_counts_no_longer_until_somebody_else_approves() {
    let hall = Hall::new();
    let victor = hall.session(VICTOR);
    let row = victor.request_window(&request(), noon()).await.unwrap();
    hall.approve(EMIL, &row, noon()).await.unwrap();
    let broker = Arc::clone(&hall.world.broker);
    broker.attend_windows(noon());
    let _said = victor.steps();
    let eva = hall.session(EVA);
    hall.revoke(EMIL).await;
    assert!(broker.valid_window(row.window, noon()).is_err());
    assert_eq!(hall.state(row.window, noon()), WindowState::Short);
    broker.attend_windows(noon());
    for session in [&victor, &eva] {
        let steps = session.steps();
        assert!(
            steps.last().unwrap().text.contains("counts no longer"),
            "{steps:?}"
        );
    }
    // The time to be approved in was that of the first approval.
    let late = at(25 * MINUTE);
    broker.attend_windows(late);
    hall.approve(EVA, &row, late).await.unwrap();
    let valid = broker.valid_window(row.window, late).unwrap();
    assert_eq!(valid.signers(), ["spiffe://waterworks/person/eva"]);
    assert_eq!(hall.state(row.window, late), WindowState::Open);
}

#[tokio::test]
async fn a_refusal_is_for_good_and_takes_an_approver_and_words() {
    let hall = Hall::new();
    let victor = hall.session(VICTOR);
    let row = victor.request_window(&request(), noon()).await.unwrap();
    let emil = hall.session(EMIL);
    for none in ["", " ", "a\u{7}b"] {
        let refused = emil.refuse_window(row.window, none, noon()).await;
        assert!(matches!(refused, Err(NotDone::Comment)));
    }
    let own = victor.refuse_window(row.window, "no", noon()).await;
    assert_eq!(denied(own), "may-not-approve");
    emil.refuse_window(row.window, "not on a Friday", noon())
        .await
        .unwrap();
    let seen = victor.window(row.window, noon()).unwrap();
    assert_eq!(
        (seen.state, seen.refusal.as_str()),
        (WindowState::Refused, "not on a Friday")
    );
    assert!(victor.steps()[0].text.ends_with("not on a Friday"));
    let late = hall.approve(EVA, &row, noon()).await.unwrap_err();
    assert!(
        matches!(late, NotDone::Stands(_, WindowState::Refused)),
        "{late}"
    );
    assert!(hall.world.broker.valid_window(row.window, noon()).is_err());
}

#[tokio::test]
async fn what_is_approved_is_revoked_and_not_refused() {
    let hall = Hall::new();
    let row = hall.asked().await;
    hall.approve(EMIL, &row, noon()).await.unwrap();
    let eva = hall.session(EVA);
    let refused = eva
        .refuse_window(row.window, "no", noon())
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("interlock revoke window"),
        "{refused}"
    );
    let more = hall.approve(EVA, &row, noon()).await.unwrap_err();
    assert!(
        matches!(more, NotDone::Stands(_, WindowState::Approved)),
        "{more}"
    );
}

#[tokio::test]
async fn an_approval_that_is_not_on_the_disk_counts_for_nothing() {
    let hall = Hall::new();
    let row = hall.asked().await;
    hall.world.memory.fail_after(0);
    let approved = hall.approve(EMIL, &row, noon()).await;
    assert!(matches!(approved, Err(NotDone::Journal(_))), "{approved:?}");
    assert!(hall.world.broker.valid_window(row.window, noon()).is_err());
}

#[tokio::test]
async fn never_by_whom_the_grant_does_not_name_though_the_list_does_now() {
    let mut hall = Hall::of(&[(EMIL, None, long_ago())]);
    let row = hall.asked().await;
    let key = ApproverKey::generate("n").unwrap();
    hall.keys.push(((EVA, None, long_ago()), key.clone()));
    let hall = hall.restarted();
    let eva = hall.session(EVA);
    never(hall, &eva, &key, &row, "its grant does not name your key").await;
}
