//! What each device last said that it holds. It is told beside a write, as the value before, and
//! nothing is ever decided on it: whoever changes a value at the panel changes it unheard.
//!
//! A value is known only where one answer said all of it: two halves of a number, heard at two
//! times, may be of two numbers that the device held, and make a third that it never did.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use interlock_protocols::modbus::{Address, Area, Request, Response, UnitId, Values};
use interlock_protocols::record::PointValue;

use crate::clock::{Mono, Now};
use crate::limits::BEFORE_POINTS_MAX;
use crate::plant::{Access, Device, Plant, Point};

/// All devices of the plant.
pub(super) struct Hearing(Vec<Arc<Heard>>);

impl Hearing {
    /// Nothing is heard yet: what an earlier run heard may be long past.
    pub(super) fn of(plant: &Plant) -> Hearing {
        let heard = |device: &Arc<Device>| Arc::new(Heard::new(Arc::clone(device)));
        Hearing(plant.devices().iter().map(heard).collect())
    }

    pub(super) fn of_device(&self, name: &str) -> Option<(&Arc<Device>, &Arc<Heard>)> {
        let of_it = |heard: &&Arc<Heard>| heard.device.name() == name;
        let heard = self.0.iter().find(of_it)?;
        Some((&heard.device, heard))
    }
}

/// The writable points of one device, as they were last heard. A place for each point of the
/// inventory and no more: what is asked for cannot make it grow.
pub(super) struct Heard {
    device: Arc<Device>,
    /// In the order of [`Device::points`].
    places: Mutex<Vec<Place>>,
}

/// What is known of one point.
#[derive(Clone, Copy, Default, Debug)]
struct Place {
    reading: Option<Reading>,
    /// Commands that may change it and whose end is open, from their intents on.
    underway: u32,
}

/// All of one point, out of one answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Reading {
    words: [u16; 2],
    at: Mono,
}

impl Heard {
    fn new(device: Arc<Device>) -> Heard {
        let places = vec![Place::default(); device.points().len()];
        Heard {
            device,
            places: Mutex::new(places),
        }
    }

    /// Puts into `points`, which begin with those that the request writes, what they held before.
    /// While another command that may change a point is under way, nobody knows what it will hold
    /// when this one comes.
    pub(super) fn tell(
        &self,
        unit: UnitId,
        request: &Request<'_>,
        points: &mut [PointValue],
        now: Now,
    ) {
        let Some(written) = request.writes() else {
            return;
        };
        // What is told must not make a record too long that can be written without it.
        if points.len() > BEFORE_POINTS_MAX {
            return;
        }
        let range = self.device.places_in(unit, written.area);
        let places = self.places();
        for (told, place) in points.iter_mut().zip(range) {
            let known = places.get(place).filter(|place| place.underway == 0);
            let reading = known.and_then(|place| place.reading);
            let point = self.device.points().get(place);
            if let Some((point, reading)) = point.zip(reading) {
                told.before = reading.value(point);
                told.before_age_ms = told.before.map(|_| reading.age_ms(now));
            }
        }
    }

    /// Takes what the device answered. An exception says nothing about what it holds.
    fn answered(&self, unit: UnitId, request: &Request<'_>, response: &Response<'_>, now: Now) {
        if Doubt::about(request) == Some(Doubt::All) {
            return self.forget(unit, Doubt::All);
        }
        if let Some(written) = request.writes() {
            match written.values {
                // What is kept of a value that may be another by now is not known.
                Values::Mask { and, .. } if and != 0 => {
                    self.forget(unit, Doubt::In(written.area));
                }
                values => self.learn(unit, written.area, now, |at| written_word(&values, at)),
            }
        }
        let Some(read) = request.reads() else {
            return;
        };
        match response {
            Response::ReadCoils(bits) | Response::ReadDiscreteInputs(bits) => {
                self.learn(unit, read, now, |at| bits.at(at).map(u16::from));
            }
            Response::ReadHoldingRegisters(words)
            | Response::ReadInputRegisters(words)
            | Response::ReadWriteMultipleRegisters(words) => {
                self.learn(unit, read, now, |at| words.at(at));
            }
            // The answer of a FIFO queue is what it gave away, not what the register holds.
            _ => {}
        }
    }

    /// Takes the words of an area; `word` gives the one this far behind its first.
    fn learn(&self, unit: UnitId, area: Area, now: Now, word: impl Fn(usize) -> Option<u16>) {
        let range = self.device.places_in(unit, area);
        let Some(points) = self.device.points().get(range.clone()) else {
            return;
        };
        if !points.iter().any(is_kept) {
            return;
        }
        let mut places = self.places();
        let Some(places) = places.get_mut(range) else {
            return;
        };
        for (point, place) in points
            .iter()
            .zip(places)
            .filter(|(point, _)| is_kept(point))
        {
            let said = words_of(point, |address| {
                let behind = address.value().checked_sub(area.range.first().value())?;
                word(usize::from(behind))
            });
            place.reading = match said {
                [Some(first), Some(second)] => Some(Reading {
                    words: [first, second],
                    at: now.mono(),
                }),
                // A part that is as it was leaves the whole as it was heard.
                part => place.reading.filter(|whole| whole.agrees(part)),
            };
        }
    }

    fn forget(&self, unit: UnitId, doubt: Doubt) {
        self.each(unit, doubt, |place| place.reading = None);
    }

    /// Does this to all places that are in doubt.
    fn each(&self, unit: UnitId, doubt: Doubt, change: impl FnMut(&mut Place)) {
        let mut places = self.places();
        let range = match doubt {
            Doubt::In(area) => self.device.places_in(unit, area),
            Doubt::All => 0..places.len(),
        };
        if let Some(places) = places.get_mut(range) {
            places.iter_mut().for_each(change);
        }
    }

    fn places(&self) -> MutexGuard<'_, Vec<Place>> {
        // Each place is written at once, so a panic leaves none half written.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    fn agrees(&self, part: [Option<u16>; 2]) -> bool {
        let said = part.into_iter().zip(self.words);
        said.into_iter()
            .all(|(said, word)| said.is_none_or(|said| said == word))
    }

    fn value(&self, point: &Point) -> Option<f64> {
        let [first, _] = self.words;
        if point.area().table.is_bits() {
            return Some(f64::from(first));
        }
        let words = self.words.get(..width(point))?;
        point.decode(words)
    }

    fn age_ms(&self, now: Now) -> u64 {
        u64::try_from(now.mono().since(self.at).as_millis()).unwrap_or(u64::MAX)
    }
}

/// What can never be written has no value before.
fn is_kept(point: &Point) -> bool {
    point.access() == Access::ReadWrite
}

fn width(point: &Point) -> usize {
    usize::try_from(point.area().range.count()).unwrap_or(usize::MAX)
}

/// Both words of a point; of one that has a single word, nought for the other.
fn words_of(point: &Point, word: impl Fn(Address) -> Option<u16>) -> [Option<u16>; 2] {
    let range = point.area().range;
    let second = if range.first() == range.last() {
        Some(0)
    } else {
        word(range.last())
    };
    [word(range.first()), second]
}

fn written_word(values: &Values<'_>, at: usize) -> Option<u16> {
    match values {
        Values::Coil(on) => (at == 0).then_some(u16::from(*on)),
        Values::Coils(coils) => coils.at(at).map(u16::from),
        Values::Register(word) => (at == 0).then_some(*word),
        Values::Registers(words) => words.at(at),
        // Only where nothing of the value before is kept.
        Values::Mask { or, .. } => (at == 0).then_some(*or),
    }
}

/// Which points may hold something else than what was heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Doubt {
    In(Area),
    /// A file written, a restart: nobody says what that does to the tables.
    All,
}

impl Doubt {
    fn about(request: &Request<'_>) -> Option<Doubt> {
        match request.writes() {
            Some(written) => Some(Doubt::In(written.area)),
            None => request.has_effect().then_some(Doubt::All),
        }
    }
}

/// Follows one command to its end, and hears what that says of the device.
pub(super) struct Ear {
    heard: Arc<Heard>,
    unit: UnitId,
    /// Of a command with effect, until it has ended.
    doubt: Option<Doubt>,
    sent: bool,
}

impl Ear {
    /// Follows this command. One with effect puts in doubt what it may change, from here on.
    pub(super) fn new(heard: Arc<Heard>, unit: UnitId, request: &Request<'_>) -> Ear {
        let doubt = Doubt::about(request);
        if let Some(doubt) = doubt {
            heard.each(unit, doubt, |place| {
                place.underway = place.underway.saturating_add(1);
            });
        }
        Ear {
            heard,
            unit,
            doubt,
            sent: false,
        }
    }

    /// It is on its way.
    pub(super) fn sent(&mut self) {
        self.sent = true;
    }

    fn ended(&mut self) -> Option<Doubt> {
        let doubt = self.doubt.take()?;
        self.heard.each(self.unit, doubt, |place| {
            place.underway = place.underway.saturating_sub(1);
        });
        Some(doubt)
    }

    /// It was answered.
    pub(super) fn answered(
        &mut self,
        request: &Request<'_>,
        said: Option<&Response<'_>>,
        now: Now,
    ) {
        self.ended();
        if let Some(response) = said {
            self.heard.answered(self.unit, request, response, now);
        }
    }
}

impl Drop for Ear {
    /// A write that was sent and not answered may have been carried out, or not.
    fn drop(&mut self) {
        if let Some(doubt) = self.ended().filter(|_| self.sent) {
            self.heard.forget(self.unit, doubt);
        }
    }
}

impl std::fmt::Debug for Ear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ear")
            .field("unit", &self.unit)
            .field("doubt", &self.doubt)
            .finish_non_exhaustive()
    }
}
