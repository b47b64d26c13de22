//! The program of people: reach a PLC through the broker with the tools they own, read and write
//! a point, read the command log, try a policy. It holds no rule of its own: the edge decides.
#![forbid(unsafe_code)]

mod approver;
mod break_glass;
mod connect;
#[cfg(unix)]
pub mod demo;
mod devices;
mod enrol;
pub mod failure;
mod fingerprint;
pub mod gateway;
mod identities;
mod invite;
mod journal;
pub mod keys;
mod limits;
mod login;
mod manual;
pub mod modbus;
mod moment;
mod notice;
mod point;
mod policy;
pub mod posture;
pub mod profile;
mod read;
mod restraint;
mod review;
mod root;
mod screen;
mod sessions;
mod sockets;
mod status;
mod tls;
mod watch;
mod window;
mod witness;
mod write;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

use self::failure::{EXIT_CODES, EXIT_OK, EXIT_USAGE, Failure, Kind};
use self::profile::Profile;
use self::screen::{Format, Row};

/// Reach the PLCs of a plant through its gateway: every command is decided and recorded there.
#[derive(Debug, Parser)]
#[command(name = "interlock", version, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    /// Folder with profile.toml, certificates and keys [default: $INTERLOCK_PROFILE, else
    /// ~/.config/interlock]
    #[arg(long, global = true, value_name = "DIR")]
    profile: Option<PathBuf>,
    /// How to print data
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    output: Format,
    /// Take the PIN of a token from the first line of this file, and ask nobody [default:
    /// $INTERLOCK_PIN, else you are asked]
    #[arg(long, global = true, value_name = "FILE")]
    pin_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Enroll(enrol::Enroll),
    Login(login::Login),
    Connect(connect::Connect),
    Devices(devices::Devices),
    Read(read::Read),
    Write(write::Write),
    Journal(journal::JournalCommand),
    Policy(policy::PolicyCommand),
    Invite(invite::Invite),
    Identities(identities::Identities),
    Posture(posture::PostureCommand),
    Status(status::StatusCommand),
    BreakGlass(break_glass::BreakGlass),
    Root(root::RootCommand),
    Approver(approver::ApproverCommand),
    Sessions(sessions::Sessions),
    Revoke(restraint::Revoke),
    Freeze(restraint::Freeze),
    Isolate(restraint::Isolate),
    Downgrade(restraint::Downgrade),
    Reinstate(restraint::Reinstate),
    Restrictions(restraint::Restrictions),
    Window(window::WindowCommand),
    Review(review::Review),
    Watch(watch::Watch),
    Witness(witness::WitnessCommand),
    #[cfg(unix)]
    Demo(demo::Demo),
    #[command(hide = true)]
    Man(manual::Man),
    Completions(manual::Completions),
}

/// What holds for every command.
#[derive(Debug)]
struct Setting {
    profile: Option<PathBuf>,
    pin_file: Option<PathBuf>,
    format: Format,
}

impl Setting {
    fn profile(&self) -> Result<Profile, Failure> {
        let mut profile = Profile::open(&self.folder()?)?;
        if let Some(file) = &self.pin_file {
            profile.give_pin(file);
        }
        Ok(profile)
    }

    /// The folder of the profile, whether there is one in it or not.
    fn folder(&self) -> Result<PathBuf, Failure> {
        let folder = self.profile.clone().or_else(default_folder);
        folder.ok_or_else(|| {
            Failure::new(
                Kind::Configuration,
                "there is no place for a profile: neither INTERLOCK_PROFILE nor HOME is set",
                "name the profile's folder with --profile",
            )
        })
    }

    fn print<R: Row>(&self, rows: &[R]) -> Result<(), Failure> {
        screen::data(&screen::render(self.format, rows, screen::width())?)
    }
}

/// Where a profile is unless it is named.
fn default_folder() -> Option<PathBuf> {
    profile::default_folder(|name| std::env::var_os(name).map(PathBuf::from))
}

/// The program: reads the command line, does one command, and gives the exit code.
pub fn main_with(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for; they go to stdout and are no error.
            let code = if error.use_stderr() {
                EXIT_USAGE
            } else {
                EXIT_OK
            };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    trace(&cli.command);
    match run(cli) {
        Ok(()) => ExitCode::from(EXIT_OK),
        Err(failure) => {
            screen::say_loud("interlock:", &failure.to_string());
            ExitCode::from(failure.kind().exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let setting = Setting {
        profile: cli.profile,
        pin_file: cli.pin_file,
        format: cli.output,
    };
    // One thread: what is carried never has to change threads, which costs more than it gains.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::of_program)?;
    runtime.block_on(async {
        match &cli.command {
            Command::Enroll(asked) => enrol::run(asked, &setting).await,
            Command::Login(asked) => login::run(asked, &setting).await,
            Command::Connect(asked) => connect::run(asked, &setting).await,
            Command::Devices(asked) => devices::run(asked, &setting).await,
            Command::Read(asked) => read::run(asked, &setting).await,
            Command::Write(asked) => write::run(asked, &setting).await,
            Command::Journal(asked) => journal::run(asked, &setting).await,
            Command::Policy(asked) => policy::run(asked, &setting).await,
            Command::Invite(asked) => invite::run(asked, &setting).await,
            Command::Identities(asked) => identities::run(asked, &setting).await,
            Command::Posture(asked) => posture::run(asked, &setting),
            Command::Status(asked) => status::run(asked, &setting).await,
            Command::BreakGlass(asked) => break_glass::run(asked, &setting).await,
            Command::Root(asked) => root::run(asked, &setting),
            Command::Approver(asked) => approver::run(asked, &setting),
            Command::Sessions(_) => sessions::run(&setting).await,
            Command::Revoke(asked) => restraint::revoke(asked, &setting).await,
            Command::Freeze(asked) => restraint::freeze(asked, &setting).await,
            Command::Isolate(asked) => restraint::isolate(asked, &setting).await,
            Command::Downgrade(asked) => restraint::downgrade(asked, &setting).await,
            Command::Reinstate(asked) => restraint::reinstate(asked, &setting).await,
            Command::Restrictions(_) => restraint::restrictions(&setting).await,
            Command::Window(asked) => window::run(asked, &setting).await,
            Command::Review(asked) => review::run(asked, &setting).await,
            Command::Watch(asked) => watch::run(asked, &setting).await,
            Command::Witness(asked) => witness::run(asked, &setting).await,
            #[cfg(unix)]
            Command::Demo(asked) => demo::run(asked).await,
            Command::Man(asked) => manual::man(asked),
            Command::Completions(asked) => manual::completions(asked),
        }
    })
}

/// Events go to stderr, and only if they are asked for or matter. A second call in one process
/// (tests that wrap the entry) keeps the first subscriber.
fn trace(command: &Command) {
    let least = match command {
        // A gateway warns of what people do to each other; here that is what the page tells.
        #[cfg(unix)]
        Command::Demo(_) => "error",
        _ => "warn",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(least));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(screen::colour(io::stderr().is_terminal()))
        .try_init();
}

/// Resolves when the person (Ctrl-C) or the system (SIGTERM) wants the program to end. Made once:
/// a signal that comes while nobody listens would be lost.
fn interrupted() -> oneshot::Receiver<()> {
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let signalled = async {
            #[cfg(unix)]
            {
                use tokio::signal::unix::{SignalKind, signal};
                let Ok(mut terminate) = signal(SignalKind::terminate()) else {
                    return tokio::signal::ctrl_c().await;
                };
                tokio::select! {
                    pressed = tokio::signal::ctrl_c() => pressed,
                    _ = terminate.recv() => Ok(()),
                }
            }
            #[cfg(not(unix))]
            tokio::signal::ctrl_c().await
        };
        if let Err(error) = signalled.await {
            tracing::warn!(%error, "Ctrl-C cannot be heard; end the program from outside");
            // Keeps the sender, so that this is not taken for Ctrl-C.
            std::future::pending::<()>().await;
        }
        let _ = tell.send(());
    });
    told
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn code(args: &[&str]) -> ExitCode {
        main_with(args.iter().map(OsString::from))
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn usage_configuration_and_help_have_their_exit_codes() {
        let folder = tempfile::tempdir().unwrap();
        let none = folder.path().join("none");
        let none = none.to_str().unwrap();
        for (args, expected) in [
            (vec!["interlock", "--help"], EXIT_OK),
            (vec!["interlock"], EXIT_USAGE),
            (vec!["interlock", "fly"], EXIT_USAGE),
            (vec!["interlock", "read", "mixer"], EXIT_USAGE),
            (
                vec!["interlock", "devices", "--profile", none],
                failure::EXIT_CONFIGURATION,
            ),
        ] {
            assert_eq!(code(&args), ExitCode::from(expected), "{args:?}");
        }
    }

    #[test]
    fn the_help_names_every_exit_code() {
        let help = Cli::command().render_long_help().to_string();
        assert!(help.contains("Exit codes:"), "{help}");
    }
}
