//! Devices of a test's own behind a gateway, all of whose registers an engineer may write: for
//! tests that ask what happens between the gateway and its devices, not who may do what.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use interlock_protocols::record::{CommandResult, Event};

use super::{Connected, Gateway, Plc, Seen, Site, free_address};

/// PLCs, and the gateway in front of them. Their devices are `rig-1`, `rig-2` and so on, with the
/// unit id 1 (255 towards the PLC) and these points: holding 100 to 115 (u16, the last four up to
/// 1000 only), holding 200 to 215 (u32, high word first), coils 0 to 15.
pub struct Rig {
    /// The PLCs, `rig-1` first.
    pub plcs: Vec<Plc>,
    /// The gateway.
    pub gateway: Gateway,
    folder: Site,
}

/// How a command with effect ended, without what differs from run to run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// The PLC said that it did it.
    Answered,
    /// The PLC refused it with this code.
    Exception(u8),
    /// It was not sent, for this reason.
    Withheld(String),
    /// It was sent, and nobody knows what came of it.
    Unknown,
}

impl Rig {
    /// A running gateway before one PLC; `link` is what stands below `[device.link]`.
    pub fn start(link: &str) -> Rig {
        Rig::of(1, link)
    }

    /// A running gateway before several PLCs.
    pub fn of(count: usize, link: &str) -> Rig {
        let folder = Site::new();
        let start = |number| Plc::start(&folder.join(&format!("plc-{number}.log")), &[]);
        let plcs: Vec<Plc> = (1..=count).map(start).collect();
        let addresses: Vec<SocketAddr> = plcs.iter().map(Plc::address).collect();
        let mut gateway = Rig::gateway(&addresses, link);
        gateway.start();
        Rig {
            plcs,
            gateway,
            folder,
        }
    }

    /// The gateway alone, not started, before whatever is at these addresses.
    pub fn gateway(addresses: &[SocketAddr], link: &str) -> Gateway {
        let gateway = Gateway::new(free_address(), free_address());
        for (number, address) in (1..).zip(addresses) {
            gateway.append("plant.toml", &device(number, *address, link));
        }
        gateway
    }

    /// An engineer's `interlock connect` that may write to all of them.
    pub fn connect(&self) -> Connected {
        let names: Vec<String> = (1..=self.plcs.len()).map(name).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.gateway.connect("person/emil", &names)
    }

    /// The only PLC.
    pub fn plc(&mut self) -> &mut Plc {
        &mut self.plcs[0]
    }

    /// What the only PLC saw.
    pub fn seen(&self) -> Seen {
        self.plcs[0].seen()
    }

    /// A path beside the logs of the PLCs.
    pub fn beside(&self, file: &str) -> std::path::PathBuf {
        self.folder.join(file)
    }

    /// Stops the gateway in order and gives each command with effect on a device with its end, in
    /// the order of the INTENTs. The journal must be whole.
    pub fn stop(&mut self, device: &str) -> Vec<(Vec<u8>, End)> {
        assert_eq!(self.gateway.stop(), 0);
        self.gateway.assert_journal_is_whole();
        self.ends(device)
    }

    /// Each command with effect on a device with its end, in the order of the INTENTs; one that
    /// has no outcome yet, or two, fails the test.
    pub fn ends(&self, device: &str) -> Vec<(Vec<u8>, End)> {
        Rig::ends_at(&self.gateway, device)
    }

    /// As [`Rig::ends`], at a gateway without a PLC.
    pub fn ends_at(gateway: &Gateway, device: &str) -> Vec<(Vec<u8>, End)> {
        let mut commands: BTreeMap<u64, (Vec<u8>, Option<End>)> = BTreeMap::new();
        for record in gateway.records() {
            match record.event {
                Event::Intent(intent) if intent.device == device => {
                    commands.insert(record.sequence, (intent.pdu, None));
                }
                Event::Outcome(outcome) => {
                    if let Some((pdu, end)) = commands.get_mut(&outcome.intent) {
                        assert_eq!(*end, None, "{pdu:02x?} has two outcomes");
                        *end = Some(of(outcome.result));
                    }
                }
                _ => {}
            }
        }
        let ended = |(pdu, end): (Vec<u8>, Option<End>)| match end {
            Some(end) => (pdu, end),
            None => panic!("{pdu:02x?} has no outcome"),
        };
        commands.into_values().map(ended).collect()
    }
}

fn of(result: CommandResult) -> End {
    match result {
        CommandResult::Answered { .. } => End::Answered,
        CommandResult::Exception { code } => End::Exception(code),
        CommandResult::Withheld { reason } => End::Withheld(reason),
        CommandResult::Unknown { .. } => End::Unknown,
    }
}

fn name(number: usize) -> String {
    format!("rig-{number}")
}

fn device(number: usize, address: SocketAddr, link: &str) -> String {
    let mut text = format!(
        "\n[[device]]\nname = \"{}\"\nzone = \"dewatering\"\naddress = \"{address}\"\n\
         local_address = \"127.0.0.1:0\"\npeer = \"direct\"\n[device.link]\n{link}\n",
        name(number)
    );
    for address in 0..16 {
        text += &point(&format!("coil_{address}"), "coil", address, "");
    }
    for address in 100..116 {
        let max = if address < 112 { 65_535 } else { 1_000 };
        let held = format!("type = \"u16\"\nmin = 0\nmax = {max}\n");
        text += &point(&format!("word_{address}"), "holding", address, &held);
    }
    for address in (200..216).step_by(2) {
        let held = "type = \"u32\"\norder = \"abcd\"\nmin = 0\nmax = 4294967295\n";
        text += &point(&format!("count_{address}"), "holding", address, held);
    }
    text
}

fn point(name: &str, table: &str, address: u16, held: &str) -> String {
    format!(
        "[[device.point]]\nname = \"{name}\"\ntable = \"{table}\"\naddress = {address}\n\
         access = \"read-write\"\n{held}"
    )
}
