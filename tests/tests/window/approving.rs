//! Who never approves a window, in every disguise that somebody could put on, and how many it takes.

use interlock_protocols::conduit::Ask;
use interlock_protocols::grant::Grant;
use interlock_protocols::record::Event;
use interlock_tests::harness::{
    ADAM, ARNO, BEA, HANA, NILS, OLGA, PRESS, RITA, VERA, VICTOR, Works, days_ago,
};

use crate::{
    approval, approvals, ask, assert_not_approved_by, assert_passes, assert_refused, grant_key,
    row, sees, speed, told, tool,
};

const WANDA: &str = "person/wanda";

/// One more write passes in it, and that is what makes a window open.
#[track_caller]
fn assert_opens(works: &Works, window: u64) {
    works.until(window, "open");
    let victor = works.victor();
    assert_passes(works, &mut tool(&victor), &speed(5_000));
}

#[test]
fn who_asked_does_not_approve_but_somebody_else_does() {
    let works = Works::start();
    let window = works.requested(RITA, &[]);
    assert_not_approved_by(&works, RITA, window, "you asked for it yourself");
    assert_eq!(works.state(window), "pending");
    // Not on another machine of hers either: a key of another machine makes nobody else.
    works.gateway.issue_on(RITA, ADAM);
    assert_not_approved_by(&works, RITA, window, "you asked for it yourself");
    works.approved(window, &[BEA]);
    works.until(window, "open");
    // Her key is not even named in what others sign.
    let row = row(&works, window);
    let own = grant_key(&works.grant_key(RITA)).public();
    let grant = Grant::read_unsigned(&row.grant).unwrap();
    assert!(!grant.approvers().contains(&own));
}

#[test]
fn nobody_approves_from_the_machine_that_it_was_asked_for_from() {
    let works = Works::start();
    let window = works.requested(VICTOR, &[]);
    works.gateway.issue_on(ARNO, VICTOR);
    assert_not_approved_by(&works, ARNO, window, "machine");
    assert_eq!(works.state(window), "pending");
    works.approved(window, &[BEA]);
    assert_opens(&works, window);
}

#[test]
fn nobody_approves_for_their_own_firm() {
    let works = Works::start_with(|works| {
        // By the list she works for them too, whatever she is called here.
        works.list_of_firm("person/mona", &days_ago(21), "ACME");
        works.join("approvers", "person/mona");
    });
    let window = works.requested(VICTOR, &[]);
    assert_not_approved_by(&works, VERA, window, "acme");
    assert_not_approved_by(&works, "person/mona", window, "work for");
    assert_eq!(works.state(window), "pending");
    works.approved(window, &[HANA]);
    assert_opens(&works, window);
}

#[test]
fn whoever_became_an_approver_lately_waits_a_day() {
    let mut works = Works::start();
    let window = works.requested(VICTOR, &[]);
    assert_not_approved_by(&works, NILS, window, "24 hours");
    assert_eq!(works.state(window), "pending");
    // A day later they may, where it is asked for again: this grant does not name their key.
    works.restart_with(|works| works.gateway.move_clocks());
    works.gateway.pass(24 * 3_600_000);
    let again = works.requested(VICTOR, &["--from", &works.at(0)]);
    works.approved(again, &[NILS]);
    assert_eq!(approvals(&works, again), 1);
}

#[test]
fn whoever_enrolled_lately_waits_a_day() {
    let works = Works::start_with(|works| {
        works.list("person/nora", &days_ago(21));
        works.join("approvers", "person/nora");
    });
    let window = works.requested(VICTOR, &[]);
    works.enrol(ADAM, "person/nora", "nora");
    assert_not_approved_by(&works, "person/nora", window, "24 hours");
    assert_eq!(works.state(window), "pending");
}

#[test]
fn who_invited_somebody_does_not_approve_for_them_nor_the_other_way_round() {
    let works = Works::start_with(|works| {
        works.list(ADAM, &days_ago(21));
        works.join("approvers", ADAM);
        works.join("engineers", WANDA);
        works.join("engineers", ADAM);
        // The sample's policy lets no approver invite. That holds whatever a policy says.
        let rule = "principal in Interlock::Group::\"approvers\",\n    action in [Interlock::Action::\"invite\"";
        let gone = rule.replace("approvers", "historians");
        works.change_policy("guards.cedar", rule, &gone);
    });
    // She asks from another machine than the one that she enrolled on.
    works.enrol(ADAM, WANDA, "enrolled");
    let window = works.requested(WANDA, &[]);
    assert_not_approved_by(&works, ADAM, window, "invited");
    assert_eq!(works.state(window), "pending");

    // Hana was invited by him, and came in long before by another way.
    let invite = ["invite", "vendor", "hydro/hana"];
    let invited = works.gateway.client(ADAM, &invite);
    assert_eq!(invited.code, 0, "{invited}");
    let window = works.requested(ADAM, &[]);
    assert_not_approved_by(&works, HANA, window, "invited");
    works.approved(window, &[ARNO]);
    works.until(window, "open");
}

#[test]
fn a_key_that_the_root_did_not_list_approves_nothing() {
    let works = Works::start();
    let window = works.requested(VICTOR, &[]);
    let own = works.loose_key("arno-two");
    let refused = works.approve_with(ARNO, window, &own);
    assert_ne!(refused.code, 0, "{refused}");
    let forged = approval(&works, window, &own);
    let refused = ask(&works, ARNO, forged.clone()).unwrap_err().to_string();
    assert!(
        refused.contains("does not say that this key is yours"),
        "{refused}"
    );
    // Under the name of a key that is listed.
    let (arno, bea) = (works.grant_key(ARNO), works.grant_key(BEA));
    let claim = |key: &std::path::Path, by: Ask| match by {
        Ask::ApproveWindow {
            window,
            signature,
            comment,
            ..
        } => Ask::ApproveWindow {
            window,
            key: grant_key(key).public(),
            signature,
            comment,
        },
        other => other,
    };
    for (forged, why) in [
        (claim(&arno, forged), "signature"),
        (claim(&arno, approval(&works, window, &bea)), "signature"),
        // Bea's own key and signature, in arno's session.
        (
            approval(&works, window, &bea),
            "does not say that this key is yours",
        ),
    ] {
        let refused = ask(&works, ARNO, forged).unwrap_err().to_string();
        assert!(refused.contains(why), "{why}: {refused}");
    }
    assert_eq!(approvals(&works, window), 0);
    assert_eq!(works.state(window), "pending");
    works.approved(window, &[ARNO]);
    assert_opens(&works, window);
}

#[test]
fn a_signature_of_one_window_approves_no_other() {
    let works = Works::start();
    let (one, other) = (
        works.requested(VICTOR, &[]),
        works.requested(VICTOR, &["--max-writes", "9"]),
    );
    let of_one = approval(&works, one, &works.grant_key(ARNO));
    let Ask::ApproveWindow { key, signature, .. } = of_one else {
        panic!("{of_one:?}");
    };
    let replayed = Ask::ApproveWindow {
        window: other,
        key,
        signature,
        comment: String::new(),
    };
    let refused = ask(&works, ARNO, replayed).unwrap_err().to_string();
    assert!(refused.contains("signature"), "{refused}");
    assert_eq!(approvals(&works, other), 0);
}

#[test]
fn whom_policy_does_not_let_approve_does_not_though_the_root_lists_them() {
    let works = Works::start_with(|works| works.list(OLGA, &days_ago(21)));
    let window = works.requested(VICTOR, &[]);
    let refused = works.approve(OLGA, window);
    assert_eq!(refused.code, 3, "{refused}");
    let refused = ask(
        &works,
        OLGA,
        approval(&works, window, &works.grant_key(OLGA)),
    );
    assert!(refused.is_err());
    assert_eq!(approvals(&works, window), 0);
    // And who is no longer there does not either.
    let mut works = works;
    works.restart_with(|works| works.gateway.move_clocks());
    works.gateway.issue(ARNO);
    works.gateway.pass(400_000);
    let late = ask(
        &works,
        ARNO,
        approval(&works, window, &works.grant_key(ARNO)),
    );
    let late = late.unwrap_err().to_string();
    assert!(late.contains("a rule forbids it"), "{late}");
    let rule = "guards.cedar/presence-for-who-may-act".to_owned();
    works
        .gateway
        .record("the denial", |record| match &record.event {
            Event::Denial(denial) => denial.policies.contains(&rule).then_some(()),
            _ => None,
        });
    assert_eq!(approvals(&works, window), 0);
}

#[test]
fn a_quorum_of_two_is_two_people() {
    let works = Works::start_with(|works| {
        works.quorum_of_two();
        works.list_key(ARNO, &days_ago(21), &works.root().join("arno-two.grant"));
    });
    let window = works.requested(VICTOR, &[]);
    assert_eq!(works.row(window)["quorum"], 2);
    works.approved(window, &[ARNO]);
    assert_eq!(works.state(window), "pending");
    // Once more, and with the other key that the root gave him.
    works.approve(ARNO, window);
    works.approve_with(ARNO, window, &works.root().join("arno-two.grant"));
    assert_eq!(works.state(window), "pending");
    // What he may see of the press without a window is nothing: nothing can be sent either.
    assert!(!sees(&works, VICTOR, PRESS));
    assert!(works.written().is_empty());
    works.approved(window, &[BEA]);
    assert_opens(&works, window);
}

#[test]
fn with_two_approvers_one_that_is_revoked_leaves_one() {
    let works = Works::start_with(Works::quorum_of_two);
    let window = works.requested(VICTOR, &[]);
    works.approved(window, &[ARNO, BEA]);
    let mut victor = works.victor();
    let mut tool = tool(&victor);
    assert_passes(&works, &mut tool, &speed(5_000));
    let revoke = ["revoke", "subject", BEA, "--reason", "left the firm"];
    let revoked = works.gateway.client(ADAM, &revoke);
    assert_eq!(revoked.code, 0, "{revoked}");
    assert_refused(&works, &mut tool, &speed(5_010), 1);
    told(&mut victor, &[&format!("window {window}")]);
    assert_eq!(works.state(window), "short of approvals");
    // One of the same firm makes no two; another does.
    works.approved(window, &[HANA]);
    assert_passes(&works, &mut tool, &speed(5_020));
}
