use super::*;

fn facts() -> Facts {
    Facts {
        started_ms: 1_000,
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
