//! A tool, the carrier between, and a scripted gateway: real sockets on both sides.

use interlock_protocols::conduit::{DeviceOffer, Opened, Opening};
use quinn::{RecvStream, SendStream, VarInt};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::join;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::carry::{End, carry};
use super::{Connect, run};
use crate::Setting;
use crate::failure::Kind;
use crate::gateway::Gateway;
use crate::gateway::scripted::{Scripted, Side};
use crate::point::tests::offer;
use crate::screen::Format;

/// Everything between a tool and the gateway's end of its conversation.
struct Carried {
    tool: TcpStream,
    end: JoinHandle<End>,
    send: SendStream,
    recv: RecvStream,
    // Kept, since the session ends with either of them.
    _session: (Gateway, Side, Scripted),
}

async fn carried() -> Carried {
    let scripted = Scripted::new();
    let profile = scripted.profile();
    let (gateway, side) = join!(Gateway::connect(&profile), scripted.welcome(vec![offer()]));
    let gateway = gateway.unwrap();
    let answer = Opened::Conversation { conversation: 5 };
    let (stream, (_, send, recv)) = join!(gateway.converse("mixer", false), side.open(&answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (tool, accepted) = join!(TcpStream::connect(at), listener.accept());
    let end = tokio::spawn(carry(accepted.unwrap().0, stream.unwrap()));
    Carried {
        tool: tool.unwrap(),
        end,
        send,
        recv,
        _session: (gateway, side, scripted),
    }
}

#[tokio::test]
async fn bytes_go_both_ways_as_they_are() {
    let mut carried = carried().await;
    // Not Modbus at all: the carrier reads nothing into it.
    let request: Vec<u8> = (0..100_000_u32).map(|n| n.to_be_bytes()[3]).collect();
    let mut got = vec![0; request.len()];
    let (written, read) = join!(
        carried.tool.write_all(&request),
        carried.recv.read_exact(&mut got)
    );
    written.unwrap();
    read.unwrap();
    assert_eq!(got, request);
    let mut back = vec![0; request.len()];
    let (written, read) = join!(
        carried.send.write_all(&request),
        carried.tool.read_exact(&mut back)
    );
    written.unwrap();
    read.unwrap();
    assert_eq!(back, request);
}

#[tokio::test]
async fn a_tool_that_asks_no_more_still_gets_its_answers() {
    let mut carried = carried().await;
    carried.tool.write_all(b"ask").await.unwrap();
    carried.tool.shutdown().await.unwrap();
    // The half-close arrives as the end of the stream, and only then comes the answer.
    let asked = carried.recv.read_to_end(100).await.unwrap();
    assert_eq!(asked, b"ask");
    carried.send.write_all(b"answer").await.unwrap();
    carried.send.finish().unwrap();
    let mut answer = Vec::new();
    carried.tool.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"answer");
    assert_eq!(carried.end.await.unwrap(), End::Finished);
}

/// Unread input at the close would reset the connection, and could take the answer back.
#[tokio::test]
async fn the_last_answer_arrives_though_the_tool_goes_on_asking() {
    let mut carried = carried().await;
    let (mut from_gateway, mut to_gateway) = carried.tool.into_split();
    let flood =
        tokio::spawn(async move { while to_gateway.write_all(&[0; 4_096]).await.is_ok() {} });
    let mut asked = vec![0; 1_000_000];
    carried.recv.read_exact(&mut asked).await.unwrap();
    carried.send.write_all(b"last").await.unwrap();
    carried.send.finish().unwrap();
    let mut answer = Vec::new();
    from_gateway.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"last");
    flood.abort();
    assert_eq!(carried.end.await.unwrap(), End::Finished);
}

#[tokio::test]
async fn a_stream_that_is_reset_resets_the_tool() {
    let mut carried = carried().await;
    carried.send.reset(VarInt::from_u32(9)).unwrap();
    let error = carried.tool.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(carried.end.await.unwrap(), End::EdgeGone);
}

#[tokio::test]
async fn an_edge_that_reads_no_more_ends_a_silent_conversation() {
    let mut carried = carried().await;
    carried.recv.stop(VarInt::from_u32(9)).unwrap();
    let error = carried.tool.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(carried.end.await.unwrap(), End::EdgeGone);
}

#[tokio::test]
async fn a_lost_connection_resets_the_tool() {
    let mut carried = carried().await;
    let (_, side, _) = &carried._session;
    side.connection.close(VarInt::from_u32(0), b"");
    let error = carried.tool.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(carried.end.await.unwrap(), End::EdgeGone);
}

#[tokio::test]
async fn a_tool_that_breaks_off_resets_the_stream() {
    let mut carried = carried().await;
    carried.tool.set_zero_linger().unwrap();
    drop(carried.tool);
    let error = carried.recv.read_to_end(100).await.unwrap_err();
    assert!(
        matches!(
            error,
            quinn::ReadToEndError::Read(quinn::ReadError::Reset(_))
        ),
        "{error:?}"
    );
    assert_eq!(carried.end.await.unwrap(), End::ToolGone);
}

/// A free port: whoever takes it in the meantime makes the test fail and not lie.
async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

fn connect(once: bool) -> Connect {
    Connect {
        write: vec!["mixer".into()],
        device: Vec::new(),
        sole: false,
        once,
    }
}

fn setting(scripted: &Scripted) -> Setting {
    Setting {
        pin_file: None,
        profile: Some(scripted.folder().to_owned()),
        format: Format::Jsonl,
    }
}

/// The address is listened on only after the offers were read; until then a tool is refused.
async fn tool_at(port: u16) -> TcpStream {
    loop {
        if let Ok(tool) = TcpStream::connect(("127.0.0.1", port)).await {
            return tool;
        }
        tokio::task::yield_now().await;
    }
}

/// One tool, one round trip, through the whole command.
async fn round_trip(side: &Side, port: u16) {
    let answer = Opened::Conversation { conversation: 5 };
    let (mut tool, (opening, mut send, mut recv)) = join!(tool_at(port), side.open(&answer));
    let expected = Opening::Conversation {
        device: "mixer".into(),
        arm_writes: true,
    };
    assert_eq!(opening, expected);
    tool.write_all(b"ask").await.unwrap();
    let mut asked = [0; 3];
    recv.read_exact(&mut asked).await.unwrap();
    send.write_all(b"yes").await.unwrap();
    let mut answer = [0; 3];
    tool.read_exact(&mut answer).await.unwrap();
    assert_eq!((&asked, &answer), (b"ask", b"yes"));
}

#[tokio::test]
async fn the_command_serves_tools_and_with_once_ends_with_the_gateway() {
    let scripted = Scripted::new();
    let port = free_port().await;
    let device = DeviceOffer {
        local_address: format!("127.0.0.1:{port}"),
        ..offer()
    };
    let (asked, setting) = (connect(true), setting(&scripted));
    let play = async {
        let side = scripted.welcome(vec![device]).await;
        round_trip(&side, port).await;
        side.connection.close(VarInt::from_u32(0), b"");
        side
    };
    let (ended, _side) = join!(run(&asked, &setting), play);
    assert_eq!(ended.unwrap_err().kind(), Kind::Unreachable);
}

#[tokio::test]
async fn a_lost_gateway_turns_tools_away_until_it_is_back() {
    let scripted = Scripted::new();
    let port = free_port().await;
    let device = DeviceOffer {
        local_address: format!("127.0.0.1:{port}"),
        ..offer()
    };
    let (asked, setting) = (connect(false), setting(&scripted));
    let play = async {
        let side = scripted.welcome(vec![device.clone()]).await;
        round_trip(&side, port).await;
        let mut stays = {
            let answer = Opened::Conversation { conversation: 6 };
            let (tool, _streams) = join!(tool_at(port), side.open(&answer));
            tool
        };
        side.connection.close(VarInt::from_u32(0), b"");
        // The conversation that was open is broken off: by then the loss is known.
        assert!(!matches!(stays.read(&mut [0; 1]).await, Ok(1)));
        let mut away = tool_at(port).await;
        assert!(!matches!(away.read(&mut [0; 1]).await, Ok(1)));
        let side = scripted.welcome(vec![device]).await;
        round_trip_when_back(&side, port).await;
    };
    tokio::select! {
        ended = run(&asked, &setting) => panic!("{ended:?}"),
        () = play => {}
    }
}

/// Between the offers and the command knowing of them a tool may still be turned away.
async fn round_trip_when_back(side: &Side, port: u16) {
    let answer = Opened::Conversation { conversation: 7 };
    let mut opened = std::pin::pin!(side.open(&answer));
    loop {
        let mut tool = tool_at(port).await;
        let mut byte = [0; 1];
        tokio::select! {
            _ = &mut opened => return,
            read = tool.read(&mut byte) => assert!(!matches!(read, Ok(1))),
        }
    }
}

#[tokio::test]
async fn a_certificate_that_has_ended_ends_the_command() {
    let scripted = Scripted::new();
    let device = DeviceOffer {
        local_address: "127.0.0.1:0".into(),
        ..offer()
    };
    let (asked, setting) = (connect(false), setting(&scripted));
    let (ended, _side) = join!(
        run(&asked, &setting),
        scripted.welcome_until(1, vec![device])
    );
    assert_eq!(ended.unwrap_err().kind(), Kind::NotAuthenticated);
}
