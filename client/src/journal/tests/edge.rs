//! The log as an edge sends it, played by a script.

use interlock_protocols::conduit::{JournalQuery, Message as _, Opened, Opening, Told};
use quinn::SendStream;
use tokio::join;
use tokio::sync::oneshot;

use super::super::show::Show;
use super::folder::Paper;
use super::*;
use crate::gateway::Gateway;
use crate::gateway::scripted::{Scripted, Side};
use crate::point::tests::offer;

async fn connected(scripted: &Scripted) -> (Gateway, Side) {
    let profile = scripted.profile();
    let (gateway, side) = join!(Gateway::connect(&profile), scripted.welcome(vec![offer()]));
    (gateway.unwrap(), side)
}

async fn asked(side: &Side) -> (JournalQuery, SendStream) {
    let (opening, send, _) = side.open(&Opened::Journal).await;
    let Opening::ReadJournal(query) = opening else {
        panic!("{opening:?}");
    };
    (query, send)
}

async fn tell(send: &mut SendStream, told: Told) {
    send.write_all(&told.to_frame().unwrap()).await.unwrap();
}

#[tokio::test]
async fn the_edge_is_asked_by_filter_order_and_limit() {
    let scripted = Scripted::new();
    let (gateway, side) = connected(&scripted).await;
    let records = records();
    let show = Show {
        device: Some("mixer".into()),
        function: Some("write-single-register".into()),
        since: Some("1h".into()),
        limit: Some(2),
        ..Show::default()
    };
    let paper = Paper::default();
    let mut listing = show.listing(Format::Jsonl, START_MS, paper.out()).unwrap();
    let play = async {
        let (query, mut send) = asked(&side).await;
        let expected = JournalQuery {
            from: 1,
            device: Some("mixer".into()),
            function: Some(6),
            since_ms: Some(START_MS - 3_600_000),
            newest_first: true,
            // One more, to know whether there is one.
            limit: Some(3),
            ..JournalQuery::default()
        };
        assert_eq!(query, expected);
        tell(&mut send, Told::Session(records[2].encode())).await;
        tell(&mut send, Told::Match(records[13].encode())).await;
        tell(&mut send, Told::Outcome(records[11].encode())).await;
        tell(&mut send, Told::Match(records[10].encode())).await;
        tell(&mut send, Told::Match(records[7].encode())).await;
        send.finish().unwrap();
    };
    let (shown, ()) = join!(listing.once(&gateway), play);
    shown.unwrap();
    assert_eq!(listing.end(), Ok(true), "there are more");
    assert_eq!(paper.sequences(), [14, 11]);
    let text = paper.text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("\"peer\":\"127.0.0.1:5\""), "{text}");
    assert!(lines[1].contains("OUTCOME UNKNOWN"), "{text}");
}

#[tokio::test]
async fn the_edge_is_followed_from_the_last_that_was_shown() {
    let scripted = Scripted::new();
    let (mut gateway, side) = connected(&scripted).await;
    let records = records();
    let show = Show {
        follow: true,
        device: Some("mixer".into()),
        limit: Some(1),
        ..Show::default()
    };
    let paper = Paper::default();
    let mut listing = show.listing(Format::Jsonl, START_MS, paper.out()).unwrap();
    let (press, pressed) = oneshot::channel();
    let play = async {
        let (query, mut send) = asked(&side).await;
        assert!(query.newest_first && !query.follow);
        tell(&mut send, Told::Match(records[4].encode())).await;
        let (query, mut send) = asked(&side).await;
        assert_eq!((query.newest_first, query.follow), (false, true));
        assert_eq!((query.from, query.limit), (6, None));
        // The end of what was shown open, then a command with its own.
        tell(&mut send, Told::Outcome(records[5].encode())).await;
        tell(&mut send, Told::Match(records[7].encode())).await;
        tell(&mut send, Told::Match(records[10].encode())).await;
        tell(&mut send, Told::Outcome(records[11].encode())).await;
        while paper.sequences().len() < 4 {
            tokio::task::yield_now().await;
        }
        press.send(()).unwrap();
        send
    };
    let (ended, _send) = join!(listing.follow_edge(&mut gateway, || pressed), play);
    ended.unwrap();
    assert_eq!(paper.sequences(), [5, 6, 8, 11]);
}

#[tokio::test]
async fn an_edge_that_ends_the_stream_is_no_end_of_the_journal() {
    let scripted = Scripted::new();
    let (mut gateway, side) = connected(&scripted).await;
    let show = Show {
        follow: true,
        from: 3,
        ..Show::default()
    };
    let paper = Paper::default();
    let mut listing = show.listing(Format::Jsonl, START_MS, paper.out()).unwrap();
    let (_press, pressed) = oneshot::channel();
    let play = async {
        let (query, mut send) = asked(&side).await;
        assert_eq!((query.from, query.follow), (3, true));
        send.finish().unwrap();
    };
    let (ended, ()) = join!(listing.follow_edge(&mut gateway, || pressed), play);
    assert_eq!(ended.unwrap_err().kind(), Kind::Unreachable);
}
