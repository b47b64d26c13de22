use interlock_protocols::conduit::{FromWatcher, Opened, Opening, SeenCommand};
use tokio::join;

use super::*;
use crate::gateway::scripted::{self, Scripted};
use crate::point::tests::offer;

async fn watching(scripted: &Scripted) -> (Gateway, Watching, Peer) {
    let profile = scripted.profile();
    let (gateway, side) = join!(Gateway::connect(&profile), scripted.welcome(vec![offer()]));
    let gateway = gateway.unwrap();
    let opened = Opened::Watch { supervises: true };
    let (watching, (opening, send, recv)) =
        join!(gateway.watch(watched("mixer")), side.open(&opened));
    let device = Watched::Device("mixer".to_owned());
    assert_eq!(opening, Opening::Watch(device));
    (gateway, watching.unwrap(), Peer { side, send, recv })
}

/// The gateway's side of a watch.
struct Peer {
    side: scripted::Side,
    send: quinn::SendStream,
    recv: quinn::RecvStream,
}

impl Peer {
    async fn tell(&mut self, number: u64, seen: Seen) {
        scripted::write(&mut self.send, &ToWatcher { number, seen }).await;
    }

    async fn heard(&mut self) -> FromWatcher {
        scripted::read(&mut self.recv).await
    }
}

fn hold(number: u64) -> SeenHold {
    SeenHold {
        hold: number,
        session: 9,
        subject: "spiffe://test/vendor/acme/victor".into(),
        device: "mixer".into(),
        asked: "write ramp = 20 rpm/s".into(),
        points: Vec::new(),
        asked_times: 1,
        window: 7,
        until_ms: 0,
    }
}

fn desk(watching: Watching) -> Desk {
    let screen = Screen {
        json: false,
        zone: TimeZone::UTC,
    };
    Desk::new(watching, screen, false)
}

#[test]
fn digits_are_a_session_and_all_else_a_device() {
    assert_eq!(watched("12"), Watched::Session(12));
    assert_eq!(watched("press-4"), Watched::Device("press-4".into()));
    assert_eq!(watched("-4"), Watched::Device("-4".into()));
}

#[tokio::test]
async fn what_was_shown_is_said_to_be_seen_and_answers_name_their_hold() {
    let scripted = Scripted::new();
    let (mut gateway, watching, mut peer) = watching(&scripted).await;
    let (type_, lines) = mpsc::channel(4);
    let (interrupt, interrupted) = oneshot::channel();
    let play = async {
        peer.tell(1, Seen::Quiet).await;
        assert_eq!(peer.heard().await, FromWatcher::Seen { through: 1 });
        peer.tell(2, Seen::Held(hold(3))).await;
        peer.tell(3, Seen::Held(hold(4))).await;
        assert_eq!(peer.heard().await, FromWatcher::Seen { through: 2 });
        assert_eq!(peer.heard().await, FromWatcher::Seen { through: 3 });
        type_.send(Line::Text("y\n".into())).await.unwrap();
        let yes = FromWatcher::Answer { hold: 3, yes: true };
        assert_eq!(peer.heard().await, yes);
        type_.send(Line::Text("n 4\n".into())).await.unwrap();
        let no = FromWatcher::Answer {
            hold: 4,
            yes: false,
        };
        assert_eq!(peer.heard().await, no);
        interrupt.send(()).unwrap();
    };
    let mut desk = desk(watching);
    let (ended, ()) = join!(desk.attend(&mut gateway, lines, interrupted), play);
    assert_eq!(ended, Ok(()));
    drop(peer.side);
}

#[tokio::test]
async fn why_it_is_over_is_told_and_an_end_without_a_word_is_a_failure() {
    for word in [true, false] {
        let scripted = Scripted::new();
        let (mut gateway, watching, mut peer) = watching(&scripted).await;
        let (_type, lines) = mpsc::channel(1);
        let (_interrupt, interrupted) = oneshot::channel();
        let play = async {
            if word {
                let (what, next) = ("a rule forbids it".to_owned(), "ask".to_owned());
                peer.tell(1, Seen::Ended { what, next }).await;
            }
            peer.send.finish().unwrap();
        };
        let mut desk = desk(watching);
        let (ended, ()) = join!(desk.attend(&mut gateway, lines, interrupted), play);
        let failure = ended.unwrap_err();
        assert!(failure.what().contains("you watch no longer"), "{failure}");
        let kind = if word {
            Kind::Denied
        } else {
            Kind::Unreachable
        };
        assert_eq!(failure.kind(), kind);
        drop(peer.side);
    }
}

#[test]
fn programs_get_a_json_object_a_line() {
    let command = Seen::Command(SeenCommand {
        time_ms: 1_700_000_000_000,
        session: 12,
        subject: "spiffe://test/person/olga".into(),
        device: "mixer".into(),
        asked: "write ramp = 20 rpm/s".into(),
        decision: "allowed".into(),
        result: "done".into(),
        rules: vec!["staff.cedar/operators-write".into()],
        latency_us: Some(3_240),
        window: None,
        record: Some(42),
    });
    let golden = concat!(
        r#"{"kind":"command","time":"2023-11-14T22:13:20.000Z","session":12,"#,
        r#""subject":"spiffe://test/person/olga","device":"mixer","asked":"write ramp = 20 rpm/s","#,
        r#""decision":"allowed","result":"done","rules":["staff.cedar/operators-write"],"#,
        r#""latency_us":3240,"window":null,"record":42}"#,
        "\n"
    );
    assert_eq!(screen::line(&WatchRow::of(&command)).unwrap(), golden);
    let held = screen::line(&WatchRow::of(&Seen::Held(hold(3)))).unwrap();
    assert!(
        held.starts_with(r#"{"kind":"held","hold":3,"session":9,"#),
        "{held}"
    );
}
