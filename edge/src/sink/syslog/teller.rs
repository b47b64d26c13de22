//! Records as frames of one payload.

use interlock_broker::journal::Line;
use interlock_protocols::record::Record;

use super::SinkError;
use crate::limits::SYSLOG_CHUNK_BYTES;
use crate::sink::Source;
use crate::sink::context::{Context, Origin};
use crate::sink::{ocsf, rfc5424, zeek};

/// What the text of a message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sink) enum Payload {
    /// An event of OCSF.
    Ocsf,
    /// A line of Zeek's `modbus_detailed.log`.
    Zeek,
}

/// Tells records in order, and remembers of each what later ones need.
pub(super) struct Teller {
    payload: Payload,
    origin: Origin,
    context: Context,
}

impl Teller {
    pub(super) fn new(source: &Source, payload: Payload) -> Teller {
        let devices = source.devices.clone();
        Teller {
            payload,
            origin: Origin::new(&source.gateway, &source.site, devices),
            context: Context::default(),
        }
    }

    /// Takes note of a record that is not told. One that cannot be read says nothing.
    pub(super) fn note(&mut self, line: &Line) {
        if let Ok(record) = Record::decode(&line.bytes) {
            self.context.note(&record);
        }
    }

    /// The frames of the first records, and of how many: as many as fit a chunk, at least one.
    pub(super) fn tell(&mut self, lines: &[Line]) -> Result<(Vec<u8>, usize), SinkError> {
        let (mut frames, mut count) = (Vec::new(), 0);
        for line in lines {
            self.tell_one(line, &mut frames)?;
            count += 1;
            if frames.len() >= SYSLOG_CHUNK_BYTES {
                break;
            }
        }
        Ok((frames, count))
    }

    fn tell_one(&mut self, line: &Line, frames: &mut Vec<u8>) -> Result<(), SinkError> {
        // Left out it would be missing for good; a newer program tells it.
        let fail = |why: &dyn std::fmt::Display| {
            SinkError::Setup(format!("record {} cannot be told: {why}", line.sequence))
        };
        let record = Record::decode(&line.bytes).map_err(|why| fail(&why))?;
        self.context.note(&record);
        let text = match self.payload {
            Payload::Ocsf => {
                ocsf::line(&self.origin, &self.context, &record, &line.bytes).map(Some)
            }
            Payload::Zeek => zeek::line(&self.origin, &self.context, &record),
        };
        if let Some(text) = text.map_err(|why| fail(&why))? {
            frames.append(&mut rfc5424::frame(&self.origin, &record, &text));
        }
        Ok(())
    }
}
