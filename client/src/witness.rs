//! `interlock witness`: remember the last checkpoint of each gateway on another machine, and cosign
//! newer ones that prove that nothing before was changed.

mod serve;
mod store;
#[cfg(test)]
mod tests;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use interlock_broker::clock::Clock;
use interlock_broker::digits::hex;
use interlock_broker::witness::{LogKey, NotAKey, Witness, WitnessKey};
use serde::Serialize;
use tokio::net::TcpListener;

use self::serve::Service;
use self::store::Store;
use crate::failure::{Failure, Kind};
use crate::limits::WITNESS_FILE_MAX_BYTES;
use crate::screen::{self, Row};
use crate::{Setting, interrupted};

/// Watch over the journals of gateways from another machine (C2SP tlog-witness)
///
/// A witness remembers the last checkpoint of each gateway that it knows, and cosigns a newer one
/// only with a proof that nothing before it was changed. Whoever takes a gateway can then neither
/// roll its journal back nor rewrite it without this being noticed. It must run where those who
/// administer the gateway do not rule: on the same machine it is worth nothing.
#[derive(Debug, Args)]
pub(crate) struct WitnessCommand {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    Run(Run),
    /// Make the key of a new witness, and print what gateways put into edge.toml
    Key {
        /// File for the secret key; it must not be there yet
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Name of the witness, such as witness.example.com; no spaces
        #[arg(long)]
        name: String,
    },
    /// Show what was cosigned last of each gateway
    Show {
        /// Folder that the witness keeps
        #[arg(long, value_name = "DIR")]
        state: PathBuf,
    },
    /// Forget the last checkpoint of one gateway, so that its journal may begin anew
    ///
    /// For a journal that was restored from a copy, once an administrator of the gateway has
    /// accepted that (`interlock journal accept`), or for a gateway that was set up again. What was
    /// known is set aside in the same folder, and not deleted: it proves what there once was.
    Forget {
        /// Name of the gateway's log, as `interlock witness show` prints it
        origin: String,
        /// Folder that the witness keeps
        #[arg(long, value_name = "DIR")]
        state: PathBuf,
    },
}

/// Serve until Ctrl-C or SIGTERM
///
/// Plain HTTP, and nobody is asked who they are: what is sent is public, and only what a known
/// gateway has signed is kept or cosigned. Bound to another address than loopback, anybody who
/// reaches the port may learn how many records a gateway has; let a firewall admit the gateways
/// alone.
#[derive(Debug, Args)]
struct Run {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7380")]
    listen: SocketAddr,
    /// Folder for the last checkpoints; losing it makes the witness forget all it knew
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// File of the secret key, as `interlock witness key` made it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Key of a gateway: the text in its keys/journal.vkey, or a file with that, or a folder of
    /// such files (*.vkey)
    #[arg(long, value_name = "VKEY", required = true)]
    log: Vec<String>,
}

pub(crate) async fn run(asked: &WitnessCommand, setting: &Setting) -> Result<(), Failure> {
    match &asked.act {
        Act::Run(asked) => asked.run().await,
        Act::Key { out, name } => make_key(out, name),
        Act::Show { state } => setting.print(&rows(&Store::at(state))?),
        Act::Forget { origin, state } => forget(&Store::at(state), origin),
    }
}

impl Run {
    async fn run(&self) -> Result<(), Failure> {
        // Before anything else: a signal that comes while nobody listens would be lost.
        let stop = interrupted();
        let key = WitnessKey::parse(&read(&self.key)?).map_err(|error| {
            let what = format!("{}: {error}", self.key.display());
            misset(what, "name the file that `interlock witness key` made")
        })?;
        let mut logs = Vec::new();
        for given in &self.log {
            logs.extend(log_keys(given)?);
        }
        let name = key.public().name().to_owned();
        let known: Vec<String> = logs.iter().map(|log| log.origin().to_owned()).collect();
        let store =
            Store::open(&self.state).map_err(|error| store::unusable(&self.state, &error))?;
        let service = Service::new(Witness::new(key, logs), store, Clock::start());
        service.check(&known)?;
        let listener = TcpListener::bind(self.listen).await.map_err(|error| {
            let what = format!("{} cannot be listened on: {error}", self.listen);
            misset(
                what,
                "see who holds that port, or name another with --listen",
            )
        })?;
        let address = listener.local_addr().map_err(Failure::of_program)?;
        screen::data(&format!("listening on http://{address}\n"))?;
        screen::say(&format!("cosigning as {name} for {}", known.join(", ")));
        serve::serve(listener, service, stop).await;
        Ok(())
    }
}

fn make_key(out: &Path, name: &str) -> Result<(), Failure> {
    let key = WitnessKey::generate(name)
        .map_err(|error| Failure::new(Kind::Usage, error.to_string(), "choose another --name"))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let written = options.open(out).and_then(|mut file| {
        file.write_all(key.secret_text().as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| {
        let what = format!("{} cannot be written: {error}", out.display());
        misset(
            what,
            "name a file that is not there yet; no key is overwritten",
        )
    })?;
    screen::data(&format!("{}\n", key.public().text()))?;
    screen::say("put this line into edge.toml of each gateway: [witness] key = \"...\"");
    Ok(())
}

/// Keys of gateways: a key itself, a file with one, or a folder of such files.
fn log_keys(given: &str) -> Result<Vec<LogKey>, Failure> {
    let wrong = |place: &str, error: NotAKey| {
        let next = "give the text in keys/journal.vkey of the gateway, or a copy of that file";
        misset(format!("{place} is no key of a gateway: {error}"), next)
    };
    let path = Path::new(given);
    if given.contains('+') && !path.exists() {
        return Ok(vec![
            LogKey::parse(given).map_err(|error| wrong(given, error))?,
        ]);
    }
    let of_file = |path: &Path| {
        let place = path.display().to_string();
        LogKey::parse(&read(path)?).map_err(|error| wrong(&place, error))
    };
    if !path.is_dir() {
        return Ok(vec![of_file(path)?]);
    }
    let unread = |error: std::io::Error| misset(format!("{given} cannot be read: {error}"), "");
    let mut keys = Vec::new();
    for entry in fs::read_dir(path).map_err(unread)? {
        let file = entry.map_err(unread)?.path();
        if file
            .extension()
            .is_some_and(|extension| extension == "vkey")
        {
            keys.push(of_file(&file)?);
        }
    }
    if keys.is_empty() {
        let next = "copy keys/journal.vkey of each gateway there, each under a name of its own";
        return Err(misset(format!("there is no *.vkey in {given}"), next));
    }
    Ok(keys)
}

fn read(path: &Path) -> Result<String, Failure> {
    let unread = |error: &dyn std::fmt::Display| {
        misset(format!("{} cannot be read: {error}", path.display()), "")
    };
    let length = fs::metadata(path).map_err(|error| unread(&error))?.len();
    if length > WITNESS_FILE_MAX_BYTES {
        return Err(unread(&"it is too long for what it should be"));
    }
    fs::read_to_string(path).map_err(|error| unread(&error))
}

fn misset(what: impl Into<String>, next: &str) -> Failure {
    Failure::new(Kind::Configuration, what, next)
}

fn forget(store: &Store, origin: &str) -> Result<(), Failure> {
    let aside = store
        .forget(origin)
        .map_err(|error| store::unusable(store.dir(), &error))?;
    match aside {
        Some(aside) => screen::data(&format!(
            "forgotten; what was known is kept in {}\n",
            aside.display()
        )),
        None => Err(Failure::new(
            Kind::Failed,
            format!("nothing is known of `{origin}`"),
            "`interlock witness show` lists what is",
        )),
    }
}

/// What is known of one gateway.
#[derive(Serialize)]
struct KnownRow {
    origin: String,
    records: Option<u64>,
    root: String,
    trouble: String,
}

impl Row for KnownRow {
    const HEADER: &'static [&'static str] = &["LOG", "RECORDS", "ROOT", "TROUBLE"];

    fn cells(&self) -> Vec<String> {
        let records = self.records.map_or(String::new(), |n| n.to_string());
        let root = self.root.get(..16).unwrap_or(&self.root).to_owned();
        vec![self.origin.clone(), records, root, self.trouble.clone()]
    }
}

fn rows(store: &Store) -> Result<Vec<KnownRow>, Failure> {
    let all = store
        .all()
        .map_err(|error| store::unusable(store.dir(), &error))?;
    Ok(all
        .into_iter()
        .map(|known| match known.seen {
            Ok(seen) => KnownRow {
                origin: known.origin,
                records: Some(seen.checkpoint().size()),
                root: hex(&seen.checkpoint().root()),
                trouble: if known.forked {
                    "FORKED: another tree of one size was submitted".to_owned()
                } else {
                    String::new()
                },
            },
            Err(error) => KnownRow {
                origin: known.origin,
                records: None,
                root: String::new(),
                trouble: format!("cannot be read: {error}"),
            },
        })
        .collect())
}
