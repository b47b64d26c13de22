//! Streams of a capture through the codec, request by request and reply by reply.

use crate::pcap::{Segment, Stream};
use interlock_protocols::modbus::tcp::Framer;
use interlock_protocols::modbus::{Reply, Request};
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddrV4;

const MODBUS_PORT: u16 = 502;

/// What came of a capture.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) requests: usize,
    pub(crate) replies: usize,
    /// Requests that the codec refuses, and why.
    pub(crate) refused: Vec<String>,
    /// Streams that stop being Modbus, and where.
    pub(crate) framing: Vec<String>,
    /// Replies that do not answer the request of their transaction.
    pub(crate) mismatched: Vec<String>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests, {} refused, {} replies to them, {} mismatched, {} pieces that are not Modbus",
            self.requests,
            self.refused.len(),
            self.replies,
            self.mismatched.len(),
            self.framing.len()
        )
    }
}

/// An ADU, where it ended, and the packet that ended it.
struct Cut {
    packet: usize,
    transaction: u16,
    unit: u8,
    pdu: Vec<u8>,
}

/// Both ends of a connection with a transaction id and a unit.
type Asked = (SocketAddrV4, SocketAddrV4, u16, u8);

/// Replays every stream to or from the Modbus port.
pub(crate) fn replay(streams: &[Stream]) -> Tally {
    let mut tally = Tally::default();
    let mut asked: HashMap<Asked, Vec<(usize, Vec<u8>)>> = HashMap::new();
    for stream in streams
        .iter()
        .filter(|stream| stream.to.port() == MODBUS_PORT)
    {
        for cut in cut(stream, &mut tally) {
            if request(&cut, &mut tally) {
                let key = (stream.from, stream.to, cut.transaction, cut.unit);
                asked.entry(key).or_default().push((cut.packet, cut.pdu));
            }
        }
    }
    for stream in streams
        .iter()
        .filter(|stream| stream.from.port() == MODBUS_PORT)
    {
        for cut in cut(stream, &mut tally) {
            // Ids are used again and again: the request is the last one before this reply.
            let key = (stream.to, stream.from, cut.transaction, cut.unit);
            let before = asked.get(&key).map_or(&[][..], Vec::as_slice);
            let Some((_, pdu)) = before.iter().rfind(|(packet, _)| *packet < cut.packet) else {
                continue;
            };
            reply(pdu, &cut, &mut tally);
        }
    }
    tally
}

/// Cuts a direction as the edge would: by its packets, in bounded memory.
fn cut(stream: &Stream, tally: &mut Tally) -> Vec<Cut> {
    let mut cuts = Vec::new();
    for piece in &stream.pieces {
        if let Err(why) = cut_piece(piece, &mut cuts) {
            tally
                .framing
                .push(format!("{} to {}: {why}", stream.from, stream.to));
        }
    }
    cuts
}

fn cut_piece(piece: &[Segment], cuts: &mut Vec<Cut>) -> Result<(), String> {
    let mut framer = Framer::new();
    for segment in piece {
        let mut left = &segment.bytes[..];
        while !left.is_empty() {
            let spare = framer.spare();
            let taken = spare.len().min(left.len());
            assert!(
                taken > 0,
                "the framer has room whenever it has no whole ADU"
            );
            spare[..taken].copy_from_slice(&left[..taken]);
            framer.filled(taken);
            left = &left[taken..];
            while let Some(adu) = framer
                .next_adu()
                .map_err(|why| format!("packet {}: {why}", segment.packet))?
            {
                cuts.push(Cut {
                    packet: segment.packet,
                    transaction: adu.transaction.value(),
                    unit: adu.unit.value(),
                    pdu: adu.pdu.to_vec(),
                });
            }
        }
    }
    Ok(())
}

/// Whether the codec takes it; then its encoding is the very bytes that came.
fn request(cut: &Cut, tally: &mut Tally) -> bool {
    match Request::decode(&cut.pdu) {
        Ok(request) => {
            assert_eq!(
                request.encode().as_bytes(),
                cut.pdu,
                "packet {}: {request:?}",
                cut.packet
            );
            tally.requests += 1;
            true
        }
        Err(why) => {
            tally
                .refused
                .push(format!("packet {}: {:02x?}: {why}", cut.packet, cut.pdu));
            false
        }
    }
}

fn reply(request: &[u8], cut: &Cut, tally: &mut Tally) {
    let request = Request::decode(request).expect("it was taken before");
    match Reply::decode(&request, &cut.pdu) {
        Ok(reply) => {
            assert_eq!(
                reply.encode(&request).as_bytes(),
                cut.pdu,
                "packet {}: {reply:?}",
                cut.packet
            );
            tally.replies += 1;
        }
        Err(why) => tally.mismatched.push(format!(
            "packet {}: {request:?}: {:02x?}: {why}",
            cut.packet, cut.pdu
        )),
    }
}
