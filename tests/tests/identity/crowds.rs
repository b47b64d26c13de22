//! Very many strangers at the identity port. Whoever works is served on.

use interlock_protocols::conduit::Message as _;
use interlock_protocols::identity::LOGIN_ALPN;
use interlock_tests::harness::Bench;

use crate::applicant::{Applicant, Keys, invite, issued, refused};

#[test]
fn guessing_ends_after_some_tries() {
    let bench = Bench::start();
    let applicant = Applicant::at(&bench.gateway);
    let (_, token) = invite(&bench.gateway, "person", "ida");
    let keys = Keys::new();
    let mut guesses = 0;
    let stopped = loop {
        let mut guess = token;
        guess[..4].copy_from_slice(&u32::to_be_bytes(guesses));
        match refused(applicant.enrol(&keys, guess)).as_str() {
            "no-invitation" => guesses += 1,
            code => break code.to_owned(),
        }
        assert!(guesses < 1_000, "one may guess for ever");
    };
    assert_eq!(stopped, "busy");
}

#[test]
fn a_flood_of_handshakes_costs_nobody_his_session_nor_the_next_their_certificate() {
    let bench = Bench::start();
    let gateway = &bench.gateway;
    let (_, token) = invite(gateway, "person", "ida");
    let connected = gateway.connect("person/olga", &["press-4"]);
    let mut tool = connected.modbus("press-4");
    assert_eq!(tool.read_holding(1, 100, 1), [0]);
    let crowd = Applicant::at(gateway);
    // Some shake hands and say nothing, some send half of something, most are turned away.
    let begun: Vec<_> = (0..300).map(|_| crowd.begin(LOGIN_ALPN)).collect();
    for _ in 0..20 {
        assert_eq!(tool.read_holding(1, 100, 1), [0]);
    }
    // Each of them has a place until it asks for something, and one network has few.
    let within = crowd.established(begun);
    assert!(within.len() <= 64, "{} are within", within.len());
    drop(within);
    if let Ok(mut half) = crowd.connect(LOGIN_ALPN) {
        crowd.send(&mut half, &[0, 0, 0x0F, 0xFF, 1]);
        crowd.send(&mut half, &[0; 2_000]);
    }
    let late = Applicant::at(gateway);
    issued(late.enrol(&Keys::new(), token));
    assert_eq!(tool.read_holding(1, 100, 1), [0]);
    assert_eq!(connected.end(), 0);
}

#[test]
fn a_request_that_is_too_long_or_none_is_cut_off() {
    let bench = Bench::start();
    let applicant = Applicant::at(&bench.gateway);
    for bytes in [
        vec![0, 0, 0x20, 0],
        vec![0xFF; 16],
        vec![0, 0, 0, 0],
        [vec![0, 0, 0, 4], vec![0x80; 4]].concat(),
    ] {
        let mut application = applicant.connect(LOGIN_ALPN).unwrap();
        let long = [bytes, vec![0; 5_000]].concat();
        applicant.send(&mut application, &long[..4_096]);
        assert_eq!(applicant.reply(&mut application), None);
    }
    // One that could be answered, were it read to its end.
    let mut application = applicant.connect(LOGIN_ALPN).unwrap();
    let subject = format!("person/{}", "a".repeat(5_000));
    let long = Keys::new().renewal(&application.exporter, &subject, None, false);
    applicant.send(&mut application, &long.to_frame().unwrap());
    assert_eq!(applicant.reply(&mut application), None);
    let reply = applicant.login(&Keys::new(), "person/a", None, false);
    assert_eq!(refused(reply), "not-enrolled");
}
