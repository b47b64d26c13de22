//! `interlock connect`: the local address of each device, as long as the session lasts.

mod carry;
mod certificate;
mod listen;
mod repeats;
pub(crate) mod sole;
#[cfg(test)]
mod tests;

use std::time::Duration;

use clap::Args;
use interlock_broker::clock::Clock;
use interlock_protocols::conduit::Notice;
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

use self::listen::Desk;
pub(crate) use self::listen::Listener;
use self::repeats::Repeats;
use crate::Setting;
use crate::devices::DeviceRow;
use crate::failure::{Failure, Kind};
use crate::gateway::{Gateway, Line};
use crate::limits::{NOTICES_HELD_MAX, RETRY_MAX, RETRY_MIN};
use crate::profile::Profile;
use crate::{login, moment, notice, screen, sockets};

/// Open the local address of each device that you may see, for the Modbus tools you own.
///
/// Prints a row a device, then serves until Ctrl-C. Without --write everything is read-only,
/// whatever policy would allow. When the gateway is lost, tools are turned away and the gateway is
/// tried again until it is back or your certificate has ended; with --once the command ends
/// instead (exit code 6). `interlock login` in another terminal keeps it going; a program's profile
/// renews its certificate by itself.
#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// Let commands with effect pass to this device, as far as policy allows; may be repeated
    #[arg(long, value_name = "DEVICE")]
    write: Vec<String>,
    /// Have nobody else write to the devices named with --write, until 30 s after your last write
    #[arg(long, requires = "write")]
    sole: bool,
    /// Serve only this device; may be repeated (devices named with --write are served as well)
    #[arg(long, value_name = "DEVICE")]
    device: Vec<String>,
    /// End when the gateway is lost, and do not try again
    #[arg(long)]
    once: bool,
}

/// How often the certificate and the counted refusals are looked at.
const TICK: Duration = Duration::from_secs(1);

pub(crate) async fn run(asked: &Connect, setting: &Setting) -> Result<(), Failure> {
    let profile = setting.profile()?;
    let mut gateway = Gateway::connect(&profile).await?;
    let listeners = listeners(asked, &gateway).await?;
    let sole: Vec<String> = match asked.sole {
        true => asked.write.clone(),
        false => Vec::new(),
    };
    sole::take(&mut gateway, &sole).await?;
    if login::is_workload(&profile) {
        // Nobody sits in front of it: it sees to its certificate by itself.
        tokio::spawn(login::keep_renewed(profile.clone()));
    }
    let interrupted = crate::interrupted();
    show(setting, &gateway, &listeners)?;
    let stay = Stay {
        once: asked.once,
        sole,
    };
    serve(listeners, gateway, &profile, stay, interrupted).await
}

/// What to do when the gateway is lost.
#[derive(Clone, Debug)]
pub(crate) struct Stay {
    /// End then.
    pub(crate) once: bool,
    /// The devices to be the one writer of, again once it is back.
    pub(crate) sole: Vec<String>,
}

/// Serves these addresses until the person ends it or the certificate does; where it is not to stay,
/// or until the gateway is lost.
pub(crate) async fn serve(
    listeners: Vec<Listener>,
    gateway: Gateway,
    profile: &Profile,
    stay: Stay,
    interrupted: oneshot::Receiver<()>,
) -> Result<(), Failure> {
    let (line, lines) = watch::channel(Some(gateway.line()));
    let (words, heard) = mpsc::channel(NOTICES_HELD_MAX);
    let ends_ms = gateway.welcome().certificate_ends_ms;
    let mut attendant = Attendant::new(ends_ms, heard, interrupted);
    let desk = Desk { line: lines, words };
    for listener in listeners {
        tokio::spawn(listener.serve(desk.clone()));
    }
    let ended = attend(&mut attendant, &stay, profile, gateway, &line).await;
    for sum in attendant.repeats.close() {
        screen::say(&sum);
    }
    ended
}

/// Takes every address before anything is shown or served: all of them, or none.
async fn listeners(asked: &Connect, gateway: &Gateway) -> Result<Vec<Listener>, Failure> {
    for device in asked.write.iter().chain(&asked.device) {
        gateway.offer(device)?;
    }
    let mut listeners = Vec::new();
    for offer in gateway.offers() {
        let armed = asked.write.contains(&offer.name);
        if asked.device.is_empty() || armed || asked.device.contains(&offer.name) {
            listeners.push(Listener::bind(offer, armed).await?);
        }
    }
    if listeners.is_empty() {
        return Err(Failure::new(
            Kind::Denied,
            format!("there is no device at {} for you", gateway.welcome().site),
            "ask whoever keeps the policy of this site",
        ));
    }
    Ok(listeners)
}

fn show(setting: &Setting, gateway: &Gateway, listeners: &[Listener]) -> Result<(), Failure> {
    let welcome = gateway.welcome();
    let zone = TimeZone::system();
    let rows: Vec<DeviceRow> = listeners
        .iter()
        .filter_map(|listener| {
            let offer = gateway.offer(listener.device()).ok()?;
            let row = DeviceRow::of(offer, welcome, &zone);
            Some(row.served(listener.address(), listener.armed()))
        })
        .collect();
    setting.print(&rows)?;
    screen::say(&format!(
        "connected to {} ({}) as {}; session {}; certificate ends {}",
        welcome.gateway,
        welcome.site,
        welcome.subject,
        welcome.session,
        moment::minute(welcome.certificate_ends_ms, &zone),
    ));
    if let Some(limit) = sockets::LIMIT {
        screen::say(limit);
    }
    screen::say("Ctrl-C ends it");
    Ok(())
}

/// Stays with the session, and with the next one, until the person or the certificate ends it.
async fn attend(
    attendant: &mut Attendant,
    stay: &Stay,
    profile: &Profile,
    mut gateway: Gateway,
    line: &watch::Sender<Option<Line>>,
) -> Result<(), Failure> {
    loop {
        let lost = match attendant.until(gateway.next_notice()).await {
            Waited::Done(Ok(notice)) => {
                attendant.refused(&notice);
                continue;
            }
            Waited::Done(Err(lost)) => lost,
            Waited::Over(over) => {
                line.send_replace(None);
                gateway.goodbye().await;
                match over {
                    Err(ended) if attendant.renewed(profile) => ended,
                    over => return over,
                }
            }
        };
        line.send_replace(None);
        if stay.once {
            return Err(lost);
        }
        attendant.renewed(profile);
        screen::say_loud(
            "lost",
            &format!("{}; tools are turned away until it is back", lost.what()),
        );
        gateway = match reconnect(attendant, profile).await {
            Waited::Done(gateway) => gateway?,
            Waited::Over(over) => return over,
        };
        attendant.certificate = certificate::Watch::new(gateway.welcome().certificate_ends_ms);
        line.send_replace(Some(gateway.line()));
        screen::say(&format!(
            "connected again; session {}",
            gateway.welcome().session
        ));
        // That somebody else writes now is no reason to turn tools away that read.
        if let Err(failure) = sole::take(&mut gateway, &stay.sole).await {
            screen::say_loud("not alone", &failure.to_string());
        }
    }
}

/// Tries until the gateway is back. Only that it cannot be reached is worth another try.
async fn reconnect(
    attendant: &mut Attendant,
    profile: &Profile,
) -> Waited<Result<Gateway, Failure>> {
    let mut wait = RETRY_MIN;
    loop {
        // Between half the wait and all of it, so that many clients do not come at once.
        let jittered = wait.mul_f64(0.5 + fastrand::f64() / 2.0);
        if let Waited::Over(over) = attendant.until(sleep(jittered)).await {
            return Waited::Over(over);
        }
        match attendant.until(Gateway::connect(profile)).await {
            Waited::Done(Err(failure)) if failure.kind() == Kind::Unreachable => {
                tracing::debug!(%failure, "not back yet");
            }
            other => return other,
        }
        wait = wait.saturating_mul(2).min(RETRY_MAX);
    }
}

/// What goes on whatever else is waited for: words from the listeners, counted refusals, the
/// certificate, and Ctrl-C.
struct Attendant {
    clock: Clock,
    tick: Interval,
    words: mpsc::Receiver<String>,
    repeats: Repeats,
    certificate: certificate::Watch,
    interrupted: oneshot::Receiver<()>,
}

enum Waited<T> {
    Done(T),
    Over(Result<(), Failure>),
}

enum Heard<T> {
    Done(T),
    Word(String),
    Tick,
    Interrupted,
}

impl Attendant {
    fn new(
        certificate_ends_ms: i64,
        words: mpsc::Receiver<String>,
        interrupted: oneshot::Receiver<()>,
    ) -> Attendant {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Attendant {
            clock: Clock::start(),
            tick,
            words,
            repeats: Repeats::default(),
            certificate: certificate::Watch::new(certificate_ends_ms),
            interrupted,
        }
    }

    async fn until<T>(&mut self, awaited: impl Future<Output = T>) -> Waited<T> {
        tokio::pin!(awaited);
        loop {
            let heard = tokio::select! {
                biased;
                _ = &mut self.interrupted => Heard::Interrupted,
                done = &mut awaited => Heard::Done(done),
                Some(word) = self.words.recv() => Heard::Word(word),
                _ = self.tick.tick() => Heard::Tick,
            };
            match heard {
                Heard::Done(done) => return Waited::Done(done),
                Heard::Word(word) => {
                    if self.repeats.admit(&word, &word, self.clock.now().mono()) {
                        screen::say(&word);
                    }
                }
                Heard::Tick => {
                    if let Some(failure) = self.look() {
                        return Waited::Over(Err(failure));
                    }
                }
                Heard::Interrupted => {
                    screen::say("ended");
                    return Waited::Over(Ok(()));
                }
            }
        }
    }

    /// Whether the profile has another certificate by now than the one that is watched, and a good
    /// one: from here on that is watched.
    fn renewed(&mut self, profile: &Profile) -> bool {
        let Ok(identity) = login::identity(profile) else {
            return false;
        };
        let watch = certificate::Watch::new(identity.ends_ms());
        let newer = watch.ends_ms() > self.certificate.ends_ms()
            && watch.ends_ms() > self.clock.now().wall_ms();
        if newer {
            self.certificate = watch;
        }
        newer
    }

    fn look(&mut self) -> Option<Failure> {
        let now = self.clock.now();
        for sum in self.repeats.sum_up(now.mono()) {
            screen::say(&sum);
        }
        match self.certificate.look(now.wall_ms())? {
            certificate::Word::Soon(text) => {
                screen::say_loud("soon", &text);
                None
            }
            certificate::Word::Ended => Some(Failure::new(
                Kind::NotAuthenticated,
                "your certificate has ended, and the session with it",
                "`interlock login` gets a new one; then connect again",
            )),
        }
    }

    fn refused(&mut self, notice: &Notice) {
        let text = notice::in_full(notice);
        let short = notice::in_short(notice);
        if self.repeats.admit(&text, &short, self.clock.now().mono()) {
            screen::say_loud("refused", &text);
        }
    }
}
