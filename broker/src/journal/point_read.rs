//! Reading single records whose places are known, without walking to them.

use std::io;

use interlock_protocols::record::Heading;

use super::error::Damage;
use super::layout::{self, FRAME_HEAD_BYTES, Found, Head, Kind};
use super::reader::ReadError;
use super::storage::{SegmentFile, Storage};
use super::window::read_whole;
use crate::limits::{JOURNAL_POINT_READ_BYTES, JOURNAL_POINT_SEGMENTS};

/// Reads records at places that an index remembers. A place is where a frame began when the
/// record was indexed; what stands there is judged as strictly as by a walk.
pub struct PointReader {
    storage: Box<dyn Storage>,
    /// Used last comes last.
    open: Vec<(Head, Box<dyn SegmentFile>)>,
}

/// More than a head has.
const HEAD_LOOK_BYTES: usize = 128;

impl PointReader {
    /// Reads from this storage.
    pub fn of(storage: Box<dyn Storage>) -> PointReader {
        PointReader {
            storage,
            open: Vec::new(),
        }
    }

    /// The bytes of record `sequence`, whose frame begins at `place` (segment, byte). `None`
    /// where that segment is gone: its records were removed.
    pub fn read(&mut self, sequence: u64, place: (u64, u64)) -> Result<Option<Vec<u8>>, ReadError> {
        if !self.bring(place.0, sequence)? {
            return Ok(None);
        }
        let damage = |what: String| {
            ReadError::Damage(Damage {
                segment: place.0,
                offset: place.1,
                sequence,
                what,
            })
        };
        let Some((head, file)) = self.open.last() else {
            return Ok(None);
        };
        let mut bytes = look(file.as_ref(), place.1, JOURNAL_POINT_READ_BYTES)?;
        if let Some(whole) = layout::frame_bytes(&bytes)
            && whole > bytes.len()
        {
            bytes = look(file.as_ref(), place.1, whole)?;
        }
        match layout::take(&bytes, head.salt) {
            Found::Frame(frame) if frame.kind == Kind::Record && frame.sequence == sequence => {
                match Heading::decode(frame.payload) {
                    Ok(heading) if heading.sequence == sequence => Ok(Some(frame.payload.to_vec())),
                    Ok(heading) => Err(damage(format!("its own sequence is {}", heading.sequence))),
                    Err(error) => Err(damage(error.to_string())),
                }
            }
            Found::Frame(_) => Err(damage("a frame of another record stands here".into())),
            Found::Blank => Err(damage("nothing stands here".into())),
            Found::Bad(what) => Err(damage(what.into())),
        }
    }

    /// Has segment `number` open and last; false where it is gone.
    fn bring(&mut self, number: u64, sequence: u64) -> Result<bool, ReadError> {
        if let Some(at) = self.open.iter().position(|(head, _)| head.number == number) {
            let used = self.open.remove(at);
            self.open.push(used);
            return Ok(true);
        }
        let file = match self.storage.open(number) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let head = layout::read_head(&look(file.as_ref(), 0, HEAD_LOOK_BYTES)?);
        let Some(head) = head.filter(|head| head.number == number) else {
            return Err(ReadError::Damage(Damage {
                segment: number,
                offset: 0,
                sequence,
                what: "the head of the segment is unreadable".into(),
            }));
        };
        if self.open.len() >= JOURNAL_POINT_SEGMENTS {
            self.open.remove(0);
        }
        self.open.push((head, file));
        Ok(true)
    }
}

/// Up to `want` bytes from `offset` on, fewer only at the end; never less than a frame's head.
fn look(file: &dyn SegmentFile, offset: u64, want: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; want.max(FRAME_HEAD_BYTES)];
    read_whole(file, offset, &mut bytes)?;
    Ok(bytes)
}
