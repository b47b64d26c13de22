//! The local address of one device, and the tools that come to it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use interlock_protocols::conduit::DeviceOffer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};

use super::carry::carry;
use crate::failure::{Failure, Kind};
use crate::gateway::Line;
use crate::limits::{ACCEPT_PAUSE, TOOLS_EACH_MAX};
use crate::sockets::{self, Holder, Judged};

/// One device's listener.
#[derive(Debug)]
pub(crate) struct Listener {
    device: String,
    armed: bool,
    tcp: TcpListener,
    at: SocketAddr,
}

/// What every listener needs from the rest of the command.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    /// The connection to the edge; `None` while there is none.
    pub(super) line: watch::Receiver<Option<Line>>,
    /// Words for the person, one sentence each.
    pub(super) words: mpsc::Sender<String>,
}

impl Listener {
    /// Takes the device's stable address. Never another one: a tool that was set up for it would
    /// then talk to something else.
    pub(crate) async fn bind(offer: &DeviceOffer, armed: bool) -> Result<Listener, Failure> {
        let wanted = loopback(offer)?;
        let tcp = TcpListener::bind(wanted)
            .await
            .map_err(|error| taken(&offer.name, wanted, &error))?;
        let at = tcp
            .local_addr()
            .map_err(|error| taken(&offer.name, wanted, &error))?;
        Ok(Listener {
            device: offer.name.clone(),
            armed,
            tcp,
            at,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.at
    }

    /// The device it listens for.
    pub(crate) fn device(&self) -> &str {
        &self.device
    }

    /// Whether commands with effect may pass at all.
    pub(super) fn armed(&self) -> bool {
        self.armed
    }

    /// Serves tools, each in a task of its own, until the command ends.
    pub(super) async fn serve(self, desk: Desk) {
        let room = Arc::new(Semaphore::new(TOOLS_EACH_MAX));
        loop {
            let (tool, peer) = match self.tcp.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // A tool that left again at once, or no file handle left: both pass.
                    tracing::debug!(device = self.device, %error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
                desk.tell(format!(
                    "{}: a tool was turned away, since {TOOLS_EACH_MAX} are connected already; close one",
                    self.device
                ));
                continue;
            };
            let (device, armed, at) = (self.device.clone(), self.armed, self.at);
            let desk = desk.clone();
            tokio::spawn(async move {
                serve_one(tool, at, peer, &device, armed, &desk).await;
                drop(place);
            });
        }
    }
}

impl Desk {
    /// A full channel means that the screen is full of words already.
    fn tell(&self, word: String) {
        let _ = self.words.try_send(word);
    }
}

async fn serve_one(
    tool: TcpStream,
    at: SocketAddr,
    peer: SocketAddr,
    device: &str,
    armed: bool,
    desk: &Desk,
) {
    let line = desk.line.borrow().clone();
    let Some(line) = line else {
        desk.tell(format!(
            "{device}: a tool was turned away, since there is no connection to the gateway now"
        ));
        return;
    };
    // Reading the socket table takes the kernel a moment that no other conversation should wait.
    let judged = tokio::task::spawn_blocking(move || sockets::judge(at, peer)).await;
    match judged {
        Ok(Judged::Ours) => {}
        Ok(Judged::Another(user)) => {
            desk.tell(format!(
                "{device}: a tool of another user (uid {user}) was turned away; they need a profile of their own"
            ));
            return;
        }
        Ok(Judged::Unknown) | Err(_) => {
            desk.tell(format!(
                "{device}: a tool was turned away, since it cannot be told whose it is; it may be gone already, or in a container"
            ));
            return;
        }
    }
    // Every Modbus exchange is one small segment each way and waits for the other.
    if let Err(error) = tool.set_nodelay(true) {
        tracing::debug!(device, %error, "no TCP_NODELAY");
    }
    match line.converse(device, armed).await {
        Ok(stream) => {
            let conversation = stream.conversation;
            let end = carry(tool, stream).await;
            tracing::debug!(device, conversation, ?end, "conversation ended");
        }
        Err(failure) => desk.tell(format!("{device}: no conversation: {failure}")),
    }
}

/// The stable address from the inventory. Anything but this machine's own loopback would open
/// the PLC to the network, under this person's name.
fn loopback(offer: &DeviceOffer) -> Result<SocketAddr, Failure> {
    let next = "ask whoever keeps the gateway's plant.toml to give it one, like 127.77.0.11:1502";
    let parsed: Option<SocketAddr> = offer.local_address.parse().ok();
    let Some(address) = parsed else {
        let what = format!(
            "the inventory gives {} no usable local address (`{}`)",
            offer.name, offer.local_address
        );
        return Err(Failure::new(Kind::Configuration, what, next));
    };
    if !address.ip().is_loopback() {
        let what = format!(
            "the local address of {} is {address}, which others could reach over the network",
            offer.name
        );
        return Err(Failure::new(Kind::Configuration, what, next));
    }
    Ok(address)
}

fn taken(device: &str, wanted: SocketAddr, error: &io::Error) -> Failure {
    let fail = |what, next: String| Failure::new(Kind::Configuration, what, next);
    match error.kind() {
        io::ErrorKind::AddrInUse => match sockets::holder(wanted) {
            Some(Holder::Process { pid, .. }) if pid.cast_unsigned() == std::process::id() => fail(
                format!("the address {wanted} of {device} belongs to another device as well"),
                "ask whoever keeps the gateway's plant.toml to give each device an address of its own".to_owned(),
            ),
            Some(Holder::Process { pid, command }) => fail(
                format!("the address {wanted} of {device} is taken by `{command}` (process {pid})"),
                format!("end it (kill {pid}), or leave this device out with --device"),
            ),
            Some(Holder::User(user)) => fail(
                format!("the address {wanted} of {device} is taken by a process of user {user}"),
                "ask that user to end it, or leave this device out with --device".to_owned(),
            ),
            None => fail(
                format!("the address {wanted} of {device} is taken"),
                "find the program that listens there, or leave this device out with --device".to_owned(),
            ),
        },
        io::ErrorKind::PermissionDenied => fail(
            format!("the address {wanted} of {device} needs a privilege: its port is below 1024"),
            format!(
                "have the administrator of this machine allow it (sysctl net.ipv4.ip_unprivileged_port_start={}), or leave this device out with --device",
                wanted.port()
            ),
        ),
        io::ErrorKind::AddrNotAvailable => fail(
            format!("this machine has no address {} for {device}", wanted.ip()),
            format!(
                "add it to the loopback interface (on macOS: sudo ifconfig lo0 alias {})",
                wanted.ip()
            ),
        ),
        _ => fail(
            format!("the address {wanted} of {device} cannot be used: {error}"),
            "leave this device out with --device".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(local_address: &str) -> DeviceOffer {
        DeviceOffer {
            name: "mixer".into(),
            zone: "hall".into(),
            description: String::new(),
            local_address: local_address.into(),
            unit: 1,
            points: Vec::new(),
            may: Vec::new(),
        }
    }

    #[tokio::test]
    async fn port_zero_means_any_free_port() {
        let listener = Listener::bind(&offer("127.0.0.1:0"), false).await.unwrap();
        assert_ne!(listener.address().port(), 0);
    }

    #[tokio::test]
    async fn an_address_that_others_could_reach_is_refused() {
        for address in ["0.0.0.0:1502", "[::]:1502", "192.0.2.7:1502", "mixer:502"] {
            let failure = Listener::bind(&offer(address), false).await.unwrap_err();
            assert_eq!(failure.kind(), Kind::Configuration, "{address}");
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_taken_address_names_its_holder_and_no_other_is_picked() {
        let first = Listener::bind(&offer("127.0.0.1:0"), false).await.unwrap();
        let address = first.address().to_string();
        let failure = Listener::bind(&offer(&address), false).await.unwrap_err();
        assert_eq!(failure.kind(), Kind::Configuration);
        // The holder is this very process, which is told apart from a stranger.
        assert!(failure.what().contains("another device"), "{failure}");
        let stranger = taken(
            "mixer",
            "127.0.0.1:1".parse().unwrap(),
            &io::ErrorKind::AddrInUse.into(),
        );
        assert!(stranger.what().ends_with("is taken"), "{stranger}");
    }
}
