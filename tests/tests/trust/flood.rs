//! Handshakes of strangers by the hundred, while somebody works.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;

use interlock_protocols::conduit::ALPN;
use interlock_tests::harness::Bench;

use crate::ca::Ca;
use crate::peer::Peer;

/// Strangers at once, and handshakes of each.
const STRANGERS: usize = 4;
const HANDSHAKES_EACH: usize = 150;

/// Commands at least, before the flood, in it, and until it is over.
const COMMANDS_MIN: u16 = 300;

#[test]
fn every_command_passes_while_strangers_flood_the_door() {
    let mut bench = Bench::start();
    let gateway = &bench.gateway;
    let connected = gateway.connect("person/olga", &["press-4"]);
    let mut tool = connected.modbus("press-4");
    let stranger = Ca::new("nobody knows it");
    let is_over = AtomicBool::new(false);
    let (asked, let_in) = scope(|scope| {
        let flood: Vec<_> = (0..STRANGERS)
            .map(|number| {
                // Half of them show nothing, half a certificate that nobody knows.
                let pass = (number % 2 == 0).then(|| stranger.pass("person/olga", 1, true));
                let peer = Peer::new(gateway, pass, ALPN);
                scope.spawn(move || {
                    let sessions = (0..HANDSHAKES_EACH).map(|_| peer.session());
                    sessions.filter(Result::is_ok).count()
                })
            })
            .collect();
        let working = scope.spawn(|| {
            let mut asked = 0_u16;
            while asked < COMMANDS_MIN || !is_over.load(Ordering::Acquire) {
                asked = asked.wrapping_add(1);
                let value = 8_000 + asked % 100;
                let answer = tool.write_holding(1, 100, value);
                assert_eq!(answer[0], 6, "command {asked}: {answer:02x?}");
                assert_eq!(answer[3..5], value.to_be_bytes(), "command {asked}");
            }
            asked
        });
        let let_in: usize = flood.into_iter().map(|one| one.join().unwrap()).sum();
        is_over.store(true, Ordering::Release);
        (working.join().unwrap(), let_in)
    });
    assert_eq!(let_in, 0, "strangers were let in");
    assert_eq!(connected.end(), 0);
    let records = bench.settle();
    assert_eq!(records.commands.len(), usize::from(asked));
}
