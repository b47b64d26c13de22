//! Every legal request, drawn at random, and a legal reply to it.
#![allow(dead_code, reason = "each test uses its part")]

use interlock_protocols::modbus::{
    Address, CoilWrite, Counter, Delimiter, Diagnostics, FileRead, FileReads, FileWrites,
    FunctionCode, IdentificationCode, Loopback, ObjectId, Quantity, RegisterWrite, Request, Span,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A request that owns its bytes. [`Owned::request`] builds the borrowed one through the public
/// constructors, never through the decoder.
#[derive(Clone, Debug)]
pub(crate) struct Owned {
    pub(crate) function: FunctionCode,
    read: (u16, u16),
    write_at: u16,
    bytes: Vec<u8>,
    coils: u16,
    words: (u16, u16),
    sub_function: u16,
    code: IdentificationCode,
    object: ObjectId,
}

impl Owned {
    pub(crate) fn request(&self) -> Request<'_> {
        let address = Address::new(self.write_at);
        match self.function {
            FunctionCode::ReadCoils => Request::ReadCoils(span(self.read)),
            FunctionCode::ReadDiscreteInputs => Request::ReadDiscreteInputs(span(self.read)),
            FunctionCode::ReadHoldingRegisters => Request::ReadHoldingRegisters(span(self.read)),
            FunctionCode::ReadInputRegisters => Request::ReadInputRegisters(span(self.read)),
            FunctionCode::WriteSingleCoil => Request::WriteSingleCoil {
                address,
                on: self.words.0 % 2 == 1,
            },
            FunctionCode::WriteSingleRegister => Request::WriteSingleRegister {
                address,
                value: self.words.0,
            },
            FunctionCode::ReadExceptionStatus => Request::ReadExceptionStatus,
            FunctionCode::Diagnostics => Request::Diagnostics(self.diagnostics()),
            FunctionCode::CommEventCounter => Request::CommEventCounter,
            FunctionCode::CommEventLog => Request::CommEventLog,
            FunctionCode::WriteMultipleCoils => Request::WriteMultipleCoils(
                CoilWrite::new(address, &self.bytes, self.coils).unwrap(),
            ),
            FunctionCode::WriteMultipleRegisters => {
                Request::WriteMultipleRegisters(RegisterWrite::new(address, &self.bytes).unwrap())
            }
            FunctionCode::ReportServerId => Request::ReportServerId,
            FunctionCode::ReadFileRecord => {
                Request::ReadFileRecord(FileReads::new(&self.bytes).unwrap())
            }
            FunctionCode::WriteFileRecord => {
                Request::WriteFileRecord(FileWrites::new(&self.bytes).unwrap())
            }
            FunctionCode::MaskWriteRegister => Request::MaskWriteRegister {
                address,
                and: self.words.0,
                or: self.words.1,
            },
            FunctionCode::ReadWriteMultipleRegisters => Request::ReadWriteMultipleRegisters {
                read: span(self.read),
                write: RegisterWrite::new(address, &self.bytes).unwrap(),
            },
            FunctionCode::ReadFifoQueue => Request::ReadFifoQueue { address },
            FunctionCode::ReadDeviceIdentification => Request::ReadDeviceIdentification {
                code: self.code,
                object: self.object,
            },
        }
    }

    fn diagnostics(&self) -> Diagnostics<'_> {
        match self.sub_function {
            0 => Diagnostics::Loopback(Loopback::new(&self.bytes).unwrap()),
            1 => Diagnostics::RestartCommunications {
                clear_log: self.words.0 % 2 == 1,
            },
            2 => Diagnostics::DiagnosticRegister,
            3 => Diagnostics::ChangeDelimiter(
                Delimiter::new(self.words.0.to_be_bytes()[0] & 0x7F).unwrap(),
            ),
            4 => Diagnostics::ForceListenOnly,
            10 => Diagnostics::ClearCounters,
            20 => Diagnostics::ClearOverrun,
            counter => Diagnostics::Counter(Counter::ALL[usize::from(counter - 11)]),
        }
    }
}

fn span<const MAX: u16>((start, quantity): (u16, u16)) -> Span<MAX> {
    Span::new(Address::new(start), Quantity::new(quantity).unwrap()).unwrap()
}

/// Starts at the very end of the table are as likely as anywhere else.
fn placed(quantity: u16) -> impl Strategy<Value = (u16, u16)> {
    let last = u16::try_from(65_536 - u32::from(quantity)).unwrap();
    let starts = prop_oneof![Just(0), Just(last), 0..=last];
    starts.prop_map(move |start| (start, quantity))
}

fn ranges(max: u16) -> impl Strategy<Value = (u16, u16)> {
    prop_oneof![Just(1), Just(max), 1..=max].prop_flat_map(placed)
}

fn register_bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<[u8; 2]>(), 1..=max).prop_map(|words| words.concat())
}

fn coil_bytes() -> impl Strategy<Value = (Vec<u8>, u16)> {
    (1..=1_968u16).prop_flat_map(|count| {
        vec(any::<u8>(), usize::from(count).div_ceil(8)).prop_map(move |mut bytes| {
            if count % 8 != 0 {
                *bytes.last_mut().unwrap() &= (1 << (count % 8)) - 1;
            }
            (bytes, count)
        })
    })
}

fn file_read(max: u16) -> impl Strategy<Value = FileRead> {
    (1..=u16::MAX, 1..=max).prop_flat_map(|(file, length)| {
        let last = 10_000 - length;
        prop_oneof![Just(last), 0..=last]
            .prop_map(move |record| FileRead::new(file, record, length).unwrap())
    })
}

/// Groups as long as they fit: 251 bytes of reply for a read, 251 of request for a write.
fn file_groups(write: bool) -> impl Strategy<Value = Vec<u8>> {
    vec((file_read(122), any::<u8>()), 1..=35).prop_map(move |groups| {
        let (mut bytes, mut reply) = (Vec::new(), 0);
        for (place, fill) in groups {
            let values = usize::from(place.length()) * 2;
            let request = if write { 7 + values } else { 7 };
            if bytes.len() + request > 251 || reply + 2 + values > 251 {
                break;
            }
            bytes.extend(place.to_bytes());
            if write {
                bytes.resize(bytes.len() + values, fill);
            }
            reply += 2 + values;
        }
        bytes
    })
}

/// Draws a function first, so that each is as likely as any other.
pub(crate) fn owned() -> impl Strategy<Value = Owned> {
    select(&FunctionCode::ALL[..]).prop_flat_map(of)
}

pub(crate) fn of(function: FunctionCode) -> impl Strategy<Value = Owned> {
    let read_max = match function {
        FunctionCode::ReadCoils | FunctionCode::ReadDiscreteInputs => 2_000,
        _ => 125,
    };
    let sub_functions = vec![0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20];
    let codes = [1, 2, 3, 4].map(|code| IdentificationCode::from_code(code).unwrap());
    let plain = (
        ranges(read_max),
        any::<(u16, u16)>(),
        select(sub_functions),
        select(codes.to_vec()),
        any::<u8>().prop_filter_map("reserved", ObjectId::new),
    );
    (bytes_of(function), plain).prop_map(
        move |((write_at, bytes, coils), (read, words, sub_function, code, object))| Owned {
            function,
            read,
            write_at,
            bytes,
            coils,
            words,
            sub_function,
            code,
            object,
        },
    )
}

/// What the function carries: where it goes, its bytes, and the number of coils.
fn bytes_of(function: FunctionCode) -> BoxedStrategy<(u16, Vec<u8>, u16)> {
    let registers = |max| {
        register_bytes(max).prop_flat_map(|bytes| {
            let count = u16::try_from(bytes.len() / 2).unwrap();
            placed(count).prop_map(move |(start, _)| (start, bytes.clone(), 0))
        })
    };
    match function {
        FunctionCode::WriteMultipleCoils => coil_bytes()
            .prop_flat_map(|(bytes, count)| {
                placed(count).prop_map(move |(start, count)| (start, bytes.clone(), count))
            })
            .boxed(),
        FunctionCode::WriteMultipleRegisters => registers(123).boxed(),
        FunctionCode::ReadWriteMultipleRegisters => registers(121).boxed(),
        FunctionCode::Diagnostics => register_bytes(125).prop_map(|b| (0, b, 0)).boxed(),
        FunctionCode::ReadFileRecord => file_groups(false).prop_map(|b| (0, b, 0)).boxed(),
        FunctionCode::WriteFileRecord => file_groups(true).prop_map(|b| (0, b, 0)).boxed(),
        _ => any::<u16>().prop_map(|at| (at, Vec::new(), 0)).boxed(),
    }
}

/// A reply that a device could give, written without the encoder. `seed` fills what is free.
pub(crate) fn reply_to(request: &Request<'_>, seed: &[u8]) -> Vec<u8> {
    let function = request.function().code();
    let mut fill = seed.iter().copied().cycle();
    let mut some = |count: usize| fill.by_ref().take(count).collect::<Vec<u8>>();
    let counted =
        |bytes: Vec<u8>| [vec![function, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    match request {
        Request::ReadCoils(s) | Request::ReadDiscreteInputs(s) => {
            counted(some(usize::from(s.quantity().value()).div_ceil(8)))
        }
        Request::ReadHoldingRegisters(s)
        | Request::ReadInputRegisters(s)
        | Request::ReadWriteMultipleRegisters { read: s, .. } => {
            counted(some(usize::from(s.quantity().value()) * 2))
        }
        Request::WriteMultipleCoils(_) | Request::WriteMultipleRegisters(_) => {
            request.encode().as_bytes()[..5].to_vec()
        }
        Request::ReadExceptionStatus => [vec![function], some(1)].concat(),
        Request::Diagnostics(Diagnostics::DiagnosticRegister | Diagnostics::Counter(_)) => {
            [request.encode().as_bytes()[..3].to_vec(), some(2)].concat()
        }
        Request::CommEventCounter => [vec![function], some(4)].concat(),
        Request::CommEventLog => {
            let events = usize::from(seed[0] % 65);
            counted(some(6 + events))
        }
        Request::ReportServerId => counted(some(1 + usize::from(seed[0] % 251))),
        Request::ReadFileRecord(reads) => {
            let groups = reads.iter().flat_map(|read| {
                let values = some(usize::from(read.length()) * 2);
                [vec![u8::try_from(values.len() + 1).unwrap(), 6], values].concat()
            });
            counted(groups.collect())
        }
        Request::ReadFifoQueue { .. } => {
            let count = seed[0] % 32;
            let head = vec![function, 0, count * 2 + 2, 0, count];
            [head, some(usize::from(count) * 2)].concat()
        }
        Request::ReadDeviceIdentification { code, object } => identification(*code, *object, seed),
        _ => request.encode().as_bytes().to_vec(),
    }
}

fn identification(code: IdentificationCode, object: ObjectId, seed: &[u8]) -> Vec<u8> {
    let text = |length: u8| {
        seed.iter()
            .copied()
            .cycle()
            .take(usize::from(length))
            .collect::<Vec<u8>>()
    };
    let mut bytes = vec![43, 14, code.code(), 0x83];
    if code == IdentificationCode::Individual {
        let length = seed[0] % 244;
        bytes.extend([0, 0, 1, object.value(), length]);
        bytes.extend(text(length));
    } else {
        let more = seed[0] % 2 == 1;
        bytes.extend(if more { [0xFF, seed[0]] } else { [0, 0] });
        let count = seed[0] % 8;
        bytes.push(count);
        for id in 0..count {
            let length = seed[usize::from(id) % seed.len()] % 28;
            bytes.extend([id, length]);
            bytes.extend(text(length));
        }
    }
    bytes
}
