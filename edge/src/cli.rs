//! The command line of `interlock-edge`.

mod clock;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use interlock_broker::clock::Clock;
use interlock_broker::finding::Finding;
use interlock_broker::join::JoinLine;
use interlock_broker::journal::Storage;
use interlock_broker::token::TokenKey;
use tracing_subscriber::EnvFilter;

use crate::config::SwitchConfig;
use crate::init::{self, InitError};
use crate::issuer::move_to_token;
use crate::key_switch::KeySwitch;
use crate::local;
use crate::sample;
use crate::service::{self, RunError};
use crate::site::{self, Site};

/// Exit codes, as in `interlock`.
const FAILURE: u8 = 1;
const USAGE: u8 = 2;
const CONFIGURATION: u8 = 7;

const EXIT_CODES: &str = "Exit codes: 0 ok, 1 failure, 2 usage, 7 configuration.";

/// The gateway in front of the PLCs: every Modbus command is decided, logged durably if it has
/// an effect, and sent only as the typed command that was decided.
#[derive(Parser)]
#[command(name = "interlock-edge", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a commented site directory and make the gateway's own keys
    Init {
        /// The directory; nothing in it is overwritten
        dir: PathBuf,
        /// The site's name: a-z, 0-9, '.', '_' and '-'
        #[arg(long, default_value = sample::SITE)]
        site: String,
        /// The gateway's name; with the site's it is the name in the gateway's certificate
        #[arg(long, default_value = sample::GATEWAY)]
        gateway: String,
        #[command(flatten)]
        administrator: Administrator,
    },
    /// Invite an administrator where there is none, or all are lost; it is recorded, and holds, from
    /// the next start of the edge on
    InviteAdministrator {
        /// The site directory
        dir: PathBuf,
        #[command(flatten)]
        administrator: Administrator,
    },
    /// Report every problem of a site directory at once, and change nothing
    Check {
        /// The site directory
        dir: PathBuf,
    },
    /// Serve a site
    Run {
        /// The site directory
        dir: PathBuf,
    },
    /// Have the identity issuer sign by a key in a PKCS#11 token, which is made there
    ///
    /// For a gateway that is not running. Everybody who is enrolled stays so, and logs in again.
    Issuer {
        /// The site directory
        dir: PathBuf,
        /// The key: pkcs11:token=LABEL;object=NAME
        #[arg(long, value_name = "URI")]
        token: String,
        /// The PKCS#11 module of the token: a library of its maker
        #[arg(long, value_name = "FILE")]
        module: Option<PathBuf>,
        /// A file with the token's PIN in its first line, which is copied into keys/. Without it
        /// INTERLOCK_PIN is used, now and at each start
        #[arg(long, value_name = "FILE")]
        pin_file: Option<PathBuf>,
    },
    /// See what the clock of the running edge shows, or accept it after a doubt
    Clock {
        #[command(subcommand)]
        act: clock::Act,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the man pages
    Man {
        /// The directory to write them into
        dir: PathBuf,
    },
}

#[derive(clap::Args)]
struct Administrator {
    /// Who is invited: person/NAME
    #[arg(long, value_name = "NAME", default_value = "adam")]
    administrator: String,
    /// Host by which they reach this gateway; that of `listen.identity` if left out
    #[arg(long, value_name = "HOST")]
    address: Option<String>,
}

/// What the command line does that tests do otherwise.
pub struct Rim {
    /// Opens the journal's storage.
    pub storage: fn(&Site) -> Result<Box<dyn Storage>, RunError>,
    /// Starts the clock of a running edge.
    pub clock: fn() -> Clock,
    /// The key switch of break-glass, where one is configured.
    pub key_switch: fn(&SwitchConfig) -> KeySwitch,
}

impl Default for Rim {
    fn default() -> Rim {
        Rim {
            storage: service::storage,
            clock: Clock::start,
            key_switch: KeySwitch::configured,
        }
    }
}

/// Runs the program.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    main_with(args, &Rim::default())
}

/// Runs the program over another storage, or another clock.
pub fn main_with(args: impl IntoIterator<Item = OsString>, rim: &Rim) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _closed = error.print();
            return if error.use_stderr() {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    log_to_stderr();
    match cli.command {
        Command::Init {
            dir,
            site,
            gateway,
            administrator,
        } => {
            let made = init::init_named(&dir, &site, &gateway, now());
            let invited = made.and_then(|()| invite(&dir, &administrator, "installation"));
            ended(invited.map(|line| welcome(&dir, &administrator, &line)))
        }
        Command::InviteAdministrator { dir, administrator } => {
            let by = format!("local administrator {}", local::this_user());
            let invited = invite(&dir, &administrator, &by);
            ended(invited.map(|line| {
                say(&format!(
                    "{line}\n\nIt is recorded, and holds, once the edge has been started anew: for 24 hours from now."
                ));
            }))
        }
        Command::Check { dir } => check(&dir),
        Command::Run { dir } => run(&dir, rim),
        Command::Issuer {
            dir,
            token,
            module,
            pin_file,
        } => issuer(&dir, &token, module.as_deref(), pin_file.as_deref()),
        Command::Clock { act } => clock::run(&act),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "interlock-edge", &mut text);
            ended(io::stdout().write_all(&text).map_err(InitError::Io))
        }
        Command::Man { dir } => ended(
            std::fs::create_dir_all(&dir)
                .and_then(|()| clap_mangen::generate_to(Cli::command(), &dir))
                .map_err(InitError::Io),
        ),
    }
}

fn now() -> interlock_broker::clock::Now {
    Clock::start().now()
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,async_nats=warn"));
    let ansi = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(ansi)
        .with_writer(io::stderr);
    // A program that holds the edge inside may have set its own.
    let _already_set = subscriber.try_init();
}

fn say(text: &str) {
    let _closed = writeln!(io::stdout(), "{text}");
}

fn complain(text: &str) {
    let _closed = writeln!(io::stderr(), "{text}");
}

fn ended(result: Result<(), InitError>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(InitError::Broken(findings)) => {
            report(&findings);
            ExitCode::from(CONFIGURATION)
        }
        Err(error) => {
            complain(&format!("interlock-edge: {error}"));
            match error {
                InitError::NotASubject(_) | InitError::NoHost(_) => ExitCode::from(USAGE),
                InitError::NoListener => ExitCode::from(CONFIGURATION),
                _ => ExitCode::from(FAILURE),
            }
        }
    }
}

fn invite(dir: &Path, whom: &Administrator, by: &str) -> Result<JoinLine, InitError> {
    let host = whom.address.as_deref();
    init::invite_administrator(dir, &whom.administrator, host, by, now())
}

fn welcome(dir: &Path, whom: &Administrator, line: &JoinLine) {
    let dir = dir.display();
    let name = &whom.administrator;
    say(&format!(
        "A sample site is in {dir}. Next:\n\
         \x20 1. describe your plant in {dir}/plant.toml and your people in {dir}/policy/groups.toml\n\
         \x20 2. interlock-edge check {dir}\n\
         \x20 3. interlock-edge run {dir}\n\
         \x20 4. within 24 hours, on the machine of person/{name}, who is to administer it:\n\n\
         interlock enroll {line}\n"
    ));
}

fn check(dir: &Path) -> ExitCode {
    let findings = site::check(dir);
    if findings.is_empty() {
        say(&format!("{}: no problems", dir.display()));
        return ExitCode::SUCCESS;
    }
    report(&findings);
    ExitCode::from(CONFIGURATION)
}

fn issuer(dir: &Path, uri: &str, module: Option<&Path>, pin_file: Option<&Path>) -> ExitCode {
    let key = match TokenKey::parse(uri, module) {
        Ok(key) => key,
        Err(error) => {
            complain(&format!("interlock-edge: {error}"));
            return ExitCode::from(USAGE);
        }
    };
    let moved = move_to_token(dir, &key, pin_file, now()).map_err(InitError::Broken);
    ended(moved.map(|()| {
        say(&format!(
            "The identity issuer signs by {key} from the next start on; the key in keys/issuer.key is \
             deleted. Certificates of before are refused then: everybody runs `interlock login`."
        ));
    }))
}

fn report(findings: &[Finding]) {
    for finding in findings {
        complain(&finding.to_string());
    }
    let problems = if findings.len() == 1 {
        "problem"
    } else {
        "problems"
    };
    complain(&format!("{} {problems}", findings.len()));
}

fn run(dir: &Path, rim: &Rim) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("interlock-edge: {error}"));
            return ExitCode::from(FAILURE);
        }
    };
    let served = runtime.block_on(async {
        // Before anything else: whoever stops it while it starts, or at once, stops it in order.
        let stop = stop_signal();
        let site = Site::load(dir).map_err(RunError::Site)?;
        let storage = (rim.storage)(&site)?;
        let ready = |address: SocketAddr| say(&format!("listening on {address}"));
        let switch = site.config.key_switch().map(rim.key_switch);
        service::run(site, storage, (rim.clock)(), switch, ready, stop).await
    });
    // Threads that wait for a disk, or for the name of a host, are not waited for.
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(RunError::Site(findings)) => {
            report(&findings);
            ExitCode::from(CONFIGURATION)
        }
        Err(error) => {
            complain(&format!("interlock-edge: {error}"));
            ExitCode::from(FAILURE)
        }
    }
}

/// Ready at SIGTERM or SIGINT. The handlers are there when this returns, and not only once the
/// future is asked.
fn stop_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let handlers = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    async {
        match handlers {
            (Ok(mut terminate), Ok(mut interrupt)) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
            // Without handlers the signals end the process as they always do.
            _ => std::future::pending().await,
        }
    }
}
