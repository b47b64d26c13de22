//! A tool, the carrier between, and a scripted gateway: real sockets on both sides.

use interlock_protocols::conduit::Opened;
use quinn::{RecvStream, SendStream, VarInt};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::join;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::carry::{End, carry};
use crate::gateway::Gateway;
use crate::gateway::scripted::{Scripted, Side};
use crate::point::tests::offer;

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

#[tokio::test]
async fn the_last_answer_arrives_though_the_tool_goes_on_asking() {
    let mut carried = carried().await;
    carried.tool.write_all(b"bad").await.unwrap();
    let mut asked = [0; 3];
    carried.recv.read_exact(&mut asked).await.unwrap();
    carried.send.write_all(b"last").await.unwrap();
    carried.send.finish().unwrap();
    // Unread input at the close would reset the connection and could take the answer back.
    carried.tool.write_all(b"more").await.unwrap();
    let mut answer = Vec::new();
    carried.tool.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"last");
    drop(carried.tool);
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
