//! A network that can be cut, mended, and made to hold back what is on its way.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// A TCP proxy on loopback. Threads of its own: it must not share a runtime with what it tests.
pub(crate) struct Wan {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    target: Option<SocketAddr>,
    is_cut: bool,
    /// Connections up to this number have what they send held back.
    held: u64,
    connections: u64,
    /// Both ends of each connection that is open.
    open: Vec<(u64, TcpStream, TcpStream)>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn change(&self, how: impl FnOnce(&mut State)) {
        how(&mut self.state());
        self.changed.notify_all();
    }
}

impl Wan {
    pub(crate) fn new() -> Wan {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let carrying = Arc::clone(&shared);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                carry(&carrying, near);
            }
        });
        Wan { address, shared }
    }

    /// Where it is entered.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it leads from now on.
    pub(crate) fn lead_to(&self, target: SocketAddr) {
        self.shared.change(|state| state.target = Some(target));
    }

    /// Breaks every connection and lets none through.
    pub(crate) fn cut(&self) {
        self.shared.change(|state| {
            state.is_cut = true;
            for (_, near, far) in &state.open {
                let _ = near.shutdown(Shutdown::Both);
                let _ = far.shutdown(Shutdown::Both);
            }
        });
    }

    /// Lets connections through again.
    pub(crate) fn mend(&self) {
        self.shared.change(|state| state.is_cut = false);
    }

    /// Holds back whatever is sent on the connections that are open now. Nobody is told: new
    /// connections pass.
    pub(crate) fn hold(&self) {
        self.shared.change(|state| state.held = state.connections);
    }

    /// Lets go what was held back, and waits until the far end had all of it.
    pub(crate) fn release(&self) {
        let held = self.shared.state().held;
        self.shared.change(|state| state.held = 0);
        let mut state = self.shared.state();
        while state.open.iter().any(|(number, ..)| *number <= held) {
            let waited = self
                .shared
                .changed
                .wait_timeout(state, interlock_tests::harness::PATIENCE);
            let (next, timeout) = waited.unwrap();
            assert!(!timeout.timed_out(), "the far end closes what it had whole");
            state = next;
        }
    }
}

fn carry(shared: &Arc<Shared>, near: TcpStream) {
    let target = {
        let state = shared.state();
        state.target.filter(|_| !state.is_cut)
    };
    let Some(far) = target.and_then(|target| TcpStream::connect(target).ok()) else {
        return;
    };
    let mut number = 0;
    let ends = (near.try_clone().unwrap(), far.try_clone().unwrap());
    shared.change(|state| {
        state.connections += 1;
        number = state.connections;
        state.open.push((number, ends.0, ends.1));
    });
    let back = (far.try_clone().unwrap(), near.try_clone().unwrap());
    let there = Arc::clone(shared);
    let forth = std::thread::spawn(move || {
        pump(&there, number, near, far);
    });
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        let (mut far, mut near) = back;
        let _ = std::io::copy(&mut far, &mut near);
        let _ = near.shutdown(Shutdown::Both);
        let _ = forth.join();
        shared.change(|state| state.open.retain(|(open, ..)| *open != number));
    });
}

/// Carries what the near end sends, unless it is held back.
fn pump(shared: &Shared, number: u64, mut near: TcpStream, mut far: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = near.read(&mut buffer).unwrap_or(0);
        let mut state = shared.state();
        while number <= state.held && !state.is_cut {
            state = shared.changed.wait(state).unwrap();
        }
        drop(state);
        if read == 0 || far.write_all(&buffer[..read]).is_err() {
            // The far end reads what it has, then closes its side as well.
            let _ = far.shutdown(Shutdown::Write);
            return;
        }
    }
}
