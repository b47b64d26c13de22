//! Epochs: short-lived keys that sign checkpoints, in a chain.
//!
//! The private key of an epoch lives in memory alone while the epoch lasts, and is gone behind it.
//! That of the epoch to come has to survive a crash, so it lies on the disk until its epoch starts.
//! Its public half is named in the record that starts the present epoch. So whoever takes the
//! gateway gets the present key and the next, and none that signed what was closed.
//!
//! A file system may keep old blocks whatever is written over them: wiping is a best effort.

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use interlock_protocols::record::EpochStarted;

use super::key::{JournalKey, NotAKey, VerifierKey, verify, wipe};
use super::note::epoch_name;
use super::tiles::TileStore;

/// The key of the epoch to come.
pub(super) const NEXT: &str = "epoch.next";
/// The key of the one after that, until the record that names it is on the disk.
pub(super) const AFTER: &str = "epoch.after";

/// The end of the chain so far: the last record that started an epoch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Link {
    pub(super) epoch: u64,
    pub(super) next_key: [u8; 32],
}

impl Link {
    pub(super) fn of(started: &EpochStarted) -> Link {
        Link {
            epoch: started.epoch,
            next_key: started.next_key,
        }
    }
}

/// An epoch about to start: its record is on its way to the disk.
pub(super) struct Starting {
    pub(super) key: JournalKey,
    pub(super) event: EpochStarted,
}

/// What both keys sign.
pub(super) fn statement(origin: &str, epoch: u64, key: &[u8; 32], next: &[u8; 32]) -> String {
    let [key, next] = [key, next].map(|key| BASE64_STANDARD.encode(key));
    format!("interlock epoch v1\n{origin}\n{epoch}\n{key}\n{next}\n")
}

/// Judges the signatures of a record that starts an epoch, and its place in the chain: `before`
/// is the link before it, `None` where the chain may begin. Gives the first fault.
pub(super) fn fault(
    started: &EpochStarted,
    origin: &str,
    gateway: Option<&VerifierKey>,
    before: Option<&Link>,
) -> Option<String> {
    let epoch = started.epoch;
    let statement = statement(origin, epoch, &started.key, &started.next_key);
    let statement = statement.as_bytes();
    if !verify(&started.key, statement, &started.by_key) {
        return Some(format!("epoch {epoch} is not signed by its own key"));
    }
    if gateway.is_some_and(|gateway| !gateway.signed(statement, &started.by_gateway)) {
        return Some(format!("epoch {epoch} is not signed by the gateway's key"));
    }
    let before = before?;
    if before.epoch.checked_add(1) != Some(epoch) {
        return Some(format!("epoch {epoch} follows on epoch {}", before.epoch));
    }
    (before.next_key != started.key).then(|| {
        format!(
            "the key of epoch {epoch} is not the one that epoch {} named",
            before.epoch
        )
    })
}

/// The public key under which an epoch signs checkpoints.
pub(super) fn verifier(origin: &str, epoch: u64, key: [u8; 32]) -> VerifierKey {
    VerifierKey::new(&epoch_name(origin, epoch), key)
}

/// The private key of the epoch that follows on `last`: on the disk, or made if the chain begins.
/// `Err` holds why the chain cannot go on.
pub(super) fn take(
    store: &mut dyn TileStore,
    origin: &str,
    last: Option<&Link>,
) -> io::Result<Result<JournalKey, String>> {
    let next = read(store, NEXT)?;
    let Some(last) = last else {
        return match next {
            Some(key) if key.verifier().name() != epoch_name(origin, 1) => Ok(Err(format!(
                "the journal starts no epoch, yet the key of {} was made for it",
                key.verifier().name()
            ))),
            _ => first(origin),
        };
    };
    let name = epoch_name(origin, last.epoch.saturating_add(1));
    let is_it = |key: &JournalKey| key.public() == last.next_key && key.verifier().name() == name;
    if let Some(key) = next.filter(is_it) {
        return Ok(Ok(key));
    }
    match read(store, AFTER)?.filter(is_it) {
        Some(key) => {
            // The record was on the disk, and the power went before the key was moved.
            settle(store)?;
            Ok(Ok(key))
        }
        None => Ok(Err(format!(
            "the private key of epoch {}, named in the record of epoch {}, is not in the folder",
            last.epoch.saturating_add(1),
            last.epoch
        ))),
    }
}

/// What the last record of an epoch must have said, as far as the key made for the next tells.
pub(super) fn link_of_next(store: &dyn TileStore) -> io::Result<Option<Link>> {
    let Some(key) = read(store, NEXT)? else {
        return Ok(None);
    };
    let number = key.verifier().name().rsplit('/').next();
    let number: Option<u64> = number.and_then(|number| number.parse().ok());
    Ok(number.map(|number| Link {
        epoch: number.saturating_sub(1),
        next_key: key.public(),
    }))
}

fn first(origin: &str) -> io::Result<Result<JournalKey, String>> {
    fresh(origin, 1).map(Ok)
}

/// A new key for `epoch`.
pub(super) fn fresh(origin: &str, epoch: u64) -> io::Result<JournalKey> {
    JournalKey::generate(&epoch_name(origin, epoch)).map_err(|NotAKey { .. }| {
        io::Error::other("no key of an epoch can be made: the system gives no randomness")
    })
}

/// Makes the key of the epoch after `epoch`, puts it on the disk, and states both.
pub(super) fn begin(
    store: &mut dyn TileStore,
    origin: &str,
    gateway: &JournalKey,
    (epoch, key): (u64, JournalKey),
) -> io::Result<Starting> {
    let next = fresh(origin, epoch.saturating_add(1))?;
    let mut secret = next.to_secret_text().into_bytes();
    let written = store.write(AFTER, &secret).and_then(|()| store.sync());
    wipe(&mut secret);
    written?;
    let statement = statement(origin, epoch, &key.public(), &next.public());
    let event = EpochStarted {
        epoch,
        key: key.public(),
        next_key: next.public(),
        by_key: key.sign(statement.as_bytes()),
        by_gateway: gateway.sign(statement.as_bytes()),
    };
    Ok(Starting { key, event })
}

/// The record that names the key in [`AFTER`] is on the disk: the one in [`NEXT`] is in memory
/// and goes from the disk. In this order, so that a power cut between leaves the one needed.
pub(super) fn settle(store: &mut dyn TileStore) -> io::Result<()> {
    store.wipe(NEXT)?;
    store.rename(AFTER, NEXT)
}

fn read(store: &dyn TileStore, path: &str) -> io::Result<Option<JournalKey>> {
    let Some(mut bytes) = store.read(path)? else {
        return Ok(None);
    };
    let key = std::str::from_utf8(&bytes)
        .ok()
        .and_then(|text| JournalKey::parse(text).ok());
    wipe(&mut bytes);
    Ok(key)
}
