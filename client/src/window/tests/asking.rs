//! Asking, listing, and seeing where a window stands.

use clap::Parser as _;
use interlock_protocols::conduit::{WindowLimit, WindowRequest, WindowStep};
use jiff::tz::TimeZone;
use tokio::join;
use tokio::sync::oneshot;

use super::*;
use crate::screen::{Format, Row as _, render};
use crate::window::list::Listing;
use crate::window::row::WindowShown;
use crate::window::times::{Length, Times, When};

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(flatten)]
    command: WindowCommand,
}

pub(super) fn parsed(line: &str) -> Result<Act, clap::Error> {
    let words = ["interlock"].into_iter().chain(line.split(' '));
    Line::try_parse_from(words).map(|line| line.command.act)
}

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

fn two_hours() -> Times {
    let when = When {
        from: "2026-11-22 14:30",
        length: Length::For("2h"),
        weekly: 1,
    };
    when.resolve(START_MS - 86_400_000, &berlin()).unwrap()
}

fn request(line: &str, offer: Option<&DeviceOffer>) -> Result<WindowRequest, Failure> {
    let Act::Request(asked) =
        parsed(&format!("request --from now --reason WO-1234 {line}")).unwrap()
    else {
        panic!("another act");
    };
    let functions = asked.functions();
    let limits = asked.limits();
    asked.request(offer, functions?, limits?, &two_hours())
}

#[test]
fn a_request_says_all_that_was_asked_for_and_what_fits_the_points() {
    let press = press();
    let line = "--device press-4 --points speed_setpoint,ramp --for 2h --max-writes 20 \
                --limit speed_setpoint=0..800 --waits 3d --hold";
    let all = request(line, Some(&press)).unwrap();
    let golden = WindowRequest {
        device: "press-4".into(),
        points: vec!["speed_setpoint".into(), "ramp".into()],
        functions: vec![6],
        spans: two_hours().spans(),
        max_writes: 20,
        limits: vec![WindowLimit {
            point: "speed_setpoint".into(),
            min: 0.0,
            max: 800.0,
        }],
        reason: "WO-1234".into(),
        waits_s: 3 * 86_400,
        extends: None,
        supervised: false,
        hold: true,
    };
    assert_eq!(all, golden);
    assert_eq!(golden.spans[0].start_ms, START_MS.cast_unsigned());
    let reading = "--device press-4 --points operating_hours --for 2h";
    let reading = request(reading, Some(&press)).unwrap();
    assert_eq!((reading.functions, reading.max_writes), (Vec::new(), 0));
    let none = "--device press-4 --points ramp --for 2h --max-writes 0";
    assert!(request(none, Some(&press)).unwrap().functions.is_empty());
}

#[test]
fn what_is_misspelt_or_left_open_is_said_before_anything_is_sent() {
    let press = press();
    for (line, words) in [
        (
            "--points sped_setpoint --max-writes 1",
            "did you mean `speed_setpoint`?",
        ),
        ("--points ramp", "--max-writes"),
        (
            "--points ramp --max-writes 1 --limit speed_setpoint=0..1",
            "not among the points",
        ),
        ("--points ramp --max-writes 1 --limit ramp", "no limit"),
        (
            "--points ramp --max-writes 1 --functions write-coil",
            "writes none of these points",
        ),
        (
            "--points ramp --max-writes 1 --functions fly",
            "no function",
        ),
    ] {
        let line = format!("--device press-4 --for 2h {line}");
        let failure = request(&line, Some(&press)).unwrap_err();
        assert_eq!(failure.kind(), Kind::Usage);
        assert!(failure.to_string().contains(words), "{line}: {failure}");
    }
    // Without an offer the gateway is asked all the same; only nothing is made up for it.
    let line = "--device press-4 --points any --for 2h --max-writes 3";
    assert!(
        request(line, None)
            .unwrap_err()
            .next()
            .contains("--functions")
    );
    let line = format!("{line} --functions write-register");
    assert_eq!(request(&line, None).unwrap().points, ["any"]);
    for line in [
        "request --device a --points b --reason c --from now",
        "request --device a --points b --reason c --from now --for 2h --until 12:00",
        "request --device a --points b --from now --for 2h",
        "request --device a --points b --reason c --for 2h",
        "refuse 12",
    ] {
        assert!(parsed(line).is_err(), "{line}");
    }
}

#[test]
fn what_is_asked_for_is_told_with_its_offset_before_it_is_sent() {
    let press = press();
    let line = "--device press-4 --points speed_setpoint --for 2h --max-writes 20 \
                --limit speed_setpoint=0..800";
    let request = request(line, Some(&press)).unwrap();
    let words = crate::window::request::words(&request, &two_hours(), &berlin());
    assert_eq!(
        words,
        [
            "asking for press-4: speed_setpoint",
            "  write-register, at most 20 writes",
            "  speed_setpoint from 0 to 800",
            "  in the time of Europe/Berlin:",
            "  Sun 2026-11-22 14:30 +01:00 to 16:30 +01:00 (2 h 0 min)",
        ]
    );
}

#[test]
fn an_extension_asks_for_the_same_points_functions_and_ranges_once_more() {
    let Act::Extend(asked) = parsed("extend 12 --for 2h --from 2099-01-01T10:00:00Z").unwrap()
    else {
        panic!("another act");
    };
    let mut old = draft();
    old.supervised = true;
    let old = row_of(&old, WindowState::Open);
    let offers = [press()];
    let (request, _) = asked.request(&old, &offers, Vec::new(), &berlin()).unwrap();
    assert_eq!(request.extends, Some(12));
    assert_eq!(request.points, ["speed_setpoint", "ramp"]);
    assert_eq!(request.functions, [6]);
    assert_eq!((request.max_writes, request.supervised), (20, true));
    assert_eq!(request.reason, "WO-1234");
    let limit = |point: &str, min, max| WindowLimit {
        point: point.into(),
        min,
        max,
    };
    let same = [
        limit("speed_setpoint", 0.0, 800.0),
        limit("ramp", 5.0, 100.0),
    ];
    assert_eq!(request.limits, same);
    let narrower = vec![limit("ramp", 5.0, 50.0)];
    let (request, _) = asked.request(&old, &offers, narrower, &berlin()).unwrap();
    assert_eq!(
        request.limits,
        [
            limit("speed_setpoint", 0.0, 800.0),
            limit("ramp", 5.0, 50.0)
        ]
    );
    // Where the point moved since, no range is carried over to another register.
    let mut moved = press();
    moved.points[0].first = 7;
    assert!(
        asked
            .request(&old, &[moved], Vec::new(), &berlin())
            .is_err()
    );
}

#[tokio::test]
async fn whoever_waits_learns_of_each_step_and_of_the_decision() {
    let scripted = Scripted::new();
    let (mut gateway, mut side) = connected(&scripted).await;
    let refused = WindowRow {
        refusal: "not this week".into(),
        ..row(WindowState::Refused)
    };
    let play = async {
        // One step without a decision, an announcement, and one with it.
        side.tell(&ToClient::Announcement {
            text: "break-glass was opened at press-4".into(),
        })
        .await;
        for (text, row) in [
            (
                "ann approved; one more is needed",
                row(WindowState::Pending),
            ),
            ("max refused it", refused),
        ] {
            let (window, text) = (12, text.to_owned());
            side.tell(&ToClient::Window(WindowStep { window, text }))
                .await;
            let (call, ask) = asked(&mut side).await;
            assert_eq!(ask, Ask::Window { window: 12 });
            answer(&mut side, call, vec![row]).await;
        }
    };
    let waiting = wait::decided(&mut gateway, row(WindowState::Pending));
    let (decided, ()) = join!(waiting, play);
    let failure = wait::outcome(&decided.unwrap()).unwrap_err();
    assert_eq!(failure.kind(), Kind::Denied);
    assert!(failure.what().contains("not this week"), "{failure}");
}

#[tokio::test]
async fn a_session_that_is_lost_loses_no_request() {
    let scripted = Scripted::new();
    let (mut gateway, mut side) = connected(&scripted).await;
    side.tell(&ToClient::Ending {
        reason: "the gateway stops".into(),
    })
    .await;
    let waiting = wait::decided(&mut gateway, row(WindowState::Pending));
    let lost = waiting.await.unwrap_err();
    assert_eq!(lost.kind(), Kind::Unreachable);
    assert!(lost.next().contains("window show 12"), "{lost}");
}

/// What was printed so far, as a listing hands it out.
fn sink(text: &mut String) -> impl FnMut(&str) -> Result<bool, Failure> {
    |more| {
        text.push_str(more);
        Ok(true)
    }
}

#[tokio::test]
async fn a_list_that_goes_on_shows_what_changed_and_what_left_it() {
    let scripted = Scripted::new();
    let (mut gateway, mut side) = connected(&scripted).await;
    let (end, interrupted) = oneshot::channel();
    let other = WindowRow {
        window: 14,
        ..row(WindowState::Pending)
    };
    let mut text = String::new();
    let mut out = sink(&mut text);
    let mut listing = Listing::new(Format::Jsonl, true);
    let play = async {
        let (call, ask) = asked(&mut side).await;
        assert_eq!(ask, Ask::Windows { pending: true });
        answer(
            &mut side,
            call,
            vec![row(WindowState::Pending), other.clone()],
        )
        .await;
        let (window, step) = (12, "ann approved".to_owned());
        side.tell(&ToClient::Window(WindowStep { window, text: step }))
            .await;
        let (call, _) = asked(&mut side).await;
        answer(&mut side, call, vec![other]).await;
        let (call, ask) = asked(&mut side).await;
        assert_eq!(ask, Ask::Window { window: 12 });
        answer(&mut side, call, vec![row(WindowState::Approved)]).await;
        end.send(()).unwrap();
    };
    let (listed, ()) = join!(
        listing.follow(&mut gateway, true, interrupted, &mut out),
        play
    );
    listed.unwrap();
    drop(out);
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line["window"].clone(), line["state"].clone()))
        .collect();
    let wanted = [(12, "pending"), (14, "pending"), (12, "approved")];
    assert_eq!(
        told,
        wanted.map(|(window, state)| (window.into(), state.into()))
    );
}

#[test]
fn the_list_fits_a_screen_and_says_what_it_hangs_on() {
    let mut weekly = draft();
    weekly.supervised = true;
    weekly.spans = (0..3)
        .map(|week| Span {
            start_ms: START_MS.cast_unsigned() + week * 7 * 86_400_000,
            length_s: 7_200,
        })
        .collect();
    let open = WindowRow {
        window: 14,
        approvals: vec![approval("")],
        used: 3,
        extends: Some(12),
        ..row_of(&weekly, WindowState::Open)
    };
    let refused = WindowRow {
        window: 15,
        refusal: "no\nwindow 16 approved".into(),
        reason: "=1+1".into(),
        ..row(WindowState::Refused)
    };
    let rows = [row(WindowState::Pending), open, refused]
        .map(|row| WindowShown::of(&row, START_MS, &TimeZone::UTC));
    let golden = "\
NUMBER  STATE    WHO              WHEN              WHAT
12      pending  vendor/acme/bob  2026-11-22 13:30  speed_setpoint, ramp
        0 of 1   press-4          to 15:30          write-register, at most 20
                                                    \"WO-1234\"
14      open     vendor/acme/bob  2026-11-22 13:30  speed_setpoint, ramp
        3 of 20  press-4          to 15:30          write-register, at most
                                  3 times in all    20, supervised
                                                    extends 12
                                                    \"WO-1234\"
15      refused  vendor/acme/bob  2026-11-22 13:30  speed_setpoint, ramp
                 press-4          to 15:30          write-register, at most 20
                                                    \"=1+1\"
                                                    refused: \"no\u{fffd}window 16
                                                    approved\"
";
    let text = render(Format::Table, &rows, Some(80)).unwrap();
    assert_eq!(text, golden, "{text}");
    let csv = render(Format::Csv, &rows, None).unwrap();
    assert!(csv.contains(",'=1+1,no window 16 approved,"), "{csv}");
    assert_eq!(rows[0].fields().len(), WindowShown::FIELDS.len());
}
