//! The life of the edge: open the journal, take up the policy, connect south, listen north, and
//! stop so that everything permitted is finished and recorded.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use interlock_broker::activation::{self, Activated, NotActivated};
use interlock_broker::clock::{Clock, Floor};
use interlock_broker::enrolment::Registrar;
use interlock_broker::finding::Finding;
use interlock_broker::journal::{Directory, OpenError, Storage};
use interlock_broker::mediation::{Broker, Session};
use interlock_broker::posture::Terms;
use interlock_broker::subject::SubjectId;
use interlock_protocols::record::{EdgeStarted, EdgeStopped, Event};
use quinn::{Endpoint, VarInt};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::first_invitation;
use crate::keeping::Keeping;
use crate::key_switch::{self, KeySwitch};
use crate::limits::{
    COSIGNED_WITHIN, DRAIN_MAX, GOODBYE_MAX, SESSIONS_PER_SUBJECT, STOP_PART_MAX,
    TURNED_AWAY_PER_SUBJECT,
};
use crate::link::Link;
use crate::listen::identity::{self, Doors, Listening};
pub use crate::listen::quic::ListenError;
use crate::listen::{quic, tls};
use crate::local;
use crate::metrics::{self, Metrics};
use crate::reading::Reading;
use crate::recall::{open_journal, take_up_policy};
use crate::registering::{self, Registering};
use crate::site::{POLICY, Site};
use crate::status::Outlook;
use crate::timekeeping;
use crate::trust::{self, Trust};
use crate::windows;

/// Why the edge could not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The site directory has problems.
    #[error("the site directory has problems")]
    Site(Vec<Finding>),
    /// The journal cannot be opened.
    #[error("the journal cannot be opened: {0}")]
    Journal(#[from] OpenError),
    /// The policy could not be taken up.
    #[error("the policy could not be taken up: {0}")]
    Policy(#[from] activation::NotActivated),
    /// The listener cannot be opened.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The system refused something.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What all connections of a running edge share.
pub(crate) struct Edge {
    broker: Arc<Broker>,
    clock: Clock,
    links: HashMap<String, Link>,
    gateway: String,
    server_name: String,
    posture: Terms,
    /// The authority whose word on this gateway counts, in PEM, and the SHA-256 of it.
    gateway_ca: (String, [u8; 32]),
    conduit_port: u16,
    identity_port: OnceLock<u16>,
    registrar: Registrar,
    policy_dir: PathBuf,
    snapshots: PathBuf,
    reading: Reading,
    stop: watch::Sender<bool>,
    deciding: watch::Sender<usize>,
    sessions: Mutex<HashMap<SubjectId, usize>>,
    outlook: Arc<Outlook>,
    trust: Arc<Trust>,
}

/// A running edge, for programs that hold one inside: the demo and the tests.
pub struct Running {
    edge: Arc<Edge>,
    endpoint: Endpoint,
    address: SocketAddr,
    identity: Option<Listening>,
    register: Registering,
    keeping: Keeping,
    metrics: Option<Metrics>,
    /// What looks after the clock, what local administrators ask, what authorities of others bring,
    /// and what time does to windows.
    local: [JoinHandle<()>; 4],
    _switch: Option<key_switch::Reading>,
}

/// Opens the storage that the configuration names.
pub fn storage(site: &Site) -> Result<Box<dyn Storage>, RunError> {
    Ok(Box::new(Directory::open(&site.config.journal().directory)?))
}

/// Starts everything. When this returns, sessions can be opened. `switch` is the key switch of
/// break-glass; without one no sealed grant opens anything.
pub async fn start(
    site: Site,
    storage: Box<dyn Storage>,
    clock: Clock,
    switch: Option<KeySwitch>,
) -> Result<Running, RunError> {
    let (journal, mut recovered) = open_journal(&site, storage, clock)?;
    if let Some(signed) = &site.signed {
        let before = &recovered.register.trust;
        signed.judge(&site.dir, before).map_err(RunError::Site)?;
    }
    // Certificates are judged by this clock from the first handshake on.
    clock.begin(Floor {
        last_ms: recovered.last_time_ms,
        doubted: recovered.clock_doubted,
    });
    let gateway = site.config.gateway().to_owned();
    let started = Event::EdgeStarted(EdgeStarted {
        gateway: gateway.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    });
    if let Err(error) = journal.append(clock.now().wall_ms(), started) {
        tracing::error!(%error, "the journal takes no records: commands with effect are refused");
    }
    if let Some(signed) = &site.signed {
        let register = &mut recovered.register;
        signed.take_up(&journal, register, clock).await;
    }
    let watching_clock = tokio::spawn(timekeeping::attend(journal.clone(), clock));
    let local = local::listen(&site.dir, journal.clone(), clock);
    let policy = take_up_policy(&site, &journal, recovered.last_policy, clock).await?;
    let keeping = Keeping::start(&site, &journal, &recovered.accepted, clock).await?;
    let reading = Reading::new(journal.clone(), Arc::clone(keeping.view()));
    let broker = Broker::new(
        Arc::clone(&site.plant),
        policy,
        journal,
        site.config.zone().clone(),
        recovered.next_sequence,
        recovered.register,
    );
    broker.limit_sessions(site.config.session_times());
    if let (Some(signed), Some(root)) = (&site.signed, site.config.root()) {
        broker.rely_on(signed.reliance(&gateway, root));
    }
    let windows = tokio::spawn(windows::attend(Arc::clone(&broker), clock));
    let switch = switch.map(|switch| key_switch::start(switch, &broker, clock));
    let switch = switch.transpose()?;
    let trusting = trust::keep(Arc::clone(&site.trust), Arc::clone(&broker), clock);
    let trusting = tokio::spawn(trusting);
    let issuer = site
        .keys
        .issuer
        .open()
        .map_err(|error| io::Error::other(format!("the identity issuer: {error}")))?;
    let registrar = Registrar::new(Arc::clone(&broker), issuer, site.config.terms());
    take_up_invitation(&site, &registrar, clock).await;
    let gateway_ca = &site.keys.gateway_authority.certificate;
    let fingerprint =
        tls::fingerprint(gateway_ca).map_err(|error| ListenError::Tls(error.to_string()))?;
    let doors = site.config.identity().map(|address| {
        let server = &site.keys.server;
        Doors::of(server, gateway_ca, clock).map(|doors| (address, doors))
    });
    let doors = doors.transpose()?;
    let mut listener = site.tls.clone();
    listener.time_provider = Arc::new(tls::ByClock(clock));
    let endpoint = quic::listen(site.config.quic(), listener, &site.keys.server.key)?;
    let address = endpoint.local_addr()?;
    let links = site
        .plant
        .devices()
        .iter()
        .filter_map(|device| {
            let isolation = broker.isolation(device.name())?;
            let link = Link::start(Arc::clone(device), isolation, clock);
            Some((device.name().to_owned(), link))
        })
        .collect();
    let edge = Arc::new(Edge {
        broker,
        clock,
        links,
        gateway,
        server_name: site.config.server_name(site.plant.site()),
        posture: site.config.posture().clone(),
        gateway_ca: (gateway_ca.clone(), fingerprint),
        conduit_port: address.port(),
        identity_port: OnceLock::new(),
        registrar,
        policy_dir: site.dir.join(POLICY),
        snapshots: site.snapshots(),
        reading,
        stop: watch::Sender::new(false),
        deciding: watch::Sender::new(0),
        sessions: Mutex::new(HashMap::new()),
        outlook: Arc::clone(keeping.outlook()),
        trust: Arc::clone(&site.trust),
    });
    let metrics = match site.config.metrics() {
        None => None,
        Some(listen) => {
            let (outlook, edge) = (Arc::clone(keeping.outlook()), Arc::downgrade(&edge));
            let sessions = move || edge.upgrade().map_or(0, |edge| edge.open_sessions());
            Some(metrics::start(listen, Arc::new(move || outlook.status(sessions()))).await?)
        }
    };
    let identity = match doors {
        None => None,
        Some((address, doors)) => {
            let key = &site.keys.server.key;
            let listening = identity::start(address, doors, key, &edge)?;
            let _set_once = edge.identity_port.set(listening.address.port());
            tracing::info!(address = %listening.address, "listening for those who enrol or log in");
            Some(listening)
        }
    };
    let register = registering::start(Arc::clone(&edge.broker), clock, &site);
    tokio::spawn(quic::serve(endpoint.clone(), Arc::clone(&edge)));
    tracing::info!(%address, gateway = edge.gateway, "listening");
    Ok(Running {
        edge,
        endpoint,
        address,
        identity,
        register,
        keeping,
        metrics,
        local: [watching_clock, local, trusting, windows],
        _switch: switch,
    })
}

/// Takes up the invitation that was made on the gateway's own disk. Where that cannot be recorded
/// the file stays for the next start.
async fn take_up_invitation(site: &Site, registrar: &Registrar, clock: Clock) {
    let path = site.dir.join(first_invitation::FILE);
    let invitation = match first_invitation::read(&path) {
        Ok(Some(invitation)) => invitation,
        Ok(None) => return,
        Err(error) => {
            tracing::error!(%error, path = %path.display(), "the invitation of an administrator cannot be read; `interlock-edge invite-administrator` makes another one");
            return;
        }
    };
    match registrar.take_up(&invitation, clock.now()).await {
        Ok(record) => {
            tracing::warn!(record, subject = %invitation.subject, by = invitation.by, "an administrator is invited");
            if let Err(error) = first_invitation::forget(&path) {
                tracing::warn!(%error, path = %path.display(), "the invitation's file stays, and counts for nothing");
            }
        }
        Err(error) => {
            tracing::error!(%error, "the invitation of an administrator cannot be recorded, and does not hold yet");
        }
    }
}

impl Running {
    /// Where the conduit is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where people enrol and log in, if they do.
    pub fn identity(&self) -> Option<SocketAddr> {
        self.identity.as_ref().map(|identity| identity.address)
    }

    /// Where metrics are served, if they are.
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(Metrics::address)
    }

    /// Stops in order: no new commands; what is queued or in flight is finished and recorded;
    /// sessions are told and ended; the journal is closed.
    pub async fn stop(self) {
        let edge = &self.edge;
        edge.broker.stop_admitting();
        self.endpoint.set_server_config(None);
        if let Some(identity) = &self.identity {
            identity.endpoint.close(VarInt::from_u32(0), b"stopping");
        }
        // The last chance of what was taken away and found no place in the journal.
        edge.broker.record_unrecorded(edge.clock.now());
        self.local.iter().for_each(JoinHandle::abort);
        let drained = async {
            edge.decided().await;
            for link in edge.links.values() {
                link.drained().await;
            }
        };
        if timeout(DRAIN_MAX, drained).await.is_err() {
            tracing::warn!(
                "commands still waited for their devices: those sent are OUTCOME UNKNOWN, those not are WITHHELD"
            );
        }
        for link in edge.links.values() {
            link.stop().await;
        }
        edge.stop.send_replace(true);
        let goodbye = async {
            let mut left = edge.stop.subscribe();
            while edge.open_sessions() > 0 {
                if left.changed().await.is_err() {
                    return;
                }
            }
        };
        if timeout(GOODBYE_MAX, goodbye).await.is_err() {
            tracing::warn!(
                open = edge.open_sessions(),
                "sessions did not say goodbye in time"
            );
        }
        self.endpoint.close(VarInt::from_u32(0), b"stopping");
        in_time("the register", STOP_PART_MAX, self.register.finish()).await;
        let mut keeping = self.keeping;
        in_time("the sinks", STOP_PART_MAX, keeping.stop_sinks()).await;
        in_time("the last record", STOP_PART_MAX, edge.record_stop()).await;
        let cosigned_max = STOP_PART_MAX + COSIGNED_WITHIN;
        in_time("the last checkpoint", cosigned_max, keeping.finish()).await;
        // On a thread that keeps the journal for as long as it takes: whoever else lets go of it
        // last would wait for the disk then.
        let journal = edge.broker.journal().clone();
        let closed = tokio::task::spawn_blocking(move || journal.close());
        in_time("the journal", STOP_PART_MAX, closed).await;
        tracing::info!("stopped");
    }
}

/// Waits for a part of a stop, and says so where a disk that does not answer makes it too long.
async fn in_time<R>(what: &str, most: Duration, part: impl Future<Output = R>) {
    if timeout(most, part).await.is_err() {
        tracing::error!("{what} did not end in time: the disk does not answer; stopping without");
    }
}

/// Runs an edge until `stop` is ready. `ready` is told the address once sessions can be opened.
pub async fn run(
    site: Site,
    storage: Box<dyn Storage>,
    clock: Clock,
    switch: Option<KeySwitch>,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let running = start(site, storage, clock, switch).await?;
    ready(running.address());
    stop.await;
    running.stop().await;
    Ok(())
}

/// A command between its decision and its link.
pub(crate) struct Deciding<'e>(&'e Edge);

impl Drop for Deciding<'_> {
    fn drop(&mut self) {
        self.0.deciding.send_modify(|count| *count -= 1);
    }
}

impl Edge {
    pub(crate) fn broker(&self) -> &Arc<Broker> {
        &self.broker
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn gateway(&self) -> &str {
        &self.gateway
    }

    pub(crate) fn site(&self) -> &str {
        self.broker.plant().site()
    }

    pub(crate) fn link(&self, device: &str) -> Option<Link> {
        self.links.get(device).cloned()
    }

    /// Turns true when the edge stops.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Marks that a command is being decided and recorded, for as long as the mark is held.
    pub(crate) fn deciding(&self) -> Deciding<'_> {
        self.deciding.send_modify(|count| *count += 1);
        Deciding(self)
    }

    /// Durable before it goes on: the last checkpoint is to cover it.
    async fn record_stop(&self) {
        let stopped = Event::EdgeStopped(EdgeStopped {
            gateway: self.gateway.clone(),
        });
        let now_ms = self.clock.now().wall_ms();
        let recorded = match self.broker.journal().commit(now_ms, stopped) {
            Ok(pending) => pending.await,
            Err(error) => Err(error),
        };
        if let Err(error) = recorded {
            tracing::error!(%error, "the end could not be recorded");
        }
    }

    /// Waits until no command is between its decision and its link.
    async fn decided(&self) {
        let mut deciding = self.deciding.subscribe();
        // The sender is ours and lives as long as we wait.
        let _none_left = deciding.wait_for(|count| *count == 0).await;
    }

    /// Counts a connection of a subject for as long as the visit is held.
    pub(crate) fn enter(self: &Arc<Self>, subject: &SubjectId) -> Visit {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let open = sessions.entry(subject.clone()).or_default();
        *open += 1;
        Visit {
            edge: Arc::clone(self),
            subject: subject.clone(),
            open: *open,
        }
    }

    /// Whoever decides on identities here.
    pub(crate) fn registrar(&self) -> &Registrar {
        &self.registrar
    }

    /// The authority whose word on this gateway counts, in PEM.
    pub(crate) fn gateway_ca(&self) -> &str {
        &self.gateway_ca.0
    }

    /// SHA-256 of its certificate.
    pub(crate) fn gateway_fingerprint(&self) -> &[u8; 32] {
        &self.gateway_ca.1
    }

    /// UDP port of the conduit.
    pub(crate) fn conduit_port(&self) -> u16 {
        self.conduit_port
    }

    /// UDP port of the identity listener, if there is one.
    pub(crate) fn identity_port(&self) -> Option<u16> {
        self.identity_port.get().copied()
    }

    /// Whether the edge stops.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// The name in the gateway's certificate, by which clients know it.
    pub(crate) fn server_name(&self) -> &str {
        &self.server_name
    }

    /// How reports about the health of machines are judged.
    pub(crate) fn posture_terms(&self) -> &Terms {
        &self.posture
    }

    /// Answers questions about the journal.
    pub(crate) fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Whose word on clients counts.
    pub(crate) fn trust(&self) -> &Arc<Trust> {
        &self.trust
    }

    /// What it knows of itself.
    pub(crate) fn outlook(&self) -> &Arc<Outlook> {
        &self.outlook
    }

    pub(crate) fn open_sessions(&self) -> usize {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.values().sum()
    }

    /// Puts the policy of the site directory in force, if the session may and its cases pass.
    pub(crate) async fn activate_policy(
        &self,
        session: &Session,
    ) -> Result<Activated, NotActivated> {
        activation::may_activate(session, self.clock.now())?;
        let (dir, snapshots) = (self.policy_dir.clone(), self.snapshots.clone());
        let plant = Arc::clone(self.broker.plant());
        // Compiling a policy of many rules would hold up every link.
        let prepare = move || activation::prepare_folder(&dir, &plant, &snapshots);
        let prepared = tokio::task::spawn_blocking(prepare)
            .await
            .map_err(|error| NotActivated::Interrupted(error.to_string()))??;
        activation::activate(session, prepared, &self.snapshots, self.clock.now()).await
    }
}

/// One connection of a subject; dropping it, however that comes about, makes room for the next.
pub(crate) struct Visit {
    edge: Arc<Edge>,
    subject: SubjectId,
    open: usize,
}

impl Visit {
    /// Whether there is room for a session.
    pub(crate) fn has_room(&self) -> bool {
        self.open <= SESSIONS_PER_SUBJECT
    }

    /// Whether there are so many that not even a word can be spared.
    pub(crate) fn is_crowd(&self) -> bool {
        self.open > SESSIONS_PER_SUBJECT + TURNED_AWAY_PER_SUBJECT
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        {
            let sessions = self.edge.sessions.lock();
            let mut sessions = sessions.unwrap_or_else(PoisonError::into_inner);
            if let Some(open) = sessions.get_mut(&self.subject) {
                *open -= 1;
                if *open == 0 {
                    sessions.remove(&self.subject);
                }
            }
        }
        // Wakes whoever waits for the last session to go.
        self.edge.stop.send_modify(|_| {});
    }
}

#[cfg(test)]
mod tests;
