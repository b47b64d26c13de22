//! `interlock window request` and `extend`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use interlock_broker::clock::Clock;
use interlock_broker::document::did_you_mean;
use interlock_protocols::conduit::{
    Ask, DeviceOffer, PointOffer, WindowLimit, WindowRequest, WindowRow,
};
use interlock_protocols::modbus::FunctionCode;
use jiff::tz::TimeZone;

use super::row::WindowShown;
use super::times::{self, Length, Times, When};
use super::{functions, limits, rows, wait};
use crate::failure::{Failure, Kind};
use crate::gateway::Gateway;
use crate::profile::Profile;
use crate::{Setting, moment, screen};

/// Ask for a maintenance window
///
/// Others approve it, or not, for as long as --waits says; it opens at --from, however early it was
/// approved. The times are shown with their distance from UTC before anything is sent. The points
/// can be read in it in any case.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Request {
    /// The device
    #[arg(long)]
    pub(super) device: String,
    /// Its points, with commas between
    #[arg(long, value_delimiter = ',', required = true)]
    points: Vec<String>,
    /// What to do to them: write-register, write-registers, write-coil, write-coils, mask-register,
    /// or whole names [default: what fits the points]
    #[arg(long, value_delimiter = ',')]
    functions: Vec<String>,
    /// When it begins: 2026-11-22 14:30, 14:30, 2026-11-22T14:30:00+01:00, or now
    #[arg(long, value_name = "TIME")]
    pub(super) from: String,
    /// What for: a work order, for one
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: String,
    #[command(flatten)]
    pub(super) wanted: Wanted,
}

#[derive(Debug, Args)]
pub(super) struct Wanted {
    /// For how long: 2h, 90m, 1d
    #[arg(
        long = "for",
        value_name = "LENGTH",
        conflicts_with = "until",
        required_unless_present = "until"
    )]
    length: Option<String>,
    /// Until when, written as for --from; a time of day is the first after the beginning
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// So many times, each week at the same local time, whatever the clocks do
    #[arg(long, value_name = "N", default_value_t = 1)]
    weekly: usize,
    /// The time zone of these times: Europe/Berlin [default: this machine's own]
    #[arg(long, value_name = "ZONE")]
    pub(super) zone: Option<String>,
    /// Most commands that write, each time; 0 for reading alone
    #[arg(long, value_name = "N")]
    pub(super) max_writes: Option<u32>,
    /// Narrower limits for a point, in its unit: speed_setpoint=0..800; may be repeated
    #[arg(long = "limit", value_name = "POINT=LEAST..GREATEST")]
    limits: Vec<String>,
    /// For how long the request may wait to be approved
    #[arg(long, value_name = "LENGTH", default_value = "1d", value_parser = times::seconds)]
    pub(super) waits: u32,
    /// Have somebody of another organisation watch all of it; policy may want it anyway
    #[arg(long)]
    pub(super) supervised: bool,
    /// Have each write wait for their yes; policy may want it anyway
    #[arg(long)]
    pub(super) hold: bool,
    /// Wait until it is approved or refused
    #[arg(long)]
    pub(super) wait: bool,
}

const EXAMPLES: &str = "\
Examples:
  interlock window request --device press-4 --points speed_setpoint,ramp --from '2026-11-22 14:30' \\
    --for 2h --max-writes 20 --limit speed_setpoint=100..800 --reason WO-1234
  interlock window request --device press-4 --points speed_setpoint --from 22:00 --until 06:00 \\
    --weekly 8 --zone Europe/Berlin --max-writes 5 --reason 'night runs'";

pub(super) async fn run(asked: &Request, setting: &Setting) -> Result<(), Failure> {
    let zone = times::zone(asked.wanted.zone.as_deref())?;
    let times = asked.wanted.times(&asked.from, &zone)?;
    // What is misspelt is said before anybody is asked for a PIN.
    let (functions, limits) = (asked.functions()?, asked.limits()?);
    let profile = setting.profile()?;
    let mut gateway = Gateway::connect(&profile).await?;
    let offer = gateway
        .offers()
        .iter()
        .find(|offer| offer.name == asked.device);
    let request = asked.request(offer, functions, limits, &times);
    let done = match request {
        Ok(request) => {
            say(&request, &times, &zone);
            send(&mut gateway, &profile, setting, request, asked.wanted.wait).await
        }
        Err(failure) => Err(failure),
    };
    gateway.goodbye().await;
    done
}

impl Wanted {
    pub(super) fn times(&self, from: &str, zone: &TimeZone) -> Result<Times, Failure> {
        let length = match (&self.length, &self.until) {
            (Some(length), _) => Length::For(length),
            (None, until) => Length::Until(until.as_deref().unwrap_or_default()),
        };
        let when = When {
            from,
            length,
            weekly: self.weekly,
        };
        when.resolve(Clock::start().now().wall_ms(), zone)
    }

    pub(super) fn limits(&self) -> Result<Vec<WindowLimit>, Failure> {
        self.limits.iter().map(|text| limits::parse(text)).collect()
    }
}

impl Request {
    pub(super) fn functions(&self) -> Result<Vec<FunctionCode>, Failure> {
        self.functions
            .iter()
            .map(|text| functions::named(text))
            .collect()
    }

    pub(super) fn limits(&self) -> Result<Vec<WindowLimit>, Failure> {
        self.wanted.limits()
    }

    /// What the gateway is asked for. A device that was not offered is asked for all the same: to
    /// refuse it is the gateway's to decide, and to record.
    pub(super) fn request(
        &self,
        offer: Option<&DeviceOffer>,
        mut functions: Vec<FunctionCode>,
        limits: Vec<WindowLimit>,
        times: &Times,
    ) -> Result<WindowRequest, Failure> {
        let wanted = &self.wanted;
        for limit in &limits {
            if !self.points.contains(&limit.point) {
                let what = format!(
                    "there is a limit for `{}`, and it is not among the points",
                    limit.point
                );
                return Err(usage(what, "name it with --points as well"));
            }
        }
        match offer {
            Some(offer) => {
                let points = points(offer, &self.points)?;
                functions::fit(&functions, &points)?;
                if functions.is_empty() && wanted.max_writes != Some(0) {
                    functions = functions::fitting(&points);
                }
            }
            None if functions.is_empty() && wanted.max_writes != Some(0) => {
                let what = format!(
                    "what fits the points of `{}` is not known: it was not offered to you",
                    self.device
                );
                return Err(usage(what, "name the functions with --functions"));
            }
            None => {}
        }
        let writes = functions
            .iter()
            .any(|code| functions::writes(*code).is_some());
        let max_writes = match wanted.max_writes {
            Some(most) => most,
            None if writes => {
                let what = "it does not say how many commands may write".to_owned();
                return Err(usage(
                    what,
                    "say so with --max-writes; 0 is for reading alone",
                ));
            }
            None => 0,
        };
        Ok(WindowRequest {
            device: self.device.clone(),
            points: self.points.clone(),
            functions: functions.into_iter().map(FunctionCode::code).collect(),
            spans: times.spans(),
            max_writes,
            limits,
            reason: self.reason.clone(),
            waits_s: wanted.waits,
            extends: None,
            supervised: wanted.supervised,
            hold: wanted.hold,
        })
    }
}

/// The points of these names.
fn points<'o>(offer: &'o DeviceOffer, names: &[String]) -> Result<Vec<&'o PointOffer>, Failure> {
    let one = |name: &String| {
        let found = offer.points.iter().find(|point| point.name == *name);
        found.ok_or_else(|| {
            let names = offer.points.iter().map(|point| point.name.as_str());
            let meant = did_you_mean(name, names).map_or(String::new(), |meant| meant + " ");
            usage(
                format!("`{name}` is no point of {}", offer.name),
                format!("{meant}`interlock devices {}` lists them", offer.name),
            )
        })
    };
    names.iter().map(one).collect()
}

/// Says what is asked for, before it is sent.
pub(super) fn say(request: &WindowRequest, times: &Times, zone: &TimeZone) {
    for line in words(request, times, zone) {
        screen::say(&line);
    }
}

pub(super) fn words(request: &WindowRequest, times: &Times, zone: &TimeZone) -> Vec<String> {
    let codes = request
        .functions
        .iter()
        .filter_map(|code| FunctionCode::from_code(*code));
    let names: Vec<&str> = codes.map(functions::short).collect();
    let how = match names.as_slice() {
        [] => "reading alone".to_owned(),
        names => format!(
            "{}, at most {} {}{}",
            names.join(", "),
            request.max_writes,
            if request.max_writes == 1 {
                "write"
            } else {
                "writes"
            },
            if request.spans.len() > 1 {
                " each time"
            } else {
                ""
            }
        ),
    };
    let mut lines = vec![
        format!(
            "asking for {}: {}",
            request.device,
            request.points.join(", ")
        ),
        format!("  {how}"),
    ];
    lines.extend(request.limits.iter().map(|limit| {
        let (min, max) = (
            crate::point::number(limit.min),
            crate::point::number(limit.max),
        );
        format!("  {} from {min} to {max}", limit.point)
    }));
    lines.push(format!("  in the time of {}:", times::name(zone)));
    lines.extend(times.words().into_iter().map(|time| format!("  {time}")));
    lines
}

pub(super) async fn send(
    gateway: &mut Gateway,
    profile: &Profile,
    setting: &Setting,
    request: WindowRequest,
    wait: bool,
) -> Result<(), Failure> {
    let row = sent(gateway, profile, request).await?;
    let zone = TimeZone::system();
    let now_ms = Clock::start().now().wall_ms();
    setting.print(&[WindowShown::of(&row, now_ms, &zone)])?;
    screen::say(&waits(&row, &zone));
    if wait {
        let row = wait::decided(gateway, row).await?;
        screen::say(&format!("window {} is {}", row.window, row.state.name()));
        return wait::outcome(&row);
    }
    Ok(())
}

/// Files the request; gives the window that waits now.
pub(super) async fn sent(
    gateway: &mut Gateway,
    profile: &Profile,
    request: WindowRequest,
) -> Result<WindowRow, Failure> {
    gateway.show_presence(profile).await?;
    let parts = gateway.ask_for_parts(Ask::RequestWindow(request)).await?;
    let row = rows(parts).into_iter().next();
    row.ok_or_else(crate::invite::unexpected)
}

/// What is to come of it.
pub(super) fn waits(row: &WindowRow, zone: &TimeZone) -> String {
    format!(
        "window {} waits to be approved until {}: `interlock window approve {}`, by somebody else",
        row.window,
        moment::minute(row.waits_until_ms, zone),
        row.window
    )
}

fn usage(what: String, next: impl Into<String>) -> Failure {
    Failure::new(Kind::Usage, what, next)
}
