use super::*;

fn facts() -> Facts {
    Facts {
        started_ms: 1_000,
        clock_doubt: None,
        signed_serials: [None; 2],
        sessions: 3,
        journal: JournalFacts {
            first_sequence: 11,
            next_sequence: 1_001,
            used_bytes: 400 << 20,
            budget_bytes: 1_000 << 20,
            free_bytes: Some(9_000 << 20),
            ..JournalFacts::default()
        },
        bytes_per_day: Some(60 << 20),
        signed: SignedFacts {
            size: 990,
            signed_ms: Some(5_000),
            epoch: 4,
            trouble: None,
        },
        view_size: 1_000,
        sinks: Vec::new(),
        witness: Some((
            "w:1".into(),
            WitnessStanding {
                cosigned_size: 980,
                cosigned_ms: Some(4_000),
                ..WitnessStanding::default()
            },
        )),
        trust: Vec::new(),
    }
}

#[test]
fn all_is_well_and_nothing_is_lost_on_the_way() {
    let status = assemble(facts(), &[50, 80], 9_000);
    assert_eq!((status.started_ms, status.now_ms), (1_000, 9_000));
    assert_eq!(status.sessions, 3);
    assert_eq!(status.journal.days_left, Some(10.0));
    assert_eq!(status.journal.warnings, Vec::<String>::new());
    assert_eq!(status.journal.checkpoint_size, 990);
    let witness = status.witness.unwrap();
    assert_eq!(witness.url, "http://w:1");
    // 1,000 records, of which 980 are cosigned.
    assert_eq!(witness.exposed_records, 20);
}

#[test]
fn a_share_of_the_budget_that_was_named_is_warned_of_with_what_to_do() {
    for (used_mib, said) in [(499, None), (500, Some("50 %")), (850, Some("85 %"))] {
        let mut facts = facts();
        facts.journal.used_bytes = used_mib << 20;
        let status = assemble(facts, &[50, 80], 0);
        let warnings = status.journal.warnings;
        let Some(said) = said else {
            assert_eq!(warnings, Vec::<String>::new());
            continue;
        };
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains(said), "{warnings:?}");
        assert!(warnings[0].contains("days are left"), "{warnings:?}");
        assert!(warnings[0].contains("budget_mib"), "{warnings:?}");
    }
}

/// A gateway that is older than its retention has a full journal every day of its life.
#[test]
fn what_may_be_removed_is_no_reason_to_warn() {
    let mut facts = facts();
    facts.journal.used_bytes = 990 << 20;
    facts.journal.removable_bytes = 700 << 20;
    let days_left = assemble(facts.clone(), &[50, 80], 0).journal.days_left;
    assert_eq!(
        assemble(facts.clone(), &[50, 80], 0).journal.warnings,
        Vec::<String>::new()
    );
    facts.journal.removable_bytes = 0;
    let full = assemble(facts, &[50, 80], 0).journal;
    assert_eq!(full.warnings.len(), 1);
    assert!(full.days_left < days_left);
}

#[test]
fn a_disk_with_less_room_than_the_budget_counts_for_the_days_and_is_warned_of() {
    let mut facts = facts();
    facts.journal.free_bytes = Some(120 << 20);
    let status = assemble(facts, &[50, 80], 0);
    assert_eq!(status.journal.days_left, Some(2.0));
    assert_eq!(status.journal.warnings.len(), 1);
    assert!(status.journal.warnings[0].contains("120 MiB free"));
}

#[test]
fn a_rate_that_is_unknown_or_nothing_gives_no_days() {
    for rate in [None, Some(0)] {
        let mut facts = facts();
        facts.bytes_per_day = rate;
        assert_eq!(assemble(facts, &[], 0).journal.days_left, None);
    }
}

#[test]
fn a_journal_without_a_budget_and_one_over_it_break_nothing() {
    let mut facts = facts();
    facts.journal.budget_bytes = 0;
    assert_eq!(
        assemble(facts.clone(), &[50], 0).journal.days_left,
        Some(0.0)
    );
    facts.journal.budget_bytes = 1 << 20;
    let status = assemble(facts, &[50], 0);
    assert!(status.journal.warnings[0].contains("40000 %"));
}

fn config(name: &str) -> SinkConfig {
    SinkConfig {
        name: name.into(),
        kind: SinkKind::SyslogOcsf,
        address: "s:6514".into(),
        tls: crate::config::SinkTls {
            server_name: "s".into(),
            ca: "ca".into(),
            certificate: "c".into(),
            key: "k".into(),
        },
        required: true,
    }
}

#[test]
fn a_sink_is_behind_by_what_it_has_not_acknowledged() {
    let standing = SinkStanding {
        acknowledged: 90,
        error: Some("x".repeat(5_000)),
        missed_records: 2,
        ..SinkStanding::default()
    };
    let mut facts = facts();
    facts.sinks = vec![forwarded(&config("siem"), &standing, 100)];
    let sinks = assemble(facts, &[], 0).sinks;
    assert_eq!((sinks[0].lag_records, sinks[0].missed_records), (10, 2));
    assert_eq!(sinks[0].kind, "syslog-ocsf");
    // A frame has room for many errors, of whatever length.
    let error = sinks[0].error.as_ref().unwrap();
    assert_eq!(error.len(), STATUS_ERROR_MAX_CHARS);
    assert_eq!(forwarded(&config("s"), &standing, 80).lag_records, 0);
}

/// Whoever turns out to be beyond the journal has commands held, and is in the status.
#[tokio::test]
async fn a_sink_and_a_witness_that_are_ahead_hold_commands() {
    let holds = Arc::new(Mutex::new(Vec::new()));
    let (witness, witness_seen) = watch::channel(WitnessStanding::default());
    let (sink, sink_seen) = watch::channel(SinkStanding::default());
    let mut sources = Sources::of(&Journal::refusing("a test"));
    sources.sinks = vec![(config("siem"), sink_seen)];
    sources.witness = Some(("w:1".into(), witness_seen));
    let (held, told) = (Arc::clone(&holds), tokio::sync::Notify::new());
    let told = Arc::new(told);
    let tell = Arc::clone(&told);
    sources.hold = Box::new(move |why| {
        held.lock().unwrap().push(why);
        tell.notify_one();
    });
    let outlook = Arc::new(Outlook::new(Clock::start(), &[], sources, Arc::default()));
    let attending = tokio::spawn(Arc::clone(&outlook).attend());
    assert_eq!(outlook.status(1).journal.held, None);
    witness.send_modify(|standing| standing.ahead = Some(100));
    told.notified().await;
    sink.send_modify(|standing| standing.ahead = Some(90));
    told.notified().await;
    let held = outlook.status(1).journal.held.unwrap();
    assert!(
        held.contains("witness") && held.contains("sink siem"),
        "{held}"
    );
    assert_eq!(outlook.beyond().open().len(), 2);
    assert_eq!(holds.lock().unwrap().len(), 2);
    attending.abort();
}

/// A sink speaks up at the very moment in which an acceptance lets commands pass again.
#[test]
fn what_is_told_while_commands_are_released_holds_them_all_the_same() {
    let said = Arc::new(Mutex::new(Vec::new()));
    let (about_to_release, asked) = std::sync::mpsc::channel();
    let (told, other) = std::sync::mpsc::channel();
    let (heard, other) = (Arc::clone(&said), Mutex::new(other));
    let mut sources = Sources::of(&Journal::refusing("a test"));
    sources.hold = Box::new(move |why| {
        if why.is_none() {
            about_to_release.send(()).unwrap();
            // Time for the other to come first, if anything lets him.
            let wait = std::time::Duration::from_millis(200);
            let _either = other.lock().unwrap().recv_timeout(wait);
        }
        heard.lock().unwrap().push(why.is_some());
    });
    let outlook = Outlook::new(Clock::start(), &[], sources, Arc::default());
    outlook.tell_beyond("witness", 100);
    let ahead = outlook.beyond().open();
    std::thread::scope(|scope| {
        scope.spawn(|| outlook.accepted(&ahead));
        asked.recv().unwrap();
        outlook.tell_beyond("sink siem", 90);
        let _gone = told.send(());
    });
    assert_eq!(*said.lock().unwrap(), [true, false, true]);
}
