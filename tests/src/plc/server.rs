//! Connections: one thread each, one request after the other.

use super::answer::answer;
use super::fault::Fault;
use super::log::{Event, Log};
use super::memory::Memory;
use super::orders::{Behaviour, lock};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The PLC, shared by its connections.
pub(super) struct Plc {
    pub(super) memory: Mutex<Memory>,
    pub(super) behaviour: Mutex<Behaviour>,
    log: Log,
    /// Units that answer; all of them if none is listed.
    units: Option<Vec<u8>>,
    open: AtomicUsize,
}

impl Plc {
    pub(super) fn new(log: Log, units: Option<Vec<u8>>) -> Plc {
        Plc {
            memory: Mutex::default(),
            behaviour: Mutex::default(),
            log,
            units,
            open: AtomicUsize::new(0),
        }
    }
}

/// Takes connections until the process ends.
pub(super) fn serve(plc: &Arc<Plc>, listener: &TcpListener) {
    for (number, stream) in (1..).zip(listener.incoming()) {
        let Ok(stream) = stream else { continue };
        if plc.open.load(Ordering::SeqCst) >= lock(&plc.behaviour).accept {
            plc.log.write(number, Event::Refused);
            continue; // dropped, and so closed
        }
        plc.open.fetch_add(1, Ordering::SeqCst);
        plc.log.write(number, Event::Connect);
        let plc = Arc::clone(plc);
        std::thread::spawn(move || {
            let _ = stream.set_nodelay(true);
            let serving = Arc::clone(&plc);
            let how = Connection {
                plc: serving,
                stream,
                number,
            }
            .talk();
            // The slot is free before anybody can read that it is.
            plc.open.fetch_sub(1, Ordering::SeqCst);
            plc.log.write(number, Event::Disconnect(how));
        });
    }
}

struct Connection {
    plc: Arc<Plc>,
    stream: TcpStream,
    number: u64,
}

/// Header bytes before the length is known: transaction, protocol, length.
const HEADER: usize = 6;

impl Connection {
    /// Serves until one side ends it; says how it ended.
    fn talk(mut self) -> String {
        let mut waiting = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => {
                    if !waiting.is_empty() {
                        self.log(Event::Malformed(
                            waiting,
                            "ended inside a request".to_owned(),
                        ));
                    }
                    return "closed by the other side".to_owned();
                }
                Ok(read) => {
                    self.log(Event::Received(chunk[..read].to_vec()));
                    waiting.extend(&chunk[..read]);
                }
                Err(error) => return error.to_string(),
            }
            while waiting.len() >= HEADER {
                let length = usize::from(u16::from_be_bytes([waiting[4], waiting[5]]));
                if waiting[2..4] != [0, 0] || !(2..=254).contains(&length) {
                    let why = format!("protocol {:?}, length {length}", &waiting[2..4]);
                    self.log(Event::Malformed(waiting, why));
                    return self.close("a header that is none");
                }
                if waiting.len() < HEADER + length {
                    break;
                }
                let rest = waiting.split_off(HEADER + length);
                let adu = std::mem::replace(&mut waiting, rest);
                if let Err(how) = self.request(&adu) {
                    return how;
                }
            }
        }
    }

    fn log(&self, event: Event) {
        self.plc.log.write(self.number, event);
    }

    fn close(&self, how: &str) -> String {
        let _ = self.stream.shutdown(Shutdown::Both);
        how.to_owned()
    }

    /// Carries out one request and answers it, or does what the script says. An error ends the
    /// connection and says how.
    fn request(&mut self, adu: &[u8]) -> Result<(), String> {
        let (unit, pdu) = (adu[6], &adu[7..]);
        if self
            .plc
            .units
            .as_ref()
            .is_some_and(|units| !units.contains(&unit))
        {
            self.log(Event::Malformed(
                adu.to_vec(),
                format!("unit {unit} is not here"),
            ));
            return self.send(&framed(adu, &[pdu[0] | 0x80, 0x0B]));
        }
        let fault = lock(&self.plc.behaviour).script.next_fault();
        if let Some(Fault::Exception(code)) = fault {
            self.log(Event::Request(adu.to_vec()));
            self.log(Event::Fault(format!("{:?}", Fault::Exception(code))));
            return self.send(&framed(adu, &[pdu[0] | 0x80, code]));
        }
        // The log has the request before its effect, and both belong together.
        let mut memory = lock(&self.plc.memory);
        let answered = match answer(&mut memory, pdu) {
            Ok(reply) => {
                self.log(Event::Request(adu.to_vec()));
                reply
            }
            Err(refused) => {
                self.log(Event::Malformed(adu.to_vec(), refused.why));
                vec![pdu[0] | 0x80, refused.code]
            }
        };
        drop(memory);
        if answered.is_empty() {
            return Ok(());
        }
        let reply = framed(adu, &answered);
        match fault {
            None => self.send(&reply),
            Some(fault) => {
                self.log(Event::Fault(format!("{fault:?}")));
                self.misbehave(fault, reply)
            }
        }
    }

    fn misbehave(&mut self, fault: Fault, reply: Vec<u8>) -> Result<(), String> {
        match fault {
            Fault::Silent => Ok(()),
            Fault::Delay(time) => {
                std::thread::sleep(time);
                self.send(&reply)
            }
            Fault::Late(time) => self.send_later(time, reply),
            Fault::Double => self.send(&[&reply[..], &reply].concat()),
            Fault::Close => Err(self.close("closed without an answer")),
            Fault::Half => {
                // Past the header, so that only the PDU's end is missing.
                self.send(&reply[..(HEADER + reply.len()) / 2])?;
                Err(self.close("closed in the middle of an answer"))
            }
            Fault::Endless => self.trickle(&reply),
            other => self.send(&other.distort(reply)),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.log(Event::Sent(bytes.to_vec()));
        self.stream
            .write_all(bytes)
            .map_err(|error| error.to_string())
    }

    fn send_later(&self, time: Duration, reply: Vec<u8>) -> Result<(), String> {
        let mut stream = self.stream.try_clone().map_err(|error| error.to_string())?;
        let (plc, number) = (Arc::clone(&self.plc), self.number);
        // An answer is a single write, so this one comes between two others and never inside one.
        std::thread::spawn(move || {
            std::thread::sleep(time);
            plc.log.write(number, Event::Sent(reply.clone()));
            let _ = stream.write_all(&reply);
        });
        Ok(())
    }

    /// Every byte comes before a reader that starts its clock anew on each one gives up.
    fn trickle(&mut self, reply: &[u8]) -> Result<(), String> {
        let mut start = reply[..9.min(reply.len())].to_vec();
        start[4..6].copy_from_slice(&254_u16.to_be_bytes());
        self.send(&start)?;
        loop {
            std::thread::sleep(Duration::from_millis(20));
            self.stream
                .write_all(&[0])
                .map_err(|error| error.to_string())?;
        }
    }
}

/// A PDU under the header of the request it answers.
fn framed(request: &[u8], pdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(pdu.len() + 1).expect("a PDU has at most 253 bytes");
    let mut adu = request[..4].to_vec();
    adu.extend(length.to_be_bytes());
    adu.push(request[6]);
    adu.extend(pdu);
    adu
}
