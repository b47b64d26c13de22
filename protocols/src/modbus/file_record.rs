//! Functions 20 and 21, file records: lists of groups inside one PDU; V1.1b3 §6.14, §6.15.

use super::{Malformed, Mismatch, Registers};
use crate::limits::{FILE_READ_BYTES, FILE_RECORDS, FILE_WRITE_BYTES, PDU_MAX_BYTES};

/// The only reference type that the standard knows.
const REFERENCE_TYPE: u8 = 6;
const GROUP_BYTES: usize = 7;

/// Records of one file to read: never empty, never past record 9,999.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileRead {
    file: u16,
    record: u16,
    length: u16,
}

impl FileRead {
    /// `None` for file 0, for no record, and where record and length pass 10,000.
    pub fn new(file: u16, record: u16, length: u16) -> Option<FileRead> {
        let end = u32::from(record).checked_add(u32::from(length))?;
        (file != 0 && length != 0 && end <= FILE_RECORDS).then_some(FileRead {
            file,
            record,
            length,
        })
    }

    /// The file, from 1.
    pub const fn file(&self) -> u16 {
        self.file
    }

    /// The first record, from 0.
    pub const fn record(&self) -> u16 {
        self.record
    }

    /// How many registers.
    pub const fn length(&self) -> u16 {
        self.length
    }

    /// One group of a request: what [`FileReads::new`] takes, one after the other.
    pub const fn to_bytes(&self) -> [u8; GROUP_BYTES] {
        let [f0, f1] = self.file.to_be_bytes();
        let [r0, r1] = self.record.to_be_bytes();
        let [l0, l1] = self.length.to_be_bytes();
        [REFERENCE_TYPE, f0, f1, r0, r1, l0, l1]
    }
}

/// 1 to 35 groups to read, whose reply fits into one PDU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileReads<'a>(&'a [u8]);

impl<'a> FileReads<'a> {
    /// Takes groups as [`FileRead::to_bytes`] makes them. `None` where one is not legal, and
    /// where the reply would not fit.
    pub fn new(groups: &'a [u8]) -> Option<FileReads<'a>> {
        FileReads::judge(groups).ok()
    }

    /// `body` is what follows the function code.
    pub(super) fn decode(body: &'a [u8]) -> Result<FileReads<'a>, Malformed> {
        FileReads::judge(counted(body)?)
    }

    fn judge(groups: &'a [u8]) -> Result<FileReads<'a>, Malformed> {
        let (list, rest) = groups.as_chunks::<GROUP_BYTES>();
        if !FILE_READ_BYTES.contains(&groups.len()) || !rest.is_empty() {
            return Err(Malformed::Structure(
                "the byte count of a file read is 7 to 245, a multiple of 7",
            ));
        }
        // Structure is judged over the whole list before any address is.
        let mut reply: usize = 2;
        for &[reference, .., l0, l1] in list {
            judge_group(reference, u16::from_be_bytes([l0, l1]))?;
            let values = usize::from(u16::from_be_bytes([l0, l1])).saturating_mul(2);
            reply = reply.saturating_add(2).saturating_add(values);
        }
        if reply > PDU_MAX_BYTES {
            return Err(Malformed::Structure(
                "the records asked for do not fit into one reply",
            ));
        }
        if list.iter().any(|group| read_in(group).is_none()) {
            return Err(Malformed::Address);
        }
        Ok(FileReads(groups))
    }

    /// The groups in order.
    pub fn iter(&self) -> impl Iterator<Item = FileRead> + use<'a> {
        self.0.as_chunks().0.iter().filter_map(read_in)
    }

    /// The groups as on the wire.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// Records of one file to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileWrite<'a> {
    /// Which records.
    pub place: FileRead,
    /// What to write: as many registers as `place` has.
    pub values: Registers<'a>,
}

/// Groups to write, each with its values, in 9 to 251 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileWrites<'a>(&'a [u8]);

impl<'a> FileWrites<'a> {
    /// Takes groups one after the other: [`FileRead::to_bytes`], then two bytes a register.
    /// `None` where one is not legal.
    pub fn new(groups: &'a [u8]) -> Option<FileWrites<'a>> {
        FileWrites::judge(groups).ok()
    }

    /// `body` is what follows the function code.
    pub(super) fn decode(body: &'a [u8]) -> Result<FileWrites<'a>, Malformed> {
        FileWrites::judge(counted(body)?)
    }

    fn judge(groups: &'a [u8]) -> Result<FileWrites<'a>, Malformed> {
        if !FILE_WRITE_BYTES.contains(&groups.len()) {
            return Err(Malformed::Structure(
                "the byte count of a file write is 9 to 251",
            ));
        }
        let mut rest = groups;
        let mut address = Ok(());
        while !rest.is_empty() {
            let (head, values, behind) = group(rest).ok_or(Malformed::Structure(
                "the groups of a file write do not add up to its byte count",
            ))?;
            let &[reference, .., l0, l1] = head;
            judge_group(reference, u16::from_be_bytes([l0, l1]))?;
            if read_in(head).is_none() || Registers::new(values).is_none() {
                address = Err(Malformed::Address);
            }
            rest = behind;
        }
        address.map(|()| FileWrites(groups))
    }

    /// The groups in order.
    pub fn iter(&self) -> impl Iterator<Item = FileWrite<'a>> + use<'a> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (head, values, behind) = group(rest)?;
            rest = behind;
            Some(FileWrite {
                place: read_in(head)?,
                values: Registers::new(values)?,
            })
        })
    }

    /// The groups as on the wire.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// The reply to a read of file records: one group of registers for each group asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileRecords<'a>(&'a [u8]);

impl<'a> FileRecords<'a> {
    /// `body` is what follows the function code.
    pub(super) fn decode(
        asked: &FileReads<'_>,
        body: &'a [u8],
    ) -> Result<FileRecords<'a>, Mismatch> {
        let groups = counted(body).map_err(|_| Mismatch::Length)?;
        let mut rest = groups;
        for wanted in asked.iter() {
            let (values, behind) = answered(rest).ok_or(Mismatch::Length)?;
            if values.len() != usize::from(wanted.length) {
                return Err(Mismatch::Count);
            }
            rest = behind;
        }
        if rest.is_empty() {
            Ok(FileRecords(groups))
        } else {
            Err(Mismatch::Length)
        }
    }

    /// The groups in the order in which they were asked for.
    pub fn iter(&self) -> impl Iterator<Item = Registers<'a>> + use<'a> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (values, behind) = answered(rest)?;
            rest = behind;
            Some(values)
        })
    }

    /// The groups as on the wire.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// Cuts the first group of a reply off. Its own length counts the reference type as well.
fn answered(bytes: &[u8]) -> Option<(Registers<'_>, &[u8])> {
    let (&[length, REFERENCE_TYPE], rest) = bytes.split_first_chunk()? else {
        return None;
    };
    let (values, behind) = rest.split_at_checked(usize::from(length.checked_sub(1)?))?;
    Some((Registers::new(values)?, behind))
}

/// What a byte count in front announces, when it says exactly what follows.
fn counted(body: &[u8]) -> Result<&[u8], Malformed> {
    match body.split_first() {
        Some((&count, list)) if usize::from(count) == list.len() => Ok(list),
        _ => Err(Malformed::Structure(
            "the byte count is not the number of bytes that follow",
        )),
    }
}

fn judge_group(reference: u8, length: u16) -> Result<(), Malformed> {
    if reference != REFERENCE_TYPE {
        return Err(Malformed::Structure("the reference type is 6"));
    }
    if length == 0 {
        return Err(Malformed::Structure("a group of no records"));
    }
    Ok(())
}

/// Cuts the first group of a write off: its head, its values, and what follows.
fn group(bytes: &[u8]) -> Option<(&[u8; GROUP_BYTES], &[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<GROUP_BYTES>()?;
    let &[.., l0, l1] = head;
    let length = usize::from(u16::from_be_bytes([l0, l1])).checked_mul(2)?;
    let (values, behind) = rest.split_at_checked(length)?;
    Some((head, values, behind))
}

fn read_in(group: &[u8; GROUP_BYTES]) -> Option<FileRead> {
    let &[_, f0, f1, r0, r1, l0, l1] = group;
    FileRead::new(
        u16::from_be_bytes([f0, f1]),
        u16::from_be_bytes([r0, r1]),
        u16::from_be_bytes([l0, l1]),
    )
}
