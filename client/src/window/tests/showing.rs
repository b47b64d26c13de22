//! One window on a screen, with the values of now.

use interlock_protocols::conduit::{Opened, Opening};
use jiff::tz::TimeZone;
use tokio::join;

use super::asking::parsed;
use super::*;
use crate::window::show::{self, Whole};

#[test]
fn a_window_is_shown_with_its_ranges_on_those_of_its_points() {
    let shown = WindowRow {
        approvals: vec![approval("go ahead")],
        ..row(WindowState::Approved)
    };
    let whole = Whole::of(shown, &[press()], START_MS);
    let words = whole.words(&TimeZone::UTC, 80).join("\n");
    let golden = "\
window 12: approved
  asked by    vendor/acme/bob on 2026-11-21 13:30
  what for    \"WO-1234\"
  device      press-4
  machine     b0b0b0b0b0b0b0b0
  open        Sun 2026-11-22 13:30 +00:00 to 15:30 +00:00
  may         read, write-register
  writes      0 of 20 used
  needs       1 of 2 approvers
  approved by person/ann on 2026-11-22 12:30: \"go ahead\"

speed_setpoint  0 |[======================]------------| 1200 rpm   asked 0..800
ramp            5 |[==================================]| 100 rpm/s  asked 5..100";
    assert_eq!(words, golden, "{words}");
    // Without the device nobody says what the registers mean, and no unit is made up.
    let bare = Whole::of(row(WindowState::Pending), &[], START_MS).words(&TimeZone::UTC, 80);
    let last = bare.last().unwrap();
    assert_eq!(
        last,
        "ramp            asked 5..100 raw (holding 101 (40102))"
    );
}

#[tokio::test]
async fn the_values_of_now_are_read_over_a_conversation_that_writes_nothing() {
    let scripted = Scripted::new();
    let (mut gateway, mut side) = connected(&scripted).await;
    let Act::Show(asked_for) = parsed("show 12").unwrap() else {
        panic!("another act");
    };
    let play = async {
        let (call, _) = asked(&mut side).await;
        answer(&mut side, call, vec![row(WindowState::Pending)]).await;
        let opened = Opened::Conversation { conversation: 5 };
        let (opening, mut send, mut recv) = side.open(&opened).await;
        let wanted = Opening::Conversation {
            device: "press-4".into(),
            arm_writes: false,
        };
        assert_eq!(opening, wanted);
        for value in [4_200_u16, 50] {
            let mut request = [0; 12];
            recv.read_exact(&mut request).await.unwrap();
            assert_eq!(request[7], 3, "it reads");
            let [high, low] = value.to_be_bytes();
            let reply = [
                request[0], request[1], 0, 0, 0, 5, request[6], 3, 2, high, low,
            ];
            send.write_all(&reply).await.unwrap();
        }
        (send, recv)
    };
    let (whole, _streams) = join!(show::look(&asked_for, &mut gateway), play);
    let words = whole.unwrap().words(&TimeZone::UTC, 80).join("\n");
    assert!(words.contains("asked 0..800  now 420"), "{words}");
    assert!(words.contains("asked 5..100  now 50"), "{words}");
}

#[tokio::test]
async fn what_may_not_be_read_is_said_and_the_window_is_shown_all_the_same() {
    let scripted = Scripted::new();
    let (mut gateway, mut side) = connected(&scripted).await;
    let Act::Show(asked_for) = parsed("show 12").unwrap() else {
        panic!("another act");
    };
    let play = async {
        let (call, _) = asked(&mut side).await;
        answer(&mut side, call, vec![row(WindowState::Pending)]).await;
        let refused = Opened::Refused {
            code: Some(1),
            reason: "no rule permits it".into(),
            next: String::new(),
        };
        side.open(&refused).await
    };
    let (whole, _streams) = join!(show::look(&asked_for, &mut gateway), play);
    let words = whole.unwrap().words(&TimeZone::UTC, 80).join("\n");
    assert!(words.contains("asked 0..800"), "{words}");
    assert!(words.contains("not all could be read: "), "{words}");
}
