//! Asking for windows and approving them in a session that is open already, shown on a page of the
//! caller's: the demo's. It takes the very words that a person types, and says what they see.

use clap::Parser;
use jiff::tz::TimeZone;

use super::approve::Approving;
use super::{Act, request, times};
use crate::approver::{self, Trusted};
use crate::failure::{Failure, Kind};
use crate::gateway::Gateway;
use crate::profile::Profile;

/// A command line behind `interlock window`.
#[derive(Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(subcommand)]
    act: Act,
}

fn parsed(line: &[&str]) -> Result<Act, Failure> {
    let line = Line::try_parse_from(line);
    line.map(|line| line.act)
        .map_err(|error| Failure::new(Kind::Usage, error.to_string(), ""))
}

/// `interlock window request`: what was shown, and the number of the window.
pub(crate) async fn request(
    line: &[&str],
    gateway: &mut Gateway,
    profile: &Profile,
) -> Result<(Vec<String>, u64), Failure> {
    let Act::Request(asked) = parsed(line)? else {
        return Err(Failure::of_program("this asks for no window"));
    };
    let zone = times::zone(asked.wanted.zone.as_deref())?;
    let when = asked.wanted.times(&asked.from, &zone)?;
    let mut offers = gateway.offers().iter();
    let offer = offers.find(|offer| offer.name == asked.device);
    let request = asked.request(offer, asked.functions()?, asked.limits()?, &when)?;
    let mut lines = request::words(&request, &when, &zone);
    let row = request::sent(gateway, profile, request).await?;
    lines.push(request::waits(&row, &TimeZone::system()));
    Ok((lines, row.window))
}

/// `interlock window approve`, with a yes to what is shown; gives what the gateway says.
pub(crate) async fn approve(
    line: &[&str],
    gateway: &mut Gateway,
    profile: &Profile,
    width: usize,
    show: impl FnOnce(&[String]) -> Result<(), Failure>,
) -> Result<String, Failure> {
    let Act::Approve(asked) = parsed(line)? else {
        return Err(Failure::of_program("this approves no window"));
    };
    let approving = Approving {
        asked: &asked,
        profile,
        trusted: &Trusted::open(profile.folder())?,
        key: &approver::key(None, profile.folder())?,
        zone: &times::zone(None)?,
    };
    let yes = async || Ok(true);
    approving.shown(gateway, width, show, yes).await
}
