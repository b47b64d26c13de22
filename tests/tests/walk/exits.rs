//! The exit codes that scripts depend on, each from its real cause.

use interlock_broker::authority::Authority;
use interlock_broker::clock::{Clock, Now};
use interlock_tests::harness::{Bench, Gateway, Pass, Plc, Site, free_address};

/// Puts another certificate and key into the profile of this person.
fn replace(gateway: &Gateway, person: &str, by: &Authority, at: Now) {
    let profile = gateway.issue(&format!("person/{person}"));
    let pass = Pass::signed_by(by, &format!("spiffe://waterworks/person/{person}"), at);
    let credential = pass.session.to_secret_pem() + &pass.certificate;
    std::fs::write(profile.join("client.pem"), credential).unwrap();
}

#[test]
fn who_cannot_show_who_they_are_ends_with_4() {
    let bench = Bench::start();
    let now = Clock::start().now();
    let ours = bench.gateway.authority("issuer");
    let before = Now::new(now.wall_ms() - 24 * 3_600 * 1_000, now.mono());
    replace(&bench.gateway, "late", &ours, before);
    let theirs = Authority::create("identity issuer of waterworks", now).unwrap();
    let theirs = Authority::open(&theirs).unwrap();
    replace(&bench.gateway, "mallory", &theirs, now);
    for person in ["person/late", "person/mallory"] {
        let devices = bench.gateway.client(person, &["devices"]);
        assert_eq!(devices.code, 4, "{devices}");
    }
    // The other way round: what answers is not the gateway that the profile trusts.
    let profile = bench.gateway.issue("person/olga");
    let other = Authority::create("gateway authority of waterworks", now).unwrap();
    std::fs::write(profile.join("gateway-ca.pem"), &other.certificate).unwrap();
    let devices = bench.gateway.client("person/olga", &["devices"]);
    assert_eq!(devices.code, 4, "{devices}");
}

#[test]
fn what_cannot_be_reached_ends_with_6() {
    let logs = Site::new();
    let pump = Plc::start(&logs.join("pump.log"), &[]);
    let mut gateway = Gateway::new(free_address(), pump.address());
    gateway.start();
    // A device that is not there. Nothing with effect waits for it.
    for command in [
        &["read", "press-4", "speed"][..],
        &["write", "press-4", "speed_setpoint=900"],
    ] {
        let failed = gateway.client("person/olga", command);
        assert_eq!(failed.code, 6, "{failed}");
    }
    let read = gateway.client("person/olga", &["read", "pump-2", "level"]);
    assert_eq!(
        read.code, 0,
        "one dead device is nobody else's trouble: {read}"
    );
    assert_eq!(gateway.stop(), 0);
    gateway.assert_journal_is_whole();
    let failed = gateway.client("person/olga", &["devices"]);
    assert_eq!(failed.code, 6, "{failed}");
}

#[test]
fn what_is_wrong_on_this_side_ends_with_2_or_7_and_a_device_that_refuses_with_1() {
    let mut bench = Bench::start();
    for args in [
        &["fly"][..],
        &["read", "press-4"],
        &["write", "press-4", "speed_setpoint"],
    ] {
        let failed = bench.gateway.client("person/olga", args);
        assert_eq!(failed.code, 2, "{args:?}: {failed}");
    }
    bench.press.order("exception 4");
    let failed = bench
        .gateway
        .client("person/olga", &["write", "press-4", "speed_setpoint=900"]);
    assert_eq!(failed.code, 1, "{failed}");
    let profile = bench.gateway.issue("person/olga");
    std::fs::remove_file(profile.join("profile.toml")).unwrap();
    let failed = bench.gateway.client("person/olga", &["devices"]);
    assert_eq!(failed.code, 7, "{failed}");
    bench.settle();
}
