//! From the request to the end of a window that nobody took away, and over restarts.

use interlock_protocols::record::{Event, WindowEnd};
use interlock_tests::harness::{
    ADAM, ARNO, BEA, HANA, PRESS, Process, RITA, VERA, VICTOR, Works, number,
};
use serde_json::Value;

use crate::{
    approval, approvals, ask, assert_passes, assert_refused, row, sees, speed, told, tool,
};
use interlock_protocols::conduit::Ask;

/// Waits for a line of a list that goes on in which a window stands so.
fn listed(list: &mut Process, window: u64, state: &str) -> Value {
    list.next_line(&format!("window {window} that is {state}"), |line| {
        let row: Value = serde_json::from_str(line).ok()?;
        (row["window"] == window && row["state"] == state).then_some(row)
    })
}

fn ends(works: &Works, window: u64) -> Vec<(WindowEnd, String)> {
    let of = |event| match event {
        Event::WindowEnded(it) if it.window == window => Some((it.end, it.by)),
        _ => None,
    };
    let records = works.gateway.records().into_iter();
    records.filter_map(|record| of(record.event)).collect()
}

/// A second or so after its time the end is recorded.
fn recorded_end(works: &Works, window: u64) {
    works.gateway.record("the end of the window", |record| {
        matches!(&record.event, Event::WindowEnded(it) if it.window == window).then_some(())
    });
}

#[test]
fn asked_approved_and_used_each_step_is_told_to_both_and_recorded() {
    let works = Works::start();
    works.gateway.issue(ARNO);
    let live = ["-o", "jsonl", "window", "list", "--pending", "-w"];
    let mut pending = works.going_on(ARNO, &live);
    let mut mine = works.going_on(VICTOR, &["-o", "jsonl", "window", "list", "-w"]);
    let window = works.requested(VICTOR, &["--limit", "speed_setpoint=200..700"]);
    let seen = listed(&mut pending, window, "pending");
    assert_eq!(seen["reason"], "WO-1234");
    listed(&mut mine, window, "pending");
    let comment = ["--comment", "call me when you begin"];
    let done = works.approve_more(ARNO, window, &works.grant_key(ARNO), &comment);
    assert_eq!(done.code, 0, "{done}");
    let seen = listed(&mut mine, window, "open");
    assert_eq!(seen["approved_by"][0], "spiffe://waterworks/person/arno");
    listed(&mut pending, window, "open");
    drop((pending, mine));

    let shown = works
        .gateway
        .client(VICTOR, &["window", "show", &window.to_string()]);
    assert_eq!(shown.code, 0, "{shown}");
    for words in [
        "WO-1234",
        "call me when you begin",
        "speed_setpoint",
        "200..700",
        "person/arno",
    ] {
        assert!(shown.stdout.contains(words), "{words}: {shown}");
    }
    let victor = works.victor();
    assert_passes(&works, &mut tool(&victor), &speed(5_000));
    assert_eq!(works.row(window)["used"], 1);

    // Request, approval and use are one story in the journal, each naming the window.
    let mut story = Vec::new();
    for record in works.gateway.records() {
        match record.event {
            Event::WindowRequested(it) if record.sequence == window => {
                assert_eq!(
                    (it.by.as_str(), it.reason.as_str()),
                    ("spiffe://waterworks/vendor/acme/victor", "WO-1234")
                );
                assert_eq!(it.points, ["speed_setpoint", "ramp"]);
                assert!(!it.policies.is_empty());
                story.push("asked");
            }
            Event::WindowApproved(it) if it.window == window => {
                assert_eq!(it.by, "spiffe://waterworks/person/arno");
                assert_eq!(it.policies, ["windows.cedar/approvers-approve-windows"]);
                story.push("approved");
            }
            Event::Intent(it) if it.window == Some(window) => {
                assert_eq!(it.policies, ["windows.cedar/vendors-use-their-windows"]);
                story.push("used");
            }
            _ => {}
        }
    }
    assert_eq!(story, ["asked", "approved", "used"]);
}

#[test]
fn a_refused_window_is_refused_for_good_and_its_reason_is_told() {
    let works = Works::start();
    let mut waiting = {
        let args = [
            "window",
            "request",
            "--device",
            "press-4",
            "--points",
            "speed_setpoint",
        ];
        let more = [
            "--functions",
            "write-register",
            "--from",
            "now",
            "--for",
            "1h",
        ];
        let last = ["--max-writes", "1", "--reason", "WO-7", "--wait"];
        works.going_on(VICTOR, &[&args[..], &more, &last].concat())
    };
    let window = works.gateway.record("the request", |record| {
        matches!(&record.event, Event::WindowRequested(it) if it.reason == "WO-7")
            .then_some(record.sequence)
    });
    let number = window.to_string();
    let refused = works.gateway.client(
        ARNO,
        &[
            "window",
            "refuse",
            &number,
            "--comment",
            "not during harvest",
        ],
    );
    assert_eq!(refused.code, 0, "{refused}");
    waiting.complaint("why it was refused", |line| {
        line.contains("not during harvest").then_some(())
    });
    assert_ne!(waiting.exit("it was refused").code(), Some(0));
    assert_eq!(works.state(window), "refused");
    // Neither he nor anybody else takes that back.
    for who in [ARNO, BEA] {
        assert_ne!(works.approve(who, window).code, 0);
        assert!(ask(&works, who, approval(&works, window, &works.grant_key(who))).is_err());
    }
    assert_eq!(approvals(&works, window), 0);
    let shown = works
        .gateway
        .client(VICTOR, &["window", "show", &number, "--no-read"]);
    assert!(shown.stdout.contains("not during harvest"), "{shown}");
}

#[test]
fn who_may_not_approve_does_not_refuse_either() {
    let works = Works::start();
    let window = works.requested(VICTOR, &[]);
    let refuse = |comment: &str| Ask::RefuseWindow {
        window,
        comment: comment.to_owned(),
    };
    for who in [VICTOR, VERA, ADAM, "person/olga"] {
        assert!(ask(&works, who, refuse("no")).is_err(), "{who}");
    }
    assert_eq!(works.state(window), "pending");
}

#[test]
fn a_request_that_nobody_decides_lapses_and_stays_readable() {
    let works = Works::start_with(|works| works.gateway.move_clocks());
    let window = works.requested(VICTOR, &["--waits", "10m"]);
    works.gateway.pass(9 * 60_000);
    assert_eq!(works.state(window), "pending");
    works.gateway.pass(2 * 60_000);
    works.until(window, "lapsed");
    recorded_end(&works, window);
    assert_eq!(ends(&works, window), [(WindowEnd::Lapsed, String::new())]);
    assert_ne!(works.approve(ARNO, window).code, 0);
    assert!(
        ask(
            &works,
            ARNO,
            approval(&works, window, &works.grant_key(ARNO))
        )
        .is_err()
    );
    assert_eq!(approvals(&works, window), 0);
    let listed = works
        .gateway
        .client(VICTOR, &["-o", "jsonl", "window", "list"]);
    assert_eq!(number(&listed, "window"), window);
    assert!(listed.stdout.contains("\"lapsed\""), "{listed}");
}

#[test]
fn waiting_start_and_length_are_three_things() {
    let works = Works::start_with(|works| works.gateway.move_clocks());
    // It begins in three hours, for one, and may wait ten minutes.
    let begins = works.at(3 * 3_600_000);
    let window = works.requested(
        VICTOR,
        &["--from", &begins, "--for", "25m", "--waits", "10m"],
    );
    works.approved(window, &[ARNO]);
    assert_eq!(works.state(window), "approved");
    assert!(!sees(&works, VICTOR, PRESS), "it is not open yet");
    let passes = |works: &Works, minutes: i64| {
        works.gateway.pass(minutes * 60_000);
    };
    // The time it might wait is long over: it was approved.
    passes(&works, 170);
    assert_eq!(works.state(window), "approved");
    passes(&works, 11);
    works.until(window, "open");
    let mut victor = works.victor();
    let mut modbus = tool(&victor);
    assert_passes(&works, &mut modbus, &speed(5_000));
    // Its own time, and not one from when it was first used.
    works.gateway.pass(25 * 60_000);
    works.until(window, "over");
    assert_refused(&works, &mut modbus, &speed(5_010), 1);
    told(&mut victor, &[&format!("window {window}"), "over"]);
    recorded_end(&works, window);
    assert_eq!(ends(&works, window), [(WindowEnd::Over, String::new())]);
}

#[test]
fn who_asked_takes_it_back_and_nobody_else_does() {
    let works = Works::start();
    let window = works.open(&[]);
    for who in [VERA, RITA, ARNO, ADAM] {
        let answer = ask(&works, who, Ask::WithdrawWindow { window });
        assert!(answer.is_err(), "{who} withdrew it: {answer:?}");
    }
    let mut victor = works.victor();
    let mut modbus = tool(&victor);
    assert_passes(&works, &mut modbus, &speed(5_000));
    let number = window.to_string();
    let withdrawn = works
        .gateway
        .client(VICTOR, &["window", "withdraw", &number]);
    assert_eq!(withdrawn.code, 0, "{withdrawn}");
    assert_refused(&works, &mut modbus, &speed(5_010), 1);
    told(&mut victor, &[&format!("window {window}"), "withdr"]);
    assert_eq!(works.state(window), "withdrawn");
    let by = "spiffe://waterworks/vendor/acme/victor".to_owned();
    assert_eq!(ends(&works, window), [(WindowEnd::Withdrawn, by)]);
    // An approval that comes late opens it no more.
    assert!(ask(&works, BEA, approval(&works, window, &works.grant_key(BEA))).is_err());
    assert_refused(&works, &mut modbus, &speed(5_020), 1);
}

#[test]
fn an_extension_is_a_request_of_its_own_that_names_the_old_one() {
    let works = Works::start();
    let window = works.open(&["--max-writes", "1", "--limit", "speed_setpoint=300..600"]);
    let victor = works.victor();
    let mut modbus = tool(&victor);
    assert_passes(&works, &mut modbus, &speed(5_000));
    let old = window.to_string();
    let extend = [
        "-o", "jsonl", "window", "extend", &old, "--for", "1h", "--from", "now",
    ];
    let asked = works.gateway.client(VICTOR, &extend);
    assert_eq!(asked.code, 0, "{asked}");
    let more = number(&asked, "window");
    let (before, after) = (row(&works, window), row(&works, more));
    assert_eq!(after.extends, Some(window));
    assert_eq!(after.reason, before.reason);
    assert_ne!(after.grant, before.grant);
    // Asking gives nothing.
    assert_refused(&works, &mut modbus, &speed(5_010), 1);
    works.approved(more, &[BEA]);
    assert_passes(&works, &mut modbus, &speed(5_020));
    // The old limits go on.
    let second = works.gateway.client(VICTOR, &extend);
    works.approved(number(&second, "window"), &[ARNO]);
    assert_refused(&works, &mut modbus, &speed(6_010), 1);
    assert_passes(&works, &mut modbus, &speed(6_000));
    // Nobody extends what somebody else holds.
    let theirs = works
        .gateway
        .client(RITA, &["window", "extend", &old, "--for", "1h"]);
    assert_ne!(theirs.code, 0, "{theirs}");
}

#[test]
fn request_approval_use_and_end_each_outlive_a_restart() {
    let mut works = Works::start();
    let window = works.requested(VICTOR, &["--max-writes", "3"]);
    works.restart_with(|_| {});
    assert_eq!(works.state(window), "pending");
    works.approved(window, &[ARNO]);
    works.gateway.kill();
    works.gateway.start();
    works.until(window, "open");
    for (value, kill) in [(5_000, false), (5_010, true), (5_020, false)] {
        let victor = works.victor();
        assert_passes(&works, &mut tool(&victor), &speed(value));
        drop(victor);
        if kill {
            works.gateway.kill();
            works.gateway.start();
        } else {
            works.restart_with(|_| {});
        }
    }
    // All three are used, though no process of the gateway saw more than one of them.
    works.until(window, "exhausted");
    assert_eq!(works.row(window)["used"], 3);
    let victor = works.victor();
    assert_refused(&works, &mut tool(&victor), &speed(5_030), 1);
    drop(victor);
    let number = window.to_string();
    let withdrawn = works
        .gateway
        .client(VICTOR, &["window", "withdraw", &number]);
    assert_eq!(withdrawn.code, 0, "{withdrawn}");
    works.restart_with(|_| {});
    assert_eq!(works.state(window), "withdrawn");
}

#[test]
fn a_plant_that_changed_between_request_and_use_ends_it() {
    let mut works = Works::start();
    let (used, asked) = (works.open(&[]), works.requested(VICTOR, &[]));
    {
        let victor = works.victor();
        assert_passes(&works, &mut tool(&victor), &speed(5_000));
    }
    works.restart_with(|works| {
        // The same register means another thing from here on.
        works.gateway.edit(
            "plant.toml",
            "scale = 0.1                # value",
            "scale = 0.2                # value",
        );
        works.sign_plant();
    });
    assert_eq!(works.state(used), "plant changed");
    assert!(!sees(&works, VICTOR, PRESS));
    // What was asked for before cannot be approved any more: it would open nothing.
    assert_ne!(works.approve(ARNO, asked).code, 0);
    let late = ask(
        &works,
        ARNO,
        approval(&works, asked, &works.grant_key(ARNO)),
    );
    assert!(late.is_err());
    assert_eq!(approvals(&works, asked), 0);
    // The plant as it was brings nothing back that it did not sign: only its bytes count.
    works.restart_with(|works| {
        works.gateway.edit(
            "plant.toml",
            "scale = 0.2                # value",
            "scale = 0.1                # value",
        );
        works.sign_plant();
    });
    works.until(used, "open");
    let victor = works.victor();
    assert_passes(&works, &mut tool(&victor), &speed(5_010));
}

#[test]
fn revoking_the_approver_ends_it_at_once_and_another_one_revives_it() {
    let works = Works::start();
    let window = works.open(&[]);
    let mut victor = works.victor();
    let mut modbus = tool(&victor);
    assert_passes(&works, &mut modbus, &speed(5_000));
    let revoke = ["revoke", "subject", ARNO, "--reason", "account taken over"];
    let revoked = works.gateway.client(ADAM, &revoke);
    assert_eq!(revoked.code, 0, "{revoked}");
    assert_refused(&works, &mut modbus, &speed(5_010), 1);
    told(&mut victor, &[&format!("window {window}")]);
    assert_eq!(works.state(window), "short of approvals");
    // Not by somebody of the same firm.
    assert!(
        ask(
            &works,
            VERA,
            approval(&works, window, &works.grant_key(VERA))
        )
        .is_err()
    );
    assert_refused(&works, &mut modbus, &speed(5_020), 1);
    works.approved(window, &[HANA]);
    assert_passes(&works, &mut modbus, &speed(5_030));
    assert_eq!(works.state(window), "open");
}

#[test]
fn an_approver_whom_the_root_takes_off_the_list_no_longer_counts() {
    let mut works = Works::start();
    let window = works.open(&[]);
    works.restart_with(|works| {
        works.strike(ARNO);
        works.sign_approvers();
    });
    assert_eq!(works.state(window), "short of approvals");
    assert!(!sees(&works, VICTOR, PRESS));
    works.approved(window, &[BEA]);
    works.until(window, "open");
    let victor = works.victor();
    assert_passes(&works, &mut tool(&victor), &speed(5_000));
}

#[test]
fn without_a_root_nothing_can_be_asked_for_and_the_answer_says_what_to_do() {
    let mut bench = interlock_tests::harness::Bench::start();
    let args = [
        "window",
        "request",
        "--device",
        "press-4",
        "--points",
        "speed_setpoint",
    ];
    let more = [
        "--functions",
        "write-register",
        "--from",
        "now",
        "--for",
        "1h",
    ];
    let last = ["--max-writes", "1", "--reason", "WO-7"];
    let asked = bench
        .gateway
        .client(VICTOR, &[&args[..], &more, &last].concat());
    assert_ne!(asked.code, 0, "{asked}");
    assert!(asked.stderr.contains("interlock root init"), "{asked}");
    bench.settle();
}
