//! What runs beside the serving and follows the journal: the notary, the sinks, the witness. None
//! of it stands between a command and its device. Whoever knows more of the journal than the
//! journal itself is told to the [`Outlook`], which holds commands with effect then.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use interlock_broker::clock::Clock;
use interlock_broker::journal::tree::{self, Notarized, Notary, NotaryError, Opened, TileFolder};
use interlock_broker::journal::{Health, Journal};
use interlock_broker::state::Standing;
use interlock_protocols::record::Ahead;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::interval;

use crate::beyond::{Beyond, kept};
use crate::limits::{COSIGNED_WITHIN, REMOVAL_TICK};
use crate::progress::telling;
use crate::reading::{self, FoundView, View};
use crate::signing::Signing;
use crate::sink::{self, Cursors, Source};
use crate::site::Site;
use crate::status::{JournalFacts, Outlook, SignedFacts, Sources};
use crate::witness::{self, Submitter};

/// Everything beside the serving, started.
pub(crate) struct Keeping {
    outlook: Arc<Outlook>,
    signing: Option<Signing>,
    sinks: Vec<sink::Running>,
    witness: Option<Submitter>,
    watching: [JoinHandle<()>; 2],
    view: Arc<View>,
    stop_view: watch::Sender<bool>,
    keeping_view: JoinHandle<()>,
}

impl Keeping {
    /// Starts all of it. `accepted` is what administrators accepted in records so far.
    pub(crate) async fn start(
        site: &Site,
        journal: &Journal,
        accepted: &[Ahead],
        clock: Clock,
    ) -> io::Result<Keeping> {
        let beyond = Arc::new(Beyond::default());
        beyond.accept(accepted);
        let found_view = open_view(site, journal).await?;
        let view = Arc::clone(&found_view.view);
        let (signing, found) = match open_notary(site, journal).await {
            Some((notary, opened)) => {
                let signing = Signing::start(notary, journal, clock);
                (Some(signing), opened)
            }
            None => (None, Opened::default()),
        };
        let sinks = start_sinks(site, journal, Arc::clone(&view) as Arc<dyn Cursors>, clock);
        let witness = signing
            .as_ref()
            .and_then(|signing| start_witness(site, signing, &beyond, clock));
        let mut sources = sources(journal, signing.as_ref(), &view, site.beyond());
        let asked = Arc::clone(&view);
        if let Some(signed) = &site.signed {
            sources.signed_serials = signed.serials();
        }
        sources.view_size = Box::new(move || asked.applied());
        let trust = Arc::clone(&site.trust);
        sources.trust = Box::new(move |now| trust.status(now));
        let standings = sinks.iter().map(sink::Running::standing);
        sources.sinks = site.config.sinks().iter().cloned().zip(standings).collect();
        sources.witness = site
            .config
            .witness()
            .zip(witness.as_ref())
            .map(|(config, witness)| (config.address.clone(), witness.standing()));
        let removal = tokio::spawn(allow_removal(journal.clone(), sources.sinks.clone()));
        let warn_percent = &site.config.journal().warn_percent;
        let outlook = Arc::new(Outlook::new(clock, warn_percent, sources, beyond));
        tell_kept(&outlook, &site.beyond(), journal);
        tell_found(&outlook, &found);
        tell_view(&outlook, &found_view, journal, &site.beyond());
        tell_cosigned(&outlook, site, journal).await;
        let stop_view = watch::Sender::new(false);
        let kept = reading::keep(Arc::clone(&view), journal.clone(), stop_view.subscribe());
        let attending = tokio::spawn(Arc::clone(&outlook).attend());
        Ok(Keeping {
            outlook,
            signing,
            sinks,
            witness,
            watching: [removal, attending],
            view,
            stop_view,
            keeping_view: tokio::spawn(kept),
        })
    }

    /// The view, for those who search.
    pub(crate) fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// How the gateway is doing.
    pub(crate) fn outlook(&self) -> &Arc<Outlook> {
        &self.outlook
    }

    /// Ends the sinks. Their last word is a record, so the journal must still be open.
    pub(crate) async fn stop_sinks(&mut self) {
        for sink in self.sinks.drain(..) {
            sink.stop().await;
        }
    }

    /// Signs all that is durable, has it cosigned if that is quickly done, and ends.
    pub(crate) async fn finish(self) {
        for task in &self.watching {
            task.abort();
        }
        self.stop_view.send_replace(true);
        if let Err(error) = self.keeping_view.await {
            tracing::error!(%error, "the view did not end in order");
        }
        let Some(signing) = self.signing else { return };
        let checkpoints = signing.checkpoints();
        signing.finish().await;
        let last = checkpoints.borrow().as_ref().map(|last| last.size);
        if let (Some(witness), Some(size)) = (self.witness, last)
            && !witness.cosigned(size, COSIGNED_WITHIN).await
        {
            tracing::warn!(
                size,
                "the last checkpoint is not cosigned: while the gateway is off, what no witness has seen could be cut"
            );
        }
    }
}

/// Opens the notary of a journal that can be read. What is wrong with its own files is told and
/// not fatal: the gateway serves without signatures, and its status says so.
async fn open_notary(site: &Site, journal: &Journal) -> Option<(Notary, Opened)> {
    if !journal.is_open() {
        return None;
    }
    let store = Box::new(TileFolder::new(&site.config.journal().directory));
    let (journal, key) = (journal.clone(), site.keys.journal.clone());
    let opening = spawn_blocking(move || {
        Notary::open(&journal, store, key, &mut telling("records into the tree"))
    });
    let opened: Result<_, NotaryError> = match opening.await {
        Ok(opened) => opened,
        Err(error) => Err(io::Error::other(error).into()),
    };
    opened
        .inspect_err(|error| {
            tracing::error!(%error, "no checkpoint is signed, and no record is ever removed");
        })
        .ok()
}

/// The view is of no use for deciding anything, but it remembers.
async fn open_view(site: &Site, journal: &Journal) -> io::Result<FoundView> {
    let (path, journal) = (site.view(), journal.clone());
    spawn_blocking(move || View::open(&path, &journal, &mut telling("entries of the view")))
        .await
        .map_err(io::Error::other)
}

/// What an earlier run was told and nobody has accepted: whoever told it may be gone by now.
fn tell_kept(outlook: &Outlook, path: &Path, journal: &Journal) {
    match kept::read(path) {
        Ok(open) => open
            .iter()
            .for_each(|ahead| outlook.find_beyond(&ahead.what, ahead.through)),
        Err(error) => {
            tracing::error!(%error, path = %path.display(), "what was beyond the journal cannot be read");
            let last = *journal.durable().borrow();
            outlook.find_beyond("file of what was beyond the journal", last);
        }
    }
}

fn tell_view(outlook: &Outlook, found: &FoundView, journal: &Journal, kept_at: &Path) {
    if let Some(why) = &found.thrown_away {
        tracing::warn!(%why, "the view of the journal is built again from its records");
    }
    let through = match found.standing {
        // One that is damaged is behind everything, and refuses already.
        _ if !journal.is_open() => return,
        Standing::Fits | Standing::Behind { .. } => return,
        Standing::Ahead { through } => through,
        Standing::Other { at } => at,
    };
    outlook.find_beyond("view", through);
    // What it remembers has been told; from here on it is to say what the journal says. But not
    // before that is remembered elsewhere, or a restart would be all that is needed to pass.
    if kept::read(kept_at).is_ok_and(|kept| kept.iter().any(|ahead| ahead.what == "view")) {
        found.view.begin_again();
    } else {
        found.view.set_aside();
    }
}

/// Whether the witness has cosigned more than there is.
async fn tell_cosigned(outlook: &Outlook, site: &Site, journal: &Journal) {
    let (Some(config), true) = (site.config.witness(), journal.is_open()) else {
        return;
    };
    let last = *journal.durable().borrow();
    match witness::cosigned_size(&site.config.journal().directory, config).await {
        Ok(Some(size)) if size > last => outlook.tell_beyond("witness", size),
        Ok(_) => {}
        // The submitter says so too, and asks the witness.
        Err(error) => tracing::debug!(%error, "what the witness cosigned last cannot be read"),
    }
}

fn tell_found(outlook: &Outlook, found: &Opened) {
    if let Some(why) = &found.rebuilt {
        tracing::warn!(why, "the tree was made anew from the records");
    }
    if let Some(ahead) = &found.ahead {
        outlook.find_beyond(&ahead.what, ahead.through);
    }
    if let Some(why) = &found.broken {
        tracing::error!(why, "the chain of keys that sign checkpoints is broken");
        outlook.find_beyond("epoch chain", found.size);
    }
}

fn start_sinks(
    site: &Site,
    journal: &Journal,
    cursors: Arc<dyn Cursors>,
    clock: Clock,
) -> Vec<sink::Running> {
    let devices: BTreeMap<String, String> = site
        .plant
        .devices()
        .iter()
        .map(|device| (device.name().to_owned(), device.address().to_string()))
        .collect();
    let source = Source {
        site: site.plant.site().to_owned(),
        gateway: site.config.gateway().to_owned(),
        devices,
        journal: journal.clone(),
        cursors,
        clock,
    };
    let sinks = site.config.sinks().iter();
    sinks.map(|config| sink::start(config, &source)).collect()
}

fn start_witness(
    site: &Site,
    signing: &Signing,
    beyond: &Arc<Beyond>,
    clock: Clock,
) -> Option<Submitter> {
    let config = site.config.witness()?;
    let journal_dir = site.config.journal().directory.clone();
    let (tiles, beyond) = (journal_dir.clone(), Arc::clone(beyond));
    let setting = witness::Setting {
        witness: config.clone(),
        journal_dir,
        prove: Arc::new(move |old, new| {
            tree::prove_consistency(&TileFolder::read_only(&tiles), old, new)
        }),
        accepted: Arc::new(move |through| beyond.is_accepted("witness", through)),
        clock,
    };
    Some(witness::start(setting, signing.checkpoints(), note_of))
}

fn note_of(signed: &Notarized) -> &str {
    &signed.note
}

fn sources(
    journal: &Journal,
    signing: Option<&Signing>,
    view: &Arc<View>,
    beyond: PathBuf,
) -> Sources {
    let (asked, held, view) = (journal.clone(), journal.clone(), Arc::clone(view));
    let signed = signing.map(Signing::signed);
    Sources {
        journal: Box::new(move || facts(&asked)),
        signed: Box::new(move || {
            let Some(signed) = &signed else {
                return SignedFacts {
                    trouble: Some(
                        "the tree of the journal could not be opened; the log says why".into(),
                    ),
                    ..SignedFacts::default()
                };
            };
            let signed = signed.borrow();
            SignedFacts {
                size: signed.last.as_ref().map_or(0, |last| last.size),
                signed_ms: signed.last.as_ref().map(|last| last.signed_ms),
                epoch: signed.last.as_ref().map_or(0, |last| last.epoch),
                trouble: signed.trouble.clone(),
            }
        }),
        view_size: Box::new(u64::default),
        sinks: Vec::new(),
        witness: None,
        trust: Box::new(|_| Vec::new()),
        hold: Box::new(move |why| match why {
            Some(why) => held.hold(why),
            None => {
                view.accepted();
                held.release();
            }
        }),
        remember: Box::new(move |open| {
            if let Err(error) = kept::write(&beyond, open) {
                tracing::error!(%error, path = %beyond.display(), "that the journal is behind may be forgotten at a restart, or be asked again");
            }
        }),
        signed_serials: [None; 2],
    }
}

fn facts(journal: &Journal) -> JournalFacts {
    let usage = journal.usage();
    JournalFacts {
        failure: match journal.health() {
            Health::Good => None,
            Health::Failed { why, since_ms } => Some((why, since_ms)),
        },
        held: journal.held(),
        first_sequence: usage.first_sequence,
        next_sequence: usage.next_sequence,
        used_bytes: usage.used_bytes,
        removable_bytes: usage.removable_bytes,
        written_bytes: usage.written_bytes,
        budget_bytes: usage.budget_bytes,
        free_bytes: usage.free_bytes,
    }
}

/// Tells the journal, as that grows, what every required sink has. Without any, age alone decides.
async fn allow_removal(journal: Journal, sinks: Vec<crate::status::Sink>) {
    let mut tick = interval(REMOVAL_TICK);
    let mut told = None;
    loop {
        tick.tick().await;
        let required = sinks.iter().filter(|(config, _)| config.required);
        let least = required
            .map(|(_, standing)| standing.borrow().acknowledged)
            .min();
        let through = least.unwrap_or(u64::MAX);
        if told.replace(through) != Some(through) {
            journal.allow_removal(through);
        }
    }
}
