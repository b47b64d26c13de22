//! After the tour: the local address of each PLC, and the commands to try.

use std::net::SocketAddr;
use std::path::Path;

use interlock_protocols::conduit::DeviceOffer;
use tokio::sync::oneshot;

use super::cast::Person;
use super::page::{self, Page};
use super::stage::Stage;
use crate::connect::{self, Listener};
use crate::failure::{Failure, Kind};
use crate::gateway::Gateway;

/// Serves olga's local addresses, armed for writing, until Ctrl-C.
pub(super) async fn stay(
    stage: &Stage,
    page: &mut Page,
    interrupted: oneshot::Receiver<()>,
) -> Result<(), Failure> {
    let gateway = stage.enter(Person::Olga).await?;
    let mut listeners = Vec::new();
    for offer in gateway.offers() {
        listeners.push(take(offer, page).await?);
    }
    invite(stage, page, &gateway, &listeners)?;
    let profile = stage.profile(Person::Olga)?;
    // The edge lives in this program: once it is lost there is nothing to wait for.
    let stay = connect::Stay {
        once: true,
        sole: Vec::new(),
    };
    connect::serve(listeners, gateway, &profile, stay, interrupted).await
}

/// The device's own address, or any free one: a demo is set up in no tool, so unlike `connect`
/// it may move.
async fn take(offer: &DeviceOffer, page: &mut Page) -> Result<Listener, Failure> {
    let taken = match Listener::bind(offer, true).await {
        Ok(listener) => return Ok(listener),
        Err(failure) if failure.kind() == Kind::Configuration => failure,
        Err(failure) => return Err(failure),
    };
    let mut anywhere = offer.clone();
    "127.0.0.1:0".clone_into(&mut anywhere.local_address);
    let listener = Listener::bind(&anywhere, true).await?;
    page.gap()?;
    page.opening(&format!(
        "Note: {}. The demo uses {} instead.",
        taken.what(),
        listener.address()
    ))?;
    Ok(listener)
}

fn invite(
    stage: &Stage,
    page: &mut Page,
    gateway: &Gateway,
    listeners: &[Listener],
) -> Result<(), Failure> {
    page.title("Now you")?;
    page.words(
        "The waterworks goes on until you press Ctrl-C here. As olga, and with writing let \
         through, each PLC has an address of its own on this machine:",
    )?;
    let mut rows = Vec::new();
    for listener in listeners {
        let offer = gateway.offer(listener.device())?;
        let address = listener.address();
        rows.push(vec![
            offer.name.clone(),
            address.to_string(),
            format!("unit {}", offer.unit),
            format!("in zone {}", offer.zone),
        ]);
    }
    page.seen(&rows)?;
    page.words(
        "With mbpoll (on Debian: apt install mbpoll) in another terminal. It counts \
         addresses from 1, and registers are raw:",
    )?;
    page.gap()?;
    for listener in listeners {
        page.commands(&mbpoll(listener.device(), listener.address()))?;
    }
    page.gap()?;
    page.words(
        "What is refused looks like `Illegal function` there. Why, and by which rule, is told \
         here. Any other Modbus/TCP tool of yours will do as well.",
    )?;
    page.gap()?;
    page.words("With our own commands:")?;
    page.gap()?;
    page.commands(&own(stage)?)?;
    page.gap()?;
    page.words("Ctrl-C stops everything in order and removes the folder.")
}

pub(super) fn mbpoll(device: &str, address: SocketAddr) -> Vec<String> {
    let to = format!("-p {} {}", address.port(), address.ip());
    let lines: &[(&str, &str, &str)] = if device == "press-4" {
        &[
            ("-1 -r 101", "", "9000 is 900 rpm"),
            ("-1 -r 101", " 8500", "sets 850 rpm"),
            ("-1 -t 3 -r 1", "", "the speed, on its way"),
            ("-1 -t 3:float -r 3", "", "oil temperature in °C"),
            ("-1 -r 101", " 13000", "refused by a limit"),
            ("-1 -r 200", " 1", "refused: no named point"),
        ]
    } else {
        &[("-1 -a 3 -t 3 -r 1 -c 2", "", "level and flow, unit 3")]
    };
    lines
        .iter()
        .map(|(what, value, why)| {
            let command = format!("mbpoll {what} {to}{value}");
            format!("{command:<51}# {why}")
        })
        .collect()
}

fn own(stage: &Stage) -> Result<Vec<String>, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::of_program(format!("this program does not know where it is: {error}"))
    })?;
    let name = program
        .file_name()
        .map_or_else(|| "interlock".to_owned(), |name| quoted(Path::new(name)));
    let mut lines = Vec::new();
    if let Some(folder) = program.parent() {
        lines.push(format!("PATH={}:$PATH", quoted(folder)));
    }
    let folder = quoted(stage.folder());
    // A shell would split a folder with a space in its name where it is used.
    let demo = if folder.starts_with('\'') {
        "\"$demo\""
    } else {
        "$demo"
    };
    lines.push(format!("demo={folder}"));
    let journal = stage.journal();
    let journal = journal.strip_prefix(stage.folder()).unwrap_or(journal);
    for line in [
        &format!("--profile {demo}/olga devices press-4"),
        &format!("--profile {demo}/olga read press-4 speed temperature run"),
        &format!("--profile {demo}/olga write press-4 speed_setpoint=1000"),
        &format!("--profile {demo}/olga write press-4 pressure_setpoint=8.5"),
        &format!("--profile {demo}/victor devices"),
        &format!("--profile {demo}/arno window list"),
        &format!("--profile {demo}/aida journal show"),
        &format!("journal verify {demo}/{}", journal.display()),
    ] {
        lines.push(format!("{name} {line}"));
    }
    Ok(lines)
}

/// As a shell takes it.
pub(super) fn quoted(path: &Path) -> String {
    page::quoted(&path.display().to_string())
}
