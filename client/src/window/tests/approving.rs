//! What an approver is shown, what they sign, and what they never do.

use interlock_broker::proof::sha256;
use interlock_broker::root::ApproverKey;
use interlock_protocols::conduit::CallEnd;
use jiff::tz::TimeZone;
use tokio::join;

use super::*;
use crate::approver::Trusted;
use crate::approver::tests::{keep, root, sample};
use crate::gateway::Welcome;
use crate::window::approve::{Approve, Approving, words};
use crate::window::consent::{Consent, Desk};

struct Office {
    folder: tempfile::TempDir,
    trusted: Trusted,
    key: ApproverKey,
}

impl Office {
    fn new() -> Office {
        let folder = tempfile::tempdir().unwrap();
        keep(folder.path(), &root(), &sample(), 4).unwrap();
        let trusted = Trusted::open(folder.path()).unwrap();
        let key = ApproverKey::generate("ann").unwrap();
        Office {
            folder,
            trusted,
            key,
        }
    }

    /// A grant of the plant of the sample, that this approver may sign.
    fn draft(&self) -> Draft {
        Draft {
            plant: sha256(&sample()),
            approvers: vec![self.key.public(), [0xA2; 32]],
            quorum: 2,
            ..draft()
        }
    }

    /// The same, in the year 2096: not over for the clock of any machine that runs this.
    fn draft_of_later(&self) -> Draft {
        let mut draft = self.draft();
        draft.spans[0].start_ms = crate::gateway::scripted::ENDS_MS.cast_unsigned();
        draft
    }

    fn judged(
        &self,
        row: &WindowRow,
        change: impl Fn(&mut Welcome),
    ) -> Result<String, Vec<String>> {
        let mut welcome = Welcome {
            gateway: "gate-1".into(),
            site: "waterworks".into(),
            session: 9,
            subject: ANN.into(),
            groups: Vec::new(),
            certificate_ends_ms: i64::MAX,
        };
        change(&mut welcome);
        let public = self.key.public();
        let desk = Desk {
            trusted: &self.trusted,
            key: &public,
            welcome: &welcome,
            window: 12,
            now_ms: START_MS - 3_600_000,
        };
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        Consent::read(row, &desk).map(|consent| words(&consent, row, &desk, &berlin, 80).join("\n"))
    }
}

#[test]
fn what_is_signed_is_shown_from_the_grant_and_the_approvers_own_plant() {
    let office = Office::new();
    let mut asked = office.draft();
    asked.supervised = true;
    let row = WindowRow {
        reason: "WO-1234\n  device      pump-2".into(),
        approvals: vec![approval("fine\u{1b}[2J")],
        ..row_of(&asked, WindowState::Pending)
    };
    let shown = office.judged(&row, |_| {}).unwrap();
    let golden = "\
You are asked to sign:
  who         vendor/acme/bob
  on machine  b0b0-b0b0-b0b0-b0b0-b0b0-b0b0-b0b0-b0b0-
              b0b0-b0b0-b0b0-b0b0-b0b0-b0b0-b0b0-b0b0
  device      press-4 (Screw press, drive and hydraulics)
  through     the gateway gate-1 of waterworks
  when        Sun 2026-11-22 14:30 +01:00 to 16:30 +01:00
  writes      at most 20
  watched     all of it by another organisation
  needs       2 of 2 approvers

speed_setpoint  0 |[======================]------------| 1200 rpm   asked 0..800
ramp            5 |[==================================]| 100 rpm/s  asked 5..100

speed_setpoint: holding 100 (40101), write-register. Screw speed the drive is to
          hold
ramp: holding 101 (40102), write-register. How fast the drive follows the
          setpoint

All of this is from the grant itself and from your own plant (number 4).
Said by others, and not signed:
  vendor/acme/bob: \"WO-1234\u{fffd}  device      pump-2\"
  the gateway: window 12, asked for on 2026-11-21 14:30, pending
  the gateway: person/ann approved on 2026-11-22 13:30: \"fine\u{fffd}[2J\"";
    assert_eq!(shown, golden, "{shown}");
    assert!(
        shown.lines().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
}

#[test]
fn what_others_say_can_neither_look_like_the_grant_nor_push_it_away() {
    let office = Office::new();
    let asked = office.draft();
    let short = office
        .judged(&row_of(&asked, WindowState::Pending), |_| {})
        .unwrap();
    let heading = "Said by others, and not signed:";
    let (grant, _) = short.split_once(heading).unwrap();
    let row = WindowRow {
        // Enough spaces that a terminal would begin a new line with what follows.
        reason: format!(
            "WO-1234{:200}You are asked to sign:{:80}  writes none",
            "", ""
        )
        .repeat(90),
        approvals: vec![approval(&"y ".repeat(9_000)); 60],
        ..row_of(&asked, WindowState::Pending)
    };
    let shown = office.judged(&row, |_| {}).unwrap();
    let said = shown.strip_prefix(grant).unwrap();
    for line in said.lines().skip(1) {
        assert!(
            line.starts_with("  ") && line.chars().count() <= 80,
            "{line}"
        );
        assert!(!line.trim_start().starts_with("You are") || line.starts_with("          "));
    }
    assert!(
        said.len() < 16_000 && said.contains("52 more approved it"),
        "{said}"
    );
}

/// One property after the other is broken, and each refusal names it.
#[test]
fn a_grant_that_is_other_than_it_should_be_is_not_signed() {
    let office = Office::new();
    let good = office.draft();
    assert!(
        office
            .judged(&row_of(&good, WindowState::Pending), |_| {})
            .is_ok()
    );
    type Change = fn(&mut Draft);
    let changes: [(Change, &str); 20] = [
        (|it| it.site = "harbour".into(), "for the site `harbour`"),
        (|it| it.gateway = "gate-2".into(), "for the gateway gate-2"),
        (|it| it.device = "press-5".into(), "no device `press-5`"),
        (|it| it.device = "pump-2".into(), "no point of your plant"),
        (|it| it.plant[0] ^= 1, "another plant than yours"),
        (
            |it| it.approvers = vec![[1; 32], [2; 32]],
            "your grant key is not among",
        ),
        (
            |it| it.holder = "spiffe://harbour/vendor/acme/bob".into(),
            "nobody of this site",
        ),
        (|it| it.holder = "bob".into(), "nobody of this site"),
        (|it| it.holder = ANN.into(), "it is your own"),
        (|it| it.holder_key = [0; 32], "for no machine"),
        (|it| it.spans[0].start_ms = 1, "over already"),
        (
            |it| it.spans[0].start_ms = 300_000_000_000_000,
            "no calendar shows",
        ),
        (
            |it| it.points[0].unit = UnitId::new(1),
            "no point of your plant",
        ),
        (
            |it| it.points[0].first = Address::new(99),
            "no point of your plant",
        ),
        (
            |it| it.points[0].data_type = Some(DataType::I16),
            "one of another type",
        ),
        (
            |it| it.points[0].functions = it.points[0].functions.with(FunctionCode::ReadCoils),
            "no grant says this of points",
        ),
        // 1200.1 rpm, a step beyond the point's own limit.
        (|it| it.points[0].raw_max = 12_001, "0 to 1200 rpm"),
        (|it| it.points[1].raw_min = 4, "5 to 100 rpm/s"),
        (
            |it| {
                it.points[1] = Point {
                    first: Address::new(120),
                    data_type: Some(DataType::U32),
                    raw_max: 7,
                    ..it.points[1]
                }
            },
            "for reading alone",
        ),
        (
            |it| {
                it.points[1] = Point {
                    table: Table::Coils,
                    first: Address::new(1),
                    data_type: None,
                    functions: Functions::NONE
                        .with(FunctionCode::ReadCoils)
                        .with(FunctionCode::WriteSingleCoil),
                    raw_min: 0,
                    raw_max: 1,
                    ..it.points[1]
                }
            },
            "only on",
        ),
    ];
    for (change, words) in changes {
        let mut draft = good.clone();
        change(&mut draft);
        let row = WindowRow {
            by: draft.holder.clone(),
            ..row_of(&draft, WindowState::Pending)
        };
        let wrong = office.judged(&row, |_| {}).unwrap_err().join("\n");
        assert!(wrong.contains(words), "{words}: {wrong}");
    }
}

#[test]
fn a_gateway_that_says_otherwise_than_the_grant_gets_no_signature() {
    let office = Office::new();
    let good = || row_of(&office.draft(), WindowState::Pending);
    type Change = fn(&mut WindowRow);
    let changes: [(Change, &str); 7] = [
        (|row| row.window = 13, "sent window 13 instead"),
        (
            |row| row.by = ANN.into(),
            "it is for spiffe://waterworks/vendor/acme/bob",
        ),
        (
            |row| row.points.swap(0, 1),
            "the gateway calls its points ramp, speed_setpoint",
        ),
        (|row| row.points.truncate(1), "the gateway calls its points"),
        (
            |row| row.state = WindowState::Refused,
            "window 12 is refused",
        ),
        (|row| row.grant.truncate(100), "no grant to be signed"),
        (|row| row.grant.clear(), "no grant to be signed"),
    ];
    for (change, words) in changes {
        let mut row = good();
        change(&mut row);
        let wrong = office.judged(&row, |_| {}).unwrap_err().join("\n");
        assert!(wrong.contains(words), "{words}: {wrong}");
    }
    let elsewhere = |welcome: &mut Welcome| welcome.gateway = "gate-2".into();
    let wrong = office.judged(&good(), elsewhere).unwrap_err().join("\n");
    assert!(wrong.contains("connected to gate-2"), "{wrong}");
    // A byte anywhere: either it is refused, or what is shown says so.
    let shown = office.judged(&good(), |_| {}).unwrap();
    let bytes = good().grant.len();
    for at in 0..bytes {
        let mut row = good();
        row.grant[at] ^= 1;
        let same = office
            .judged(&row, |_| {})
            .is_ok_and(|other| other == shown);
        // The id says nothing to anybody, nor does whose the other keys are, nor a part of a
        // second.
        let id = 15 + 7..15 + 7 + 16;
        let other_key = row.grant.windows(32).all(|window| window != [0xA2; 32]);
        let starts = bytes - 13..bytes - 5;
        let part_of_a_second = starts.end - 2..starts.end;
        let means_nothing = id.contains(&at) || other_key || part_of_a_second.contains(&at);
        assert!(!same || means_nothing, "byte {at} was not noticed");
    }
}

fn approve(line: &[&str]) -> Approve {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        approve: Approve,
    }
    let words = ["interlock", "12"].iter().chain(line);
    <Line as clap::Parser>::parse_from(words).approve
}

#[tokio::test]
async fn the_body_that_was_shown_is_signed_and_sent_after_a_yes() {
    let office = Office::new();
    let scripted = Scripted::new();
    let profile = scripted.profile();
    let (gateway, side) = join!(
        Gateway::connect(&profile),
        scripted.welcome_to("waterworks")
    );
    let (mut gateway, mut side) = (gateway.unwrap(), side);
    let row = row_of(&office.draft_of_later(), WindowState::Pending);
    let body = row.grant[..row.grant.len() - 1].to_vec();
    let asked_for = approve(&["--comment", "go ahead"]);
    let approving = Approving {
        asked: &asked_for,
        profile: &profile,
        trusted: &office.trusted,
        key: &office.key,
        zone: &TimeZone::UTC,
    };
    let play = async {
        let (call, ask) = asked(&mut side).await;
        assert_eq!(ask, Ask::Window { window: 12 });
        answer(&mut side, call, vec![row.clone()]).await;
        let (call, ask) = asked(&mut side).await;
        let text = "approved".to_owned();
        let end = CallEnd::Done;
        side.tell(&ToClient::Reply { call, end, text }).await;
        ask
    };
    let (word, sent) = join!(approving.run(&mut gateway, 80, async || Ok(true)), play);
    assert_eq!(word.unwrap(), "approved");
    let golden = Ask::ApproveWindow {
        window: 12,
        key: office.key.public(),
        signature: office.key.sign(&body),
        comment: "go ahead".into(),
    };
    assert_eq!(sent, golden);
    // A no signs nothing: the next thing that the gateway hears is the goodbye.
    let play = async {
        let (call, _) = asked(&mut side).await;
        answer(&mut side, call, vec![row.clone()]).await;
    };
    let (word, ()) = join!(approving.run(&mut gateway, 80, async || Ok(false)), play);
    assert_eq!(word.unwrap_err().what(), "nothing was signed");
    let (heard, ()) = join!(side.heard(), gateway.goodbye());
    assert_eq!(heard, FromClient::Bye);
    drop(office.folder);
}

#[tokio::test]
async fn nobody_is_asked_about_a_grant_that_differs() {
    let office = Office::new();
    let scripted = Scripted::new();
    let profile = scripted.profile();
    let (gateway, side) = join!(
        Gateway::connect(&profile),
        scripted.welcome_to("waterworks")
    );
    let (mut gateway, mut side) = (gateway.unwrap(), side);
    let mut wide = office.draft_of_later();
    wide.points[0].raw_max = 60_000;
    let asked_for = approve(&["--yes"]);
    let approving = Approving {
        asked: &asked_for,
        profile: &profile,
        trusted: &office.trusted,
        key: &office.key,
        zone: &TimeZone::UTC,
    };
    let play = async {
        let (call, _) = asked(&mut side).await;
        answer(&mut side, call, vec![row_of(&wide, WindowState::Pending)]).await;
    };
    let ask = async || panic!("somebody was asked");
    let (word, ()) = join!(approving.run(&mut gateway, 80, ask), play);
    let failure = word.unwrap_err();
    assert_eq!(failure.kind(), Kind::Denied);
    assert!(failure.what().contains("0 to 1200 rpm"), "{failure}");
    // What was decided already is no difference, and nobody is suspected.
    let play = async {
        let (call, _) = asked(&mut side).await;
        let row = row_of(&office.draft_of_later(), WindowState::Refused);
        answer(&mut side, call, vec![row]).await;
    };
    let (word, ()) = join!(approving.run(&mut gateway, 80, ask), play);
    let failure = word.unwrap_err();
    assert_eq!(failure.kind(), Kind::Failed);
    assert!(
        failure.what().contains("is refused: there is nothing"),
        "{failure}"
    );
    let (heard, ()) = join!(side.heard(), gateway.goodbye());
    assert_eq!(heard, FromClient::Bye);
}
