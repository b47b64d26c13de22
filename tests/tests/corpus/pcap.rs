//! Just enough of the pcap file format, Ethernet, IPv4 and TCP to get at what was said.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

/// One direction of one connection.
pub(crate) struct Stream {
    pub(crate) from: SocketAddrV4,
    pub(crate) to: SocketAddrV4,
    /// Payloads in the order of their sequence numbers. A hole starts a new piece: what follows
    /// it is read as if the connection began there.
    pub(crate) pieces: Vec<Vec<Segment>>,
}

/// What one packet added to its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Packets before it in the capture.
    pub(crate) packet: usize,
    pub(crate) bytes: Vec<u8>,
}

struct Packet<'a> {
    from: SocketAddrV4,
    to: SocketAddrV4,
    sequence: u32,
    opens: bool,
    payload: &'a [u8],
}

const FILE_HEADER: usize = 24;
const PACKET_HEADER: usize = 16;
const ETHERNET: u32 = 1;
const IPV4: [u8; 2] = [0x08, 0x00];
const VLAN: [u8; 2] = [0x81, 0x00];
const TCP: u8 = 6;
const SYN: u8 = 0x02;

/// Every TCP stream of a capture, in the order of their first packets.
pub(crate) fn streams(file: &[u8]) -> Result<Vec<Stream>, String> {
    let magic = file.get(..4).ok_or("no pcap file: too short")?;
    let word: fn([u8; 4]) -> u32 = match magic {
        [0xD4, 0xC3, 0xB2, 0xA1] | [0x4D, 0x3C, 0xB2, 0xA1] => u32::from_le_bytes,
        [0xA1, 0xB2, 0xC3, 0xD4] | [0xA1, 0xB2, 0x3C, 0x4D] => u32::from_be_bytes,
        other => return Err(format!("no pcap file: it begins with {other:02x?}")),
    };
    let at =
        |place: usize| -> Option<u32> { Some(word(file.get(place..place + 4)?.try_into().ok()?)) };
    let link = at(20).ok_or("a file header that ends too early")?;
    if link != ETHERNET {
        return Err(format!("link type {link}, not Ethernet"));
    }
    let mut found: Vec<Collected> = Vec::new();
    let mut place = FILE_HEADER;
    let mut number = 0;
    while let Some(captured) = at(place + 8) {
        let start = place + PACKET_HEADER;
        let end = start + captured as usize;
        let frame = file.get(start..end).ok_or("a packet that ends too early")?;
        if let Some(packet) = packet(frame) {
            collect(&mut found, number, &packet);
        }
        place = end;
        number += 1;
    }
    Ok(found.into_iter().map(Collected::in_order).collect())
}

fn packet(frame: &[u8]) -> Option<Packet<'_>> {
    let mut rest = frame.get(12..)?;
    while rest.get(..2)? == VLAN {
        rest = rest.get(4..)?;
    }
    if rest.get(..2)? != IPV4 {
        return None;
    }
    let ip = rest.get(2..)?;
    let header = usize::from(ip.first()? & 0x0F) * 4;
    let total = usize::from(u16::from_be_bytes([*ip.get(2)?, *ip.get(3)?]));
    let fragment = u16::from_be_bytes([*ip.get(6)?, *ip.get(7)?]) & 0x3FFF;
    if *ip.get(9)? != TCP || fragment != 0 {
        return None;
    }
    let address = |at: usize| -> Option<Ipv4Addr> {
        Some(Ipv4Addr::from(
            <[u8; 4]>::try_from(ip.get(at..at + 4)?).ok()?,
        ))
    };
    let (source, destination) = (address(12)?, address(16)?);
    // Padding of short Ethernet frames comes after the datagram.
    let tcp = ip.get(header..total.min(ip.len()))?;
    let port =
        |at: usize| -> Option<u16> { Some(u16::from_be_bytes([*tcp.get(at)?, *tcp.get(at + 1)?])) };
    let data = usize::from(tcp.get(12)? >> 4) * 4;
    Some(Packet {
        from: SocketAddrV4::new(source, port(0)?),
        to: SocketAddrV4::new(destination, port(2)?),
        sequence: u32::from_be_bytes(tcp.get(4..8)?.try_into().ok()?),
        opens: tcp.get(13)? & SYN != 0,
        payload: tcp.get(data..)?,
    })
}

/// A stream whose segments may still be out of order.
struct Collected {
    from: SocketAddrV4,
    to: SocketAddrV4,
    /// The sequence number that all others are counted from.
    origin: u32,
    /// By distance from the origin. The first to come is kept where two begin at one place.
    segments: BTreeMap<i64, Segment>,
}

fn collect(found: &mut Vec<Collected>, number: usize, packet: &Packet<'_>) {
    let known = |stream: &&mut Collected| stream.from == packet.from && stream.to == packet.to;
    // The latest: a port that is used again starts a stream of its own.
    let stream = match found.iter_mut().rev().find(known) {
        Some(stream) if !packet.opens => stream,
        _ => {
            found.push(Collected {
                from: packet.from,
                to: packet.to,
                origin: packet.sequence.wrapping_add(u32::from(packet.opens)),
                segments: BTreeMap::new(),
            });
            found.last_mut().expect("just pushed")
        }
    };
    if !packet.payload.is_empty() && !packet.opens {
        // Sequence numbers wrap: a distance is a signed number of 32 bits.
        let distance = packet.sequence.wrapping_sub(stream.origin) as i32;
        let segment = Segment {
            packet: number,
            bytes: packet.payload.to_vec(),
        };
        stream
            .segments
            .entry(i64::from(distance))
            .or_insert(segment);
    }
}

impl Collected {
    fn in_order(self) -> Stream {
        let mut pieces: Vec<Vec<Segment>> = Vec::new();
        let mut next = None;
        for (at, mut segment) in self.segments {
            let end = at + segment.bytes.len() as i64;
            let expected = next.unwrap_or(i64::MIN);
            if at > expected || pieces.is_empty() {
                pieces.push(Vec::new());
            } else {
                // What was sent before is not said twice.
                let known = usize::try_from(expected - at)
                    .expect("not before")
                    .min(segment.bytes.len());
                segment.bytes.drain(..known);
            }
            if !segment.bytes.is_empty() {
                pieces.last_mut().expect("there is one").push(segment);
            }
            next = Some(end.max(expected));
        }
        Stream {
            from: self.from,
            to: self.to,
            pieces,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
        let total = u16::try_from(40 + payload.len()).unwrap().to_be_bytes();
        let mut frame = [
            &[0; 12][..],
            &IPV4,
            &[0x45, 0],
            &total,
            &[0, 0, 0, 0, 64, TCP, 0, 0],
        ]
        .concat();
        frame.extend([10, 0, 0, 1, 10, 0, 0, 2]);
        frame.extend([0x20, 0x00, 0x01, 0xF6]);
        frame.extend(sequence.to_be_bytes());
        frame.extend([0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0]);
        frame.extend(payload);
        frame.resize(frame.len().max(60), 0xEE); // padding that is no payload
        frame
    }

    #[test]
    fn a_stream_is_put_together_from_its_packets() {
        let frames = [
            frame(u32::MAX, SYN, &[]),
            frame(3, 0x18, b"def"),
            frame(0, 0x18, b"abc"),
            frame(2, 0x18, b"cdefg"),
            frame(20, 0x18, b"xyz"),
            frame(5, SYN, &[]),
            frame(6, 0x18, b"new"),
        ];
        let mut file = [&[0xD4, 0xC3, 0xB2, 0xA1][..], &[0; 16], &[1, 0, 0, 0]].concat();
        for frame in &frames {
            let length = u32::try_from(frame.len()).unwrap().to_le_bytes();
            file.extend([&[0; 8][..], &length, &length, frame].concat());
        }
        let streams = streams(&file).unwrap();
        let said: Vec<Vec<Vec<u8>>> = streams
            .iter()
            .map(|stream| {
                stream
                    .pieces
                    .iter()
                    .map(|piece| piece.iter().flat_map(|s| s.bytes.clone()).collect())
                    .collect()
            })
            .collect();
        assert_eq!(
            said,
            [
                vec![b"abcdefg".to_vec(), b"xyz".to_vec()],
                vec![b"new".to_vec()]
            ]
        );
        assert_eq!(streams[0].to, "10.0.0.2:502".parse().unwrap());
        assert_eq!(
            streams[0].pieces[0][0].packet, 2,
            "in the order of the stream"
        );

        assert!(super::streams(&file[..file.len() - 1]).is_err());
        assert!(super::streams(b"nonsense").is_err());
    }
}
