//! A stretch of network between a client and a gateway, that a test cuts.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long it waits for a packet before it looks whether it is over.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Room for the largest UDP packet.
const PACKET_MAX: usize = 65_536;

/// Passes UDP packets on both ways, for one client, until it is cut.
pub struct Relay {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    cut: AtomicBool,
    over: AtomicBool,
}

impl Relay {
    /// A way to this address.
    pub fn before(gateway: SocketAddr) -> Relay {
        let near = Arc::new(socket());
        let far = Arc::new(socket());
        far.connect(gateway).expect("an address");
        let address = near.local_addr().expect("a bound socket has an address");
        let state = Arc::new(State::default());
        // Who the client is shows in its first packet.
        let client = Arc::new(std::sync::Mutex::new(None));
        let (from, to, known) = (Arc::clone(&near), Arc::clone(&far), Arc::clone(&client));
        pass(&state, move |packet| {
            let (length, peer) = from.recv_from(packet).ok()?;
            *known.lock().expect("no panic") = Some(peer);
            Some((
                length,
                Box::new({
                    let to = Arc::clone(&to);
                    move |bytes: &[u8]| drop(to.send(bytes))
                }) as Send,
            ))
        });
        pass(&state, move |packet| {
            let length = far.recv(packet).ok()?;
            let peer = (*client.lock().expect("no panic"))?;
            let near = Arc::clone(&near);
            let send = move |bytes: &[u8]| drop(near.send_to(bytes, peer));
            Some((length, Box::new(send) as Send))
        });
        Relay { address, state }
    }

    /// Where a client connects.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From here on every packet is lost, both ways.
    pub fn cut(&self) {
        self.state.cut.store(true, Ordering::SeqCst);
    }

    /// They pass again.
    pub fn mend(&self) {
        self.state.cut.store(false, Ordering::SeqCst);
    }
}

type Send = Box<dyn FnOnce(&[u8])>;

fn pass(
    state: &Arc<State>,
    next: impl Fn(&mut [u8]) -> Option<(usize, Send)> + std::marker::Send + 'static,
) {
    let state = Arc::clone(state);
    std::thread::spawn(move || {
        let mut packet = vec![0; PACKET_MAX];
        while !state.over.load(Ordering::SeqCst) {
            if let Some((length, send)) = next(&mut packet)
                && !state.cut.load(Ordering::SeqCst)
            {
                send(&packet[..length]);
            }
        }
    });
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.set_read_timeout(Some(LOOK_EVERY)).expect("not zero");
    socket
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
    }
}
