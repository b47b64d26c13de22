//! A Modbus/TCP client that sends any bytes at all.

use super::PATIENCE;
use crate::plc::log::Hex;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A request or answer with its header.
pub fn adu(transaction: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(pdu.len() + 1).expect("a PDU of a test");
    let mut adu = transaction.to_be_bytes().to_vec();
    adu.extend([0, 0]);
    adu.extend(length.to_be_bytes());
    adu.push(unit);
    adu.extend(pdu);
    adu
}

/// What came of waiting for an answer.
#[derive(PartialEq, Eq)]
pub enum Fate {
    /// One whole answer with its header.
    Answer(Vec<u8>),
    /// The connection was closed or reset.
    Closed,
    /// Nothing came in the time given.
    Silence,
}

impl fmt::Debug for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fate::Answer(adu) => write!(f, "Answer({})", Hex(adu)),
            Fate::Closed => f.write_str("Closed"),
            Fate::Silence => f.write_str("Silence"),
        }
    }
}

/// One connection.
pub struct Modbus {
    stream: TcpStream,
    /// Bytes that came after the last answer that was taken.
    waiting: Vec<u8>,
    transaction: u16,
}

impl Modbus {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Modbus {
        Modbus::try_connect(address).unwrap_or_else(|why| panic!("{address}: {why}"))
    }

    /// Connects, or tells why not.
    pub fn try_connect(address: SocketAddr) -> io::Result<Modbus> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        Ok(Modbus {
            stream,
            waiting: Vec::new(),
            transaction: 0,
        })
    }

    /// Our end of the connection.
    pub fn local(&self) -> SocketAddr {
        self.stream
            .local_addr()
            .expect("a connected socket has an address")
    }

    /// Sends these bytes as one write. The other side may have closed: that is for
    /// [`Modbus::next`] to find.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Ends our direction; answers can still come.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next answer, or why there is none.
    pub fn next(&mut self, within: Duration) -> Fate {
        let end = Instant::now() + within;
        loop {
            if let Some(adu) = self.take_adu() {
                return Fate::Answer(adu);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Fate::Silence;
            }
            self.stream.set_read_timeout(Some(left)).expect("not zero");
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Fate::Closed,
                Ok(read) => self.waiting.extend(&chunk[..read]),
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) => {}
                Err(_) => return Fate::Closed,
            }
        }
    }

    fn take_adu(&mut self) -> Option<Vec<u8>> {
        let length = self.waiting.get(4..6)?;
        let end = 6 + usize::from(u16::from_be_bytes([length[0], length[1]]));
        if self.waiting.len() < end {
            return None;
        }
        let rest = self.waiting.split_off(end);
        Some(std::mem::replace(&mut self.waiting, rest))
    }

    /// Bytes that came and are no whole answer yet.
    pub fn leftover(&self) -> &[u8] {
        &self.waiting
    }

    /// Sends one request under a new transaction id and gives the answer's PDU. The answer's
    /// header must be the request's own.
    pub fn ask(&mut self, unit: u8, pdu: &[u8]) -> Vec<u8> {
        self.transaction = self.transaction.wrapping_add(1);
        let request = adu(self.transaction, unit, pdu);
        self.send(&request);
        match self.next(PATIENCE) {
            Fate::Answer(answer) if answer == adu(self.transaction, unit, &answer[7..]) => {
                answer[7..].to_vec()
            }
            other => panic!("{} was answered by {other:?}", Hex(&request)),
        }
    }

    /// Reads holding registers; an exception fails the test.
    pub fn read_holding(&mut self, unit: u8, address: u16, count: u16) -> Vec<u16> {
        let [a, b] = address.to_be_bytes();
        let [c, d] = count.to_be_bytes();
        let answer = self.ask(unit, &[3, a, b, c, d]);
        assert_eq!(answer.len(), 2 + 2 * usize::from(count), "{}", Hex(&answer));
        answer[2..]
            .chunks(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect()
    }

    /// Writes one holding register and gives the answer's PDU.
    pub fn write_holding(&mut self, unit: u8, address: u16, value: u16) -> Vec<u8> {
        let [a, b] = address.to_be_bytes();
        let [c, d] = value.to_be_bytes();
        self.ask(unit, &[6, a, b, c, d])
    }
}
