mod judging;
mod masks;
mod properties;
mod reading;
mod relations;
mod sample;
mod touching;

use super::*;
use interlock_protocols::modbus::{
    Address, CoilWrite, Quantity, RegisterWrite, Request, Span, UnitId, WordOrder,
};

/// The unit id that means the device itself on a direct peer.
const ITSELF: UnitId = UnitId::new(255);

/// The head of a file with one direct device, for points to follow.
const PRESS: &str = "
site = 'waterworks'
addressing = 'pdu'
[[zone]]
name = 'hall'
[[device]]
name = 'press-4'
zone = 'hall'
address = '127.0.0.1:5021'
local_address = '127.77.0.11:1502'
peer = 'direct'
";

/// A number that may be written, at holding register 100.
const SPEED: &str = "
[[device.point]]
name = 'speed'
table = 'holding'
address = 100
type = 'u16'
scale = 0.1
unit = 'rpm'
access = 'read-write'
min = 0
max = 1200
";

/// A float that may be written, at holding registers 110 and 111.
const PRESSURE: &str = "
[[device.point]]
name = 'pressure'
table = 'holding'
address = 110
type = 'f32'
order = 'cdab'
unit = 'bar'
access = 'read-write'
min = 0
max = 10.1
";

const COILS: &str = "
[[device.point]]
name = 'run'
table = 'coil'
address = 0
access = 'read-write'
[[device.point]]
name = 'reset'
table = 'coil'
address = 1
access = 'read-write'
allowed = ['on']
[[device.point]]
name = 'lamp'
table = 'coil'
address = 2
";

fn plant(text: &str) -> Plant {
    match Plant::parse(Path::new("plant.toml"), text) {
        Ok(plant) => plant,
        Err(findings) => panic!("{}", shown(&findings).join("\n")),
    }
}

fn press(points: &str) -> Arc<Device> {
    let plant = plant(&format!("{PRESS}{points}"));
    Arc::clone(plant.device("press-4").expect("it is there"))
}

fn faults(text: &str) -> Vec<String> {
    match Plant::parse(Path::new("plant.toml"), text) {
        Ok(_) => Vec::new(),
        Err(findings) => shown(&findings),
    }
}

fn shown(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .map(|finding| finding.to_string().replace("\n    ", " | "))
        .collect()
}

fn bytes(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// Function 16.
fn write_registers(first: u16, big_endian: &[u8]) -> Request<'_> {
    let write = RegisterWrite::new(Address::new(first), big_endian);
    Request::WriteMultipleRegisters(write.expect("a legal write"))
}

/// Function 6.
fn write_one(address: u16, value: u16) -> Request<'static> {
    Request::WriteSingleRegister {
        address: Address::new(address),
        value,
    }
}

/// Function 23.
fn read_and_write(read: u16, first: u16, big_endian: &[u8]) -> Request<'_> {
    Request::ReadWriteMultipleRegisters {
        read: span(read, 1),
        write: RegisterWrite::new(Address::new(first), big_endian).expect("a legal write"),
    }
}

/// Function 22.
fn mask(address: u16, and: u16, or: u16) -> Request<'static> {
    Request::MaskWriteRegister {
        address: Address::new(address),
        and,
        or,
    }
}

/// Function 5.
fn coil(address: u16, on: bool) -> Request<'static> {
    Request::WriteSingleCoil {
        address: Address::new(address),
        on,
    }
}

/// Function 15.
fn write_coils(first: u16, packed: &[u8], quantity: u16) -> Request<'_> {
    let write = CoilWrite::new(Address::new(first), packed, quantity);
    Request::WriteMultipleCoils(write.expect("a legal write"))
}

fn span<const MAX: u16>(first: u16, quantity: u16) -> Span<MAX> {
    let quantity = Quantity::new(quantity).expect("a legal quantity");
    Span::new(Address::new(first), quantity).expect("a legal span")
}

/// Judges for somebody in no group; the code of the refusal, or `passes`.
fn judged(device: &Device, request: &Request<'_>) -> &'static str {
    judged_for(device, request, &[])
}

fn judged_for(device: &Device, request: &Request<'_>, groups: &[&str]) -> &'static str {
    match verdict(device, request, groups) {
        Ok(()) => "passes",
        Err(broken) => broken.code(),
    }
}

fn verdict(device: &Device, request: &Request<'_>, groups: &[&str]) -> Result<(), LimitBroken> {
    let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
    device.judge(&device.touched(ITSELF, request), request, &groups)
}
