//! From a request PDU to its answer, by the tables of the MODBUS Application Protocol V1.1b3,
//! and to the byte: a request that is longer or shorter than its function implies is malformed.

use super::memory::{Memory, Table};

/// A request that is refused: the exception code on the wire and why, for the log.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// The exception code.
    pub code: u8,
    /// In words.
    pub why: String,
}

fn refused<T>(code: u8, why: impl Into<String>) -> Result<T, Refused> {
    Err(Refused {
        code,
        why: why.into(),
    })
}

/// Carries a request out and gives the answer's PDU; an empty one is no answer.
pub fn answer(memory: &mut Memory, pdu: &[u8]) -> Result<Vec<u8>, Refused> {
    let Some((&function, body)) = pdu.split_first() else {
        return refused(3, "an empty PDU");
    };
    match function {
        1 => read_bits(memory, Table::Coils, function, body),
        2 => read_bits(memory, Table::Discrete, function, body),
        3 => read_registers(memory, Table::Holding, function, body),
        4 => read_registers(memory, Table::Input, function, body),
        5 => write_coil(memory, body),
        6 => {
            let [address, value] = words(body)?;
            store(memory, Table::Holding, address, &[value])?;
            Ok(pdu.to_vec())
        }
        7 => words::<0>(body).map(|[]| vec![7, 0x55]),
        8 => diagnostics(body),
        11 => words::<0>(body).map(|[]| vec![11, 0, 0, 0, 9]),
        12 => words::<0>(body).map(|[]| vec![12, 8, 0, 0, 0, 9, 0, 9, 0x20, 0]),
        15 => write_coils(memory, body),
        16 => write_registers(memory, body),
        17 => words::<0>(body).map(|[]| [&[17, 11][..], b"simulated", &[1, 0xFF]].concat()),
        20 => read_files(memory, body),
        21 => write_files(memory, pdu, body),
        22 => mask(memory, pdu, body),
        23 => read_write(memory, body),
        24 => read_fifo(memory, body),
        43 => identification(body),
        _ => refused(1, format!("function {function} is none of ours")),
    }
}

/// Exactly N big-endian words.
fn words<const N: usize>(body: &[u8]) -> Result<[u16; N], Refused> {
    if body.len() != 2 * N {
        return refused(
            3,
            format!("{} bytes after the function, not {}", body.len(), 2 * N),
        );
    }
    Ok(std::array::from_fn(|i| word(body, 2 * i)))
}

fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn registers(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|pair| word(pair, 0)).collect()
}

fn counted(quantity: u16, most: u16) -> Result<usize, Refused> {
    if quantity == 0 || quantity > most {
        return refused(3, format!("quantity {quantity}, not 1..{most}"));
    }
    Ok(usize::from(quantity))
}

fn load(memory: &mut Memory, table: Table, first: u16, count: usize) -> Result<Vec<u16>, Refused> {
    match memory.read(table, first, count) {
        Some(cells) => Ok(cells.to_vec()),
        None => refused(2, format!("{first} + {count} is past 65536")),
    }
}

fn store(memory: &mut Memory, table: Table, first: u16, values: &[u16]) -> Result<(), Refused> {
    match memory.write(table, first, values) {
        Some(()) => Ok(()),
        None => refused(2, format!("{first} + {} is past 65536", values.len())),
    }
}

/// A count byte and the registers it counts.
fn with_count(function: u8, values: &[u16]) -> Vec<u8> {
    let mut out = vec![
        function,
        u8::try_from(2 * values.len()).expect("fits a PDU"),
    ];
    out.extend(values.iter().flat_map(|value| value.to_be_bytes()));
    out
}

fn read_bits(
    memory: &mut Memory,
    table: Table,
    function: u8,
    body: &[u8],
) -> Result<Vec<u8>, Refused> {
    let [first, quantity] = words(body)?;
    let bits = load(memory, table, first, counted(quantity, 2000)?)?;
    let bytes = bits.chunks(8).map(|eight| {
        let bit = |(i, &on): (usize, &u16)| u8::from(on != 0) << i;
        eight
            .iter()
            .enumerate()
            .map(bit)
            .fold(0, |byte, bit| byte | bit)
    });
    let count = u8::try_from(bits.len().div_ceil(8)).expect("at most 250");
    Ok([function, count].into_iter().chain(bytes).collect())
}

fn read_registers(
    memory: &mut Memory,
    table: Table,
    function: u8,
    body: &[u8],
) -> Result<Vec<u8>, Refused> {
    let [first, quantity] = words(body)?;
    let values = load(memory, table, first, counted(quantity, 125)?)?;
    Ok(with_count(function, &values))
}

fn write_coil(memory: &mut Memory, body: &[u8]) -> Result<Vec<u8>, Refused> {
    let [address, value] = words(body)?;
    let on = match value {
        0x0000 => 0,
        0xFF00 => 1,
        _ => return refused(3, format!("coil value {value:#06x}")),
    };
    store(memory, Table::Coils, address, &[on])?;
    Ok([&[5], body].concat())
}

fn diagnostics(body: &[u8]) -> Result<Vec<u8>, Refused> {
    if body.len() < 2 {
        return refused(3, "no sub-function");
    }
    let sub = word(body, 0);
    if !matches!(sub, 0..=4 | 10..=18 | 20) {
        return refused(1, format!("sub-function {sub} is none of ours"));
    }
    if !body.len().is_multiple_of(2) {
        return refused(3, "data that is no whole words");
    }
    match sub {
        0 => {}
        1 if matches!(body[2..], [0 | 0xFF, 0]) => {}
        3 if matches!(body[2..], [0..=0x7F, 0]) => {}
        // Force listen-only: carried out, and never answered.
        4 if matches!(body[2..], [0, 0]) => return Ok(Vec::new()),
        2 | 10..=18 | 20 if matches!(body[2..], [0, 0]) => {}
        _ => return refused(3, format!("data of sub-function {sub}")),
    }
    Ok([&[8], body].concat())
}

/// Start, quantity, a byte count that agrees with what follows, and what follows.
fn block(
    body: &[u8],
    per_byte: impl Fn(usize) -> usize,
    most: u16,
) -> Result<(u16, usize, &[u8]), Refused> {
    if body.len() < 5 {
        return refused(3, format!("{} bytes of a write", body.len()));
    }
    let (first, quantity, data) = (word(body, 0), word(body, 2), &body[5..]);
    let count = counted(quantity, most)?;
    let expected = per_byte(count);
    if usize::from(body[4]) != expected || data.len() != expected {
        return refused(
            3,
            format!(
                "quantity {count}, byte count {}, {} bytes",
                body[4],
                data.len()
            ),
        );
    }
    Ok((first, count, data))
}

fn write_coils(memory: &mut Memory, body: &[u8]) -> Result<Vec<u8>, Refused> {
    let (first, count, data) = block(body, |bits| bits.div_ceil(8), 1968)?;
    let bit = |i: usize| u16::from(data[i / 8] >> (i % 8) & 1);
    if (count..data.len() * 8).any(|i| bit(i) != 0) {
        return refused(3, "pad bits that are not zero");
    }
    let bits: Vec<u16> = (0..count).map(bit).collect();
    store(memory, Table::Coils, first, &bits)?;
    Ok([&[15], &body[..4]].concat())
}

fn write_registers(memory: &mut Memory, body: &[u8]) -> Result<Vec<u8>, Refused> {
    let (first, _, data) = block(body, |registers| 2 * registers, 123)?;
    store(memory, Table::Holding, first, &registers(data))?;
    Ok([&[16], &body[..4]].concat())
}

/// One group of functions 20 and 21: file, record, length. All groups are judged by their
/// structure before any is by its place.
#[derive(Clone, Copy)]
struct Group {
    file: u16,
    record: u16,
    length: u16,
}

impl Group {
    fn read(bytes: &[u8]) -> Result<Group, Refused> {
        let (file, record, length) = (word(bytes, 1), word(bytes, 3), word(bytes, 5));
        if bytes[0] != 6 || length == 0 {
            return refused(3, format!("reference type {}, {length} words", bytes[0]));
        }
        Ok(Group {
            file,
            record,
            length,
        })
    }

    fn placed(self) -> Result<Group, Refused> {
        let end = u32::from(self.record) + u32::from(self.length);
        if self.file == 0 || self.record > 9999 || end > 10_000 {
            return refused(
                2,
                format!("file {} record {} to {end}", self.file, self.record),
            );
        }
        Ok(self)
    }
}

fn read_files(memory: &mut Memory, body: &[u8]) -> Result<Vec<u8>, Refused> {
    let Some((&count, bytes)) = body.split_first() else {
        return refused(3, "no byte count");
    };
    if usize::from(count) != bytes.len() || !(7..=245).contains(&count) || count % 7 != 0 {
        return refused(3, format!("byte count {count}, {} bytes", bytes.len()));
    }
    let groups = bytes.chunks_exact(7).map(Group::read);
    let groups = groups.collect::<Result<Vec<_>, _>>()?;
    let sizes = groups.iter().map(|group| 2 + 2 * usize::from(group.length));
    if sizes.sum::<usize>() > 251 {
        return refused(3, "the answer would not fit a PDU");
    }
    let mut out = Vec::new();
    for group in groups {
        let Group {
            file,
            record,
            length,
        } = group.placed()?;
        let values: Vec<u16> = (0..length)
            .map(|i| memory.record(file, record + i))
            .collect();
        // One byte counts the reference type and the values.
        let mut sub = with_count(6, &values);
        sub.swap(0, 1);
        sub[0] += 1;
        out.extend(sub);
    }
    let total = u8::try_from(out.len()).expect("at most 251");
    Ok([&[20, total], &out[..]].concat())
}

fn write_files(memory: &mut Memory, pdu: &[u8], body: &[u8]) -> Result<Vec<u8>, Refused> {
    let Some((&count, mut left)) = body.split_first() else {
        return refused(3, "no byte count");
    };
    if usize::from(count) != left.len() || !(9..=251).contains(&count) {
        return refused(3, format!("byte count {count}, {} bytes", left.len()));
    }
    let mut writes = Vec::new();
    while !left.is_empty() {
        if left.len() < 7 {
            return refused(3, "half a group");
        }
        let group = Group::read(left)?;
        let end = 7 + 2 * usize::from(group.length);
        if left.len() < end {
            return refused(3, format!("{} words in {} bytes", group.length, left.len()));
        }
        writes.push((group, registers(&left[7..end])));
        left = &left[end..];
    }
    for (group, _) in &writes {
        group.placed()?;
    }
    for (Group { file, record, .. }, values) in writes {
        for (record, value) in (record..).zip(values) {
            memory.write_record(file, record, value);
        }
    }
    Ok(pdu.to_vec())
}

fn mask(memory: &mut Memory, pdu: &[u8], body: &[u8]) -> Result<Vec<u8>, Refused> {
    let [address, and, or] = words(body)?;
    let current = load(memory, Table::Holding, address, 1)?[0];
    store(
        memory,
        Table::Holding,
        address,
        &[(current & and) | (or & !and)],
    )?;
    Ok(pdu.to_vec())
}

fn read_write(memory: &mut Memory, body: &[u8]) -> Result<Vec<u8>, Refused> {
    if body.len() < 9 {
        return refused(3, format!("{} bytes of a read and write", body.len()));
    }
    let read = counted(word(body, 2), 125)?;
    let (first, _, data) = block(&body[4..], |registers| 2 * registers, 121)?;
    let from = word(body, 0);
    // Nothing is written unless the read is in range as well; then the write comes first.
    load(memory, Table::Holding, from, read)?;
    store(memory, Table::Holding, first, &registers(data))?;
    Ok(with_count(23, &load(memory, Table::Holding, from, read)?))
}

/// The register at the address counts the values that follow it.
fn read_fifo(memory: &mut Memory, body: &[u8]) -> Result<Vec<u8>, Refused> {
    let [pointer] = words(body)?;
    let count = load(memory, Table::Holding, pointer, 1)?[0];
    if count > 31 {
        return refused(3, format!("{count} values queued"));
    }
    let queue = load(memory, Table::Holding, pointer, 1 + usize::from(count))?;
    let mut out = vec![24];
    out.extend((2 * (count + 1)).to_be_bytes());
    out.extend(queue.iter().flat_map(|value| value.to_be_bytes()));
    Ok(out)
}

fn identification(body: &[u8]) -> Result<Vec<u8>, Refused> {
    let [14, code, object] = *body else {
        return match body.first() {
            None | Some(14) => refused(3, format!("{} bytes", body.len())),
            Some(kind) => refused(1, format!("MEI type {kind}")),
        };
    };
    const OBJECTS: [&[u8]; 3] = [b"Interlock tests", b"simulated", b"1"];
    let first = usize::from(object);
    let shown = match (code, OBJECTS.get(first)) {
        (1..=3, Some(_)) => first..OBJECTS.len(),
        (1..=3, None) => 0..OBJECTS.len(), // an unknown object starts from the beginning
        (4, Some(_)) => first..first + 1,
        (4, None) => return refused(2, format!("object {object}")),
        _ => return refused(3, format!("code {code}")),
    };
    let mut out = vec![
        43,
        14,
        code,
        0x81,
        0,
        0,
        u8::try_from(shown.len()).expect("three"),
    ];
    for id in shown {
        let text = OBJECTS[id];
        out.extend([
            u8::try_from(id).expect("three"),
            u8::try_from(text.len()).expect("short"),
        ]);
        out.extend(text);
    }
    Ok(out)
}
