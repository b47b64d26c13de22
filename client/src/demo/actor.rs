//! One of the people at work: a real client of the edge, from the handshake to the answer.

use std::time::Duration;

use interlock_protocols::conduit::Notice;
use interlock_protocols::modbus::Request;
use tokio::time::timeout;

use super::cast::Person;
use super::stage::Stage;
use crate::failure::{Failure, Kind};
use crate::gateway::{Gateway, steps};
use crate::modbus::{Answer, Client, notice_of};
use crate::point::{Held, Target, number, payload};

/// People are told at once; a machine that is busy may take longer.
const TOLD_WITHIN: Duration = Duration::from_secs(20);

/// A session of one of the people.
pub(super) struct Actor {
    gateway: Gateway,
    /// What they have open, as a tool does: the device, and whether writing is let through.
    open: Vec<(String, bool, Client)>,
}

/// A point as it was read.
pub(super) struct Reading {
    pub(super) value: f64,
    pub(super) shown: String,
    pub(super) place: String,
}

/// What became of a write.
pub(super) enum Written {
    /// The PLC confirmed it.
    Confirmed,
    /// The gateway refused it, and said why.
    Refused(Box<Notice>),
}

impl Actor {
    /// Connects.
    pub(super) async fn enter(stage: &Stage, person: Person) -> Result<Actor, Failure> {
        Ok(Actor {
            // What they are told stands on the page, in its place.
            gateway: stage.enter(person).await?.quiet(),
            open: Vec::new(),
        })
    }

    /// The session at the edge.
    pub(super) fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The same, to ask for something.
    pub(super) fn asking(&mut self) -> &mut Gateway {
        &mut self.gateway
    }

    /// The next thing that happened to a window of theirs, as their screen shows it.
    pub(super) async fn told(&mut self) -> Result<String, Failure> {
        match timeout(TOLD_WITHIN, self.gateway.next_step()).await {
            Ok(step) => step.map(|step| {
                let (word, text) = steps::words(&step);
                format!("{word} {text}")
            }),
            Err(_) => Err(Failure::new(Kind::Failed, "nobody told them in time", "")),
        }
    }

    /// Reads a named number of a device, in its engineering unit.
    pub(super) async fn read(&mut self, device: &str, point: &str) -> Result<Reading, Failure> {
        let target = Target::parse(point, self.gateway.offer(device)?, None)?;
        let request = target.read()?;
        let asked = self.ask(device, &target, &request, false).await?;
        let answer = match asked {
            Asked::Answer(answer) => answer,
            Asked::Refused(notice) => return Err(refused(&notice)),
        };
        let held = answer
            .response(&request)
            .and_then(|response| target.held(&response));
        let Some(Held::Registers(_, Some(value))) = held else {
            let what = format!("{point} of {device} did not come as a number");
            return Err(Failure::new(Kind::Failed, what, ""));
        };
        Ok(Reading {
            value,
            shown: format!("{} {}", rounded(value), target.engineering_unit()),
            place: target.place(),
        })
    }

    /// Writes a value in engineering units.
    pub(super) async fn write(
        &mut self,
        device: &str,
        point: &str,
        value: &str,
    ) -> Result<Written, Failure> {
        let target = Target::parse(point, self.gateway.offer(device)?, None)?;
        let payload = payload(&target, value)?;
        let request = payload
            .request(&target)
            .ok_or_else(|| Failure::of_program(format!("{point} takes no such write")))?;
        match self.ask(device, &target, &request, true).await? {
            Asked::Answer(_) => Ok(Written::Confirmed),
            Asked::Refused(notice) => Ok(Written::Refused(notice)),
        }
    }

    async fn ask(
        &mut self,
        device: &str,
        target: &Target,
        request: &Request<'_>,
        armed: bool,
    ) -> Result<Asked, Failure> {
        let opened = |it: &(String, bool, Client)| it.0 == device && it.1 == armed;
        let mut client = match self.open.iter().position(opened) {
            Some(at) => self.open.swap_remove(at).2,
            None => Client::new(self.gateway.converse(device, armed).await?),
        };
        // One that breaks is not asked again.
        let answer = client.ask(target.unit(), request).await?;
        let conversation = client.conversation();
        self.open.push((device.to_owned(), armed, client));
        let Answer::Exception { transaction, code } = answer else {
            return Ok(Asked::Answer(answer));
        };
        match notice_of(&mut self.gateway, conversation, transaction).await {
            Some(notice) => Ok(Asked::Refused(Box::new(notice))),
            None => {
                let what = format!("{device} itself refused with {code}, or nobody said why");
                Err(Failure::new(Kind::Failed, what, ""))
            }
        }
    }

    /// Ends the session in good order.
    pub(super) async fn leave(self) {
        self.gateway.goodbye().await;
    }
}

enum Asked {
    Answer(Answer),
    Refused(Box<Notice>),
}

fn refused(notice: &Notice) -> Failure {
    let Notice { what, reason, .. } = notice;
    Failure::new(Kind::Denied, format!("refused: {what} ({reason})"), "")
}

/// As a display on the panel shows it: a sensor's ninth digit tells nobody anything.
fn rounded(value: f64) -> String {
    number((value * 100.0).round() / 100.0)
}
