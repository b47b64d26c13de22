//! `interlock window show`.

use clap::Args;
use interlock_broker::clock::Clock;
use interlock_broker::subject::path;
use interlock_protocols::conduit::{DeviceOffer, PointOffer, WindowRow};
use interlock_protocols::grant::{Grant, Point};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::range::{Range, draw};
use super::row::{WindowShown, writing};
use super::{functions, one, scale, times};
use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::limits::STATUS_COLUMNS;
use crate::modbus::{Answer, Client, explain};
use crate::point::{Held, Target};
use crate::restraint::short;
use crate::screen::{self, Format, Row, one_line};
use crate::{Setting, moment};

/// Show one window: what it is for, where it stands, and its ranges with the values of now
///
/// The values are read from the device, as far as you may. In a drawing `[` and `]` are the ends of
/// what was asked for, and the bar between them is the value now.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// Its number
    window: u64,
    /// Read nothing from the device
    #[arg(long)]
    no_read: bool,
}

pub(super) async fn run(asked: &Show, setting: &Setting) -> Result<(), Failure> {
    let mut gateway = Gateway::connect(&setting.profile()?).await?;
    let looked = look(asked, &mut gateway).await;
    gateway.goodbye().await;
    let whole = looked?;
    if setting.format != Format::Table {
        return setting.print(&[whole]);
    }
    let width = screen::width().map_or(STATUS_COLUMNS, usize::from);
    let lines = whole.words(&TimeZone::system(), width);
    screen::data(&(screen::clean(&lines.join("\n")) + "\n"))
}

pub(super) async fn look(asked: &Show, gateway: &mut Gateway) -> Result<Whole, Failure> {
    let row = one(gateway, asked.window).await?;
    let mut whole = Whole::of(row, gateway.offers(), Clock::start().now().wall_ms());
    if !asked.no_read
        && let Err(failure) = whole.read(gateway).await
    {
        // The window is shown all the same.
        whole.unread = Some(failure.what().to_owned());
    }
    Ok(whole)
}

/// A window with all that is known of its points.
#[derive(Debug, Serialize)]
pub(super) struct Whole {
    #[serde(flatten)]
    window: WindowShown,
    ranges: Vec<Ranged>,
    unread: Option<String>,
    #[serde(skip)]
    row: WindowRow,
    #[serde(skip)]
    now_ms: i64,
}

/// One point of a window.
#[derive(Debug, Serialize)]
struct Ranged {
    name: String,
    unit: String,
    address: String,
    min: Option<f64>,
    max: Option<f64>,
    asked_min: Option<f64>,
    asked_max: Option<f64>,
    now: Option<f64>,
    #[serde(skip)]
    bit: bool,
    #[serde(skip)]
    offer: Option<PointOffer>,
}

impl Ranged {
    fn of(name: &str, point: &Point, device: Option<&DeviceOffer>) -> Ranged {
        let offer = device.and_then(|device| scale::offered(device, name, point));
        let written = scale::is_written(point);
        // Without an offer the values are told as the registers hold them.
        let raw = || (point.number(point.raw_min), point.number(point.raw_max));
        let asked = written.then(|| offer.map_or_else(raw, |offer| scale::asked(point, offer)));
        let address = point.first.in_table(point.table).to_string();
        Ranged {
            name: name.to_owned(),
            unit: match offer {
                Some(offer) => offer.unit.clone(),
                None => format!("raw ({address})"),
            },
            address,
            min: offer.and_then(|offer| offer.min),
            max: offer.and_then(|offer| offer.max),
            asked_min: asked.map(|(min, _)| min),
            asked_max: asked.map(|(_, max)| max),
            now: None,
            bit: point.data_type.is_none(),
            offer: offer.filter(|offer| offer.may_read && written).cloned(),
        }
    }

    fn range(&self) -> Range {
        Range {
            name: self.name.clone(),
            unit: self.unit.clone(),
            own: self.min.zip(self.max),
            asked: self.asked_min.zip(self.asked_max),
            now: self.now,
            bit: self.bit,
        }
    }
}

impl Whole {
    pub(super) fn of(row: WindowRow, offers: &[DeviceOffer], now_ms: i64) -> Whole {
        let ranges = match Grant::read_unsigned(&row.grant) {
            Ok(grant) => {
                let device = offers.iter().find(|offer| offer.name == grant.device);
                let named = grant.points().zip(&row.points);
                named
                    .map(|(point, name)| Ranged::of(name, &point, device))
                    .collect()
            }
            Err(_) => Vec::new(),
        };
        Whole {
            window: WindowShown::of(&row, now_ms, &TimeZone::system()),
            ranges,
            unread: None,
            row,
            now_ms,
        }
    }

    /// Reads what may be written, one command each, over a conversation that can write nothing.
    /// Points of reading alone are left: to read some of them does something.
    async fn read(&mut self, gateway: &mut Gateway) -> Result<(), Failure> {
        let Ok(grant) = Grant::read_unsigned(&self.row.grant) else {
            return Ok(());
        };
        if self.ranges.iter().all(|ranged| ranged.offer.is_none()) {
            return Ok(());
        }
        let (stream, device) = gateway.enter(grant.device, false).await?;
        let targets: Vec<Option<Target>> = self
            .ranges
            .iter()
            .map(|ranged| {
                let name = ranged.offer.as_ref().map(|offer| offer.name.as_str());
                name.map(|name| Target::parse(name, device, None))
                    .transpose()
            })
            .collect::<Result<_, _>>()?;
        let mut client = Client::new(stream);
        for (ranged, target) in self.ranges.iter_mut().zip(targets) {
            let Some(target) = target else {
                continue;
            };
            let request = target.read()?;
            let answer = client.ask(target.unit(), &request).await?;
            if let Answer::Exception { transaction, code } = answer {
                return Err(explain(gateway, client.conversation(), transaction, code).await);
            }
            let held = answer
                .response(&request)
                .and_then(|response| target.held(&response));
            ranged.now = match held {
                Some(Held::Bits(bits)) => bits.first().map(|on| f64::from(u8::from(*on))),
                Some(Held::Registers(_, value)) => value,
                None => None,
            };
        }
        Ok(())
    }

    pub(super) fn words(&self, zone: &TimeZone, width: usize) -> Vec<String> {
        let row = &self.row;
        let mut lines = vec![format!("window {}: {}", row.window, row.state.name())];
        let mut say = |what: &str, says: String| {
            lines.push(format!("  {what:<12}{}", one_line(&says)));
        };
        let minute = |ms| moment::minute(ms, zone);
        say(
            "asked by",
            format!("{} on {}", path(&row.by), minute(row.asked_ms)),
        );
        say("what for", format!("\"{}\"", row.reason));
        if let Some(extends) = row.extends {
            say("extends", format!("window {extends}"));
        }
        match Grant::read_unsigned(&row.grant) {
            Ok(grant) => self.grant(&grant, zone, &mut say),
            Err(error) => say("its grant", format!("cannot be read: {error}")),
        }
        for approval in &row.approvals {
            let by = path(&approval.approved.by);
            let comment = match approval.approved.comment.as_str() {
                "" => String::new(),
                comment => format!(": \"{comment}\""),
            };
            say(
                "approved by",
                format!("{by} on {}{comment}", minute(approval.time_ms)),
            );
        }
        if !row.refusal.is_empty() {
            say("refused", format!("\"{}\"", row.refusal));
        }
        if let Some(restriction) = row.restriction {
            say("revoked by", format!("restriction {restriction}"));
        }
        if !self.ranges.is_empty() {
            lines.push(String::new());
            let ranges: Vec<Range> = self.ranges.iter().map(Ranged::range).collect();
            lines.extend(draw(&ranges, width));
        }
        if let Some(why) = &self.unread {
            lines.push(format!("not all could be read: {}", one_line(why)));
        }
        lines
    }

    fn grant(&self, grant: &Grant<'_>, zone: &TimeZone, say: &mut dyn FnMut(&str, String)) {
        let row = &self.row;
        let guard = match grant.guard {
            "" => String::new(),
            guard => format!(", behind the guard {guard}"),
        };
        say("device", format!("{}{guard}", grant.device));
        say("machine", short(grant.holder_key));
        for (at, span) in grant.spans().enumerate() {
            let what = if at == 0 { "open" } else { "" };
            say(what, times::span_words(&span, zone));
        }
        let names: Vec<&str> = writing(grant).into_iter().map(functions::short).collect();
        match names.as_slice() {
            [] => say("may", "read".to_owned()),
            names => {
                say("may", format!("read, {}", names.join(", ")));
                let used = format!("{} of {} used", row.used, grant.max_writes);
                let each = if grant.spans().len() > 1 {
                    ", each time"
                } else {
                    ""
                };
                say("writes", format!("{used}{each}"));
            }
        }
        if grant.supervised {
            say(
                "supervised",
                "nothing passes unless another organisation watches".to_owned(),
            );
        }
        if grant.hold {
            say(
                "held",
                "each write waits for the yes of whoever watches".to_owned(),
            );
        }
        let needs = format!("{} of {} approvers", grant.quorum, grant.approvers().len());
        say("needs", needs);
        if self.now_ms < row.waits_until_ms && row.approvals.len() < usize::from(grant.quorum) {
            say("waits until", moment::minute(row.waits_until_ms, zone));
        }
    }
}

impl Row for Whole {
    const HEADER: &'static [&'static str] = WindowShown::HEADER;
    const FIELDS: &'static [&'static str] = WindowShown::FIELDS;

    fn cells(&self) -> Vec<String> {
        self.window.cells()
    }

    fn fields(&self) -> Vec<String> {
        self.window.fields()
    }
}
