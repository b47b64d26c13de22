//! `interlock window extend`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use interlock_broker::clock::Clock;
use interlock_protocols::conduit::{DeviceOffer, WindowLimit, WindowRequest, WindowRow};
use interlock_protocols::grant::Grant;
use interlock_protocols::modbus::FunctionCode;
use jiff::tz::TimeZone;

use super::request::{Wanted, say, send};
use super::times::{self, Times};
use super::{one, row, scale};
use crate::failure::{Failure, Kind};
use crate::gateway::Gateway;
use crate::{Setting, moment};

/// Ask for more of a window: a new request, linked to the old one, for the same points and limits
#[derive(Debug, Args)]
pub(super) struct Extend {
    /// Number of the window
    window: u64,
    /// When it begins, as in a request [default: when the old one ends, or now if it has]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// What for [default: as before]
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    reason: Option<String>,
    #[command(flatten)]
    wanted: Wanted,
}

pub(super) async fn run(asked: &Extend, setting: &Setting) -> Result<(), Failure> {
    let zone = times::zone(asked.wanted.zone.as_deref())?;
    let limits = asked.wanted.limits()?;
    let profile = setting.profile()?;
    let mut gateway = Gateway::connect(&profile).await?;
    let done = match one(&mut gateway, asked.window).await {
        Ok(old) => match asked.request(&old, gateway.offers(), limits, &zone) {
            Ok((request, times)) => {
                say(&request, &times, &zone);
                send(&mut gateway, &profile, setting, request, asked.wanted.wait).await
            }
            Err(failure) => Err(failure),
        },
        Err(failure) => Err(failure),
    };
    gateway.goodbye().await;
    done
}

impl Extend {
    /// The same once more: device, points, functions and ranges are those of the old grant.
    pub(super) fn request(
        &self,
        old: &WindowRow,
        offers: &[DeviceOffer],
        narrower: Vec<WindowLimit>,
        zone: &TimeZone,
    ) -> Result<(WindowRequest, Times), Failure> {
        let grant = Grant::read_unsigned(&old.grant).map_err(|error| {
            let what = format!("the grant of window {} cannot be read: {error}", old.window);
            Failure::new(Kind::Failed, what, "ask for a window of its own")
        })?;
        let offer = offers
            .iter()
            .find(|offer| offer.name == grant.device)
            .ok_or_else(|| {
                let what = format!("`{}` is not offered to you any more", grant.device);
                Failure::new(Kind::Denied, what, "ask for a window of its own")
            })?;
        let mut kept = scale::limits(&grant, &old.points, offer)?;
        kept.retain(|limit| narrower.iter().all(|other| other.point != limit.point));
        kept.extend(narrower);
        let now_ms = Clock::start().now().wall_ms();
        let ends_ms = i64::try_from(grant.reach_ms().1).unwrap_or(i64::MAX);
        let from = match &self.from {
            Some(from) => from.clone(),
            None if ends_ms > now_ms => moment::rfc3339(ends_ms),
            None => "now".to_owned(),
        };
        let times = self.wanted.times(&from, zone)?;
        let functions = row::writing(&grant);
        let request = WindowRequest {
            device: grant.device.to_owned(),
            points: old.points.clone(),
            functions: functions.into_iter().map(FunctionCode::code).collect(),
            spans: times.spans(),
            max_writes: self.wanted.max_writes.unwrap_or(grant.max_writes),
            limits: kept,
            reason: self.reason.clone().unwrap_or_else(|| old.reason.clone()),
            waits_s: self.wanted.waits,
            extends: Some(old.window),
            supervised: self.wanted.supervised || grant.supervised,
            hold: self.wanted.hold || grant.hold,
        };
        Ok((request, times))
    }
}
