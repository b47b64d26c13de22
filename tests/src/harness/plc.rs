//! The simulated PLC as a process, its orders, and what its log says.

use super::{Process, binary};
use crate::plc::log::{Entry, Event, Hex};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A running simulated PLC.
pub struct Plc {
    process: Process,
    address: SocketAddr,
    log: PathBuf,
}

impl Plc {
    /// Starts one on a port of its own, with orders carried out before the first connection. Its
    /// log goes on if the file is there already.
    pub fn start(log: &Path, orders: &[&str]) -> Plc {
        Plc::start_at(log, "127.0.0.1:0", orders)
    }

    /// Starts one on an address: the same device after a power cycle.
    pub fn start_at(log: &Path, listen: &str, orders: &[&str]) -> Plc {
        let mut command = Command::new(binary("plc"));
        command.arg("--log").arg(log).args(["--listen", listen]);
        for order in orders {
            command.args(["--do", order]);
        }
        let mut process = Process::start("plc", &mut command);
        let address = process.next_line("address it listens on", |line| {
            line.strip_prefix("listening ")?.parse().ok()
        });
        Plc {
            process,
            address,
            log: log.to_path_buf(),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process, to be killed or waited for.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Gives an order (see [`crate::plc::orders`]) and waits until it is carried out. What a
    /// `get` found is returned.
    pub fn order(&mut self, order: &str) -> Vec<u16> {
        self.process.say(order);
        let (done, refused) = (format!("ok {order}"), format!("error {order}"));
        let answer = self
            .process
            .next_line(&format!("acknowledgement of {order:?}"), |line| {
                assert!(!line.starts_with(&refused), "{line}");
                let rest = line.strip_prefix(&done)?;
                (rest.is_empty() || rest.starts_with(" =")).then(|| rest.to_owned())
            });
        let values = answer
            .split(' ')
            .filter(|word| !word.is_empty() && *word != "=");
        values
            .map(|value| value.parse().expect("the PLC prints numbers"))
            .collect()
    }

    /// Registers or bits as the PLC holds them now.
    pub fn read(&mut self, table: &str, address: u16, count: u16) -> Vec<u16> {
        self.order(&format!("get {table} {address} {count}"))
    }

    /// One holding register as the PLC holds it now.
    pub fn holding(&mut self, address: u16) -> u16 {
        self.read("holding", address, 1)[0]
    }

    /// Waits for the next event that `wanted` makes something of. Events and acknowledgements
    /// share one stream: an order given in between goes past the events before it.
    pub fn next_event<T>(&mut self, what: &str, mut wanted: impl FnMut(&Event) -> Option<T>) -> T {
        self.process
            .next_line(what, |line| wanted(&Entry::parse(line)?.event))
    }

    /// Everything up to now, from the log file.
    pub fn seen(&self) -> Seen {
        Seen::read(&self.log)
    }
}

/// A PLC's log, read whole. It needs no running PLC.
pub struct Seen {
    /// All entries in order.
    pub entries: Vec<Entry>,
}

impl Seen {
    /// Reads a log. A line that is none fails the test: the log is what others are judged by.
    pub fn read(log: &Path) -> Seen {
        let text =
            std::fs::read_to_string(log).unwrap_or_else(|why| panic!("{}: {why}", log.display()));
        let entry =
            |line| Entry::parse(line).unwrap_or_else(|| panic!("no line of a PLC's log: {line:?}"));
        Seen {
            entries: text.lines().map(entry).collect(),
        }
    }

    /// Every byte that was received, in order, all connections together.
    pub fn received(&self) -> Vec<u8> {
        self.pick(|event| match event {
            Event::Received(bytes) => Some(bytes.clone()),
            _ => None,
        })
        .concat()
    }

    /// Well-formed requests with their headers, in the order of their effects.
    pub fn requests(&self) -> Vec<Vec<u8>> {
        self.pick(|event| match event {
            Event::Request(adu) => Some(adu.clone()),
            _ => None,
        })
    }

    /// Unit id and PDU of each request: what is left when our transaction ids are put aside.
    pub fn commands(&self) -> Vec<(u8, Vec<u8>)> {
        self.requests()
            .into_iter()
            .map(|adu| (adu[6], adu[7..].to_vec()))
            .collect()
    }

    /// Commands of these functions alone.
    pub fn commands_of(&self, functions: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut commands = self.commands();
        commands.retain(|(_, pdu)| functions.contains(&pdu[0]));
        commands
    }

    /// How many connections were made, refused ones included.
    pub fn connects(&self) -> usize {
        self.pick(|event| matches!(event, Event::Connect | Event::Refused).then_some(()))
            .len()
    }

    /// Fails unless every byte that arrived was part of a well-formed request.
    #[track_caller]
    pub fn assert_nothing_malformed(&self) {
        let malformed = self.pick(|event| match event {
            Event::Malformed(bytes, why) => Some(format!("{}: {why}", Hex(bytes))),
            _ => None,
        });
        assert!(
            malformed.is_empty(),
            "malformed bytes reached the PLC:\n{}",
            malformed.join("\n")
        );
        let requests = self.requests().concat();
        let received = self.received().len();
        assert_eq!(
            received,
            requests.len(),
            "bytes received, bytes in well-formed requests"
        );
    }

    fn pick<T>(&self, wanted: impl FnMut(&Event) -> Option<T>) -> Vec<T> {
        self.entries
            .iter()
            .map(|entry| &entry.event)
            .filter_map(wanted)
            .collect()
    }
}
