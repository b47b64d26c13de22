use super::*;

fn welcome() -> Welcome {
    Welcome {
        gateway: "gateway-1".into(),
        site: "waterworks".into(),
        session: 7,
        subject: "spiffe://waterworks/person/olga".into(),
        groups: Vec::new(),
        certificate_ends_ms: 0,
    }
}

fn good() -> Status {
    Status {
        version: "0.1.0".into(),
        started_ms: 1_700_000_000_000,
        now_ms: 1_700_300_000_000,
        sessions: 1,
        journal: JournalStatus {
            first_sequence: 11,
            next_sequence: 1_001,
            used_bytes: 67_108_864,
            budget_bytes: 4_294_967_296,
            free_bytes: Some(50_000_000_000),
            bytes_per_day: Some(86_000_000),
            days_left: Some(49.16),
            checkpoint_size: 990,
            checkpoint_ms: Some(1_700_299_990_000),
            epoch: 4,
            view_size: 1_000,
            ..JournalStatus::default()
        },
        sinks: vec![SinkStatus {
            name: "siem".into(),
            kind: "syslog-ocsf".into(),
            required: true,
            acknowledged: 1_000,
            lag_records: 0,
            acknowledged_ms: Some(1_700_299_998_000),
            error: None,
            error_ms: None,
            missed_records: 0,
        }],
        witness: Some(WitnessStatus {
            url: "http://witness:7380".into(),
            cosigned_size: 980,
            cosigned_ms: Some(1_700_299_940_000),
            exposed_records: 20,
            error: None,
            error_ms: None,
        }),
        clock_doubt: None,
        plant_serial: None,
        approvers_serial: None,
        trust: vec![TrustStatus {
            name: "spire".into(),
            paths: vec!["workload/".into(), "vendor/acme/".into()],
            as_of_ms: Some(1_700_299_000_000),
            stale_ms: Some(1_700_400_000_000),
            stale: false,
            error: None,
            error_ms: None,
        }],
    }
}

fn bad() -> Status {
    let mut status = good();
    let journal = &mut status.journal;
    journal.failure = Some("No space left on device (os error 28)".into());
    journal.failed_ms = Some(1_700_299_000_000);
    journal.held = Some("the journal is behind what others know of it".into());
    journal.warnings = vec!["the journal uses 83 % of its budget".into()];
    journal.days_left = None;
    status.sinks[0].error = Some("connection refused\u{1b}[2J".into());
    status.sinks[0].error_ms = Some(1_700_298_000_000);
    status.sinks[0].lag_records = 1;
    status.sinks[0].missed_records = 12;
    if let Some(witness) = &mut status.witness {
        witness.error = Some("it does not answer".into());
        witness.error_ms = Some(1_700_297_000_000);
    }
    let [spire] = status.trust.as_mut_slice() else {
        panic!("one authority");
    };
    spire.stale = true;
    spire.stale_ms = Some(1_700_299_500_000);
    spire.error = Some("trust/spire.pem: No such file or directory (os error 2)".into());
    spire.error_ms = Some(1_700_299_100_000);
    status
}

fn shown(status: &Status) -> String {
    let zone = TimeZone::UTC;
    page(&welcome(), status, &problems(status, &zone), &zone)
}

#[test]
fn a_gateway_that_is_well_and_one_that_is_not_look_like_this() {
    let (good, bad) = (shown(&good()), shown(&bad()));
    let both = format!("{good}\n{bad}");
    assert_eq!(both, include_str!("golden.txt"));
    for line in both.lines() {
        assert!(line.chars().count() <= STATUS_COLUMNS, "{line}");
    }
    assert!(!both.contains('\u{1b}'));
}

#[test]
fn what_is_well_is_no_problem_and_each_trouble_is_one() {
    let zone = TimeZone::UTC;
    assert_eq!(problems(&good(), &zone), Vec::<String>::new());
    let told = problems(&bad(), &zone);
    assert_eq!(told.len(), 8, "{told:?}");
    assert!(told[0].starts_with("nothing can be recorded since 2023-11-18"));
    assert!(told[1].contains("behind what others know"));
    assert!(told[2].contains("witness") && told[2].contains("20 records"));
    assert!(told[3].contains("siem") && told[3].contains("1 record behind"));
    assert!(told[4].contains("12 records"));
    assert!(told[5].contains("cannot be read anew") && told[6].contains("too old"));
    assert!(told[7].contains("83 %"));
}

#[test]
fn programs_get_all_of_it_and_the_problems() {
    let status = bad();
    let problems = problems(&status, &TimeZone::UTC);
    let tree = tree(&welcome(), &status, &problems);
    assert_eq!(tree["problems"].as_array().unwrap().len(), 8);
    assert_eq!(tree["trust"][0]["stale"], true);
    assert_eq!(tree["journal"]["failed_ms"], 1_700_299_000_000_i64);
    assert_eq!(tree["sinks"][0]["lag_records"], 1);
    assert_eq!(tree["witness"]["exposed_records"], 20);
    let mut none = good();
    none.witness = None;
    assert!(super::tree(&welcome(), &none, &[])["witness"].is_null());
}

#[test]
fn bytes_are_in_the_largest_unit_that_fits() {
    let sizes = [0, 1_023, 1_024, 1_536, 1 << 20, (1 << 30) - 1, u64::MAX];
    let shown = sizes.map(bytes);
    assert_eq!(
        shown,
        [
            "0 B",
            "1023 B",
            "1.0 KiB",
            "1.5 KiB",
            "1.0 MiB",
            "1023.9 MiB",
            "17179869183.9 GiB"
        ]
    );
}

#[test]
fn a_word_longer_than_the_line_is_kept_whole() {
    assert_eq!(wrapped("a bbbbbbbb c d", 4), ["a", "bbbbbbbb", "c d"]);
    assert_eq!(wrapped("", 4), [""]);
}
