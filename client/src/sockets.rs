//! Whose a local socket is. On Linux the kernel's socket table says it; elsewhere nobody is asked,
//! and `connect` states that limit.

pub(crate) use self::system::{LIMIT, holder, judge};

/// Whether a tool that has connected may be served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(crate) enum Judged {
    /// It runs as the same user, or this system cannot tell.
    Ours,
    /// It runs as another user.
    Another(u32),
    /// Its socket is not in the table: already gone, or not of this machine.
    Unknown,
}

/// Who listens on an address.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(crate) enum Holder {
    /// A process that we may look at.
    Process { pid: i32, command: String },
    /// A process of another user.
    User(u32),
}

#[cfg(target_os = "linux")]
mod system {
    use std::collections::HashSet;
    use std::net::SocketAddr;

    use procfs::net::{TcpNetEntry, TcpState};
    use procfs::process::{FDTarget, all_processes};

    use super::{Holder, Judged};

    /// What this system cannot keep apart; nothing here.
    pub(crate) const LIMIT: Option<&str> = None;

    /// Judges the peer of an accepted connection by the owner of its own socket. Anything that
    /// cannot be found out is not served.
    pub(crate) fn judge(local: SocketAddr, peer: SocketAddr) -> Judged {
        let (local, peer) = (plain(local), plain(peer));
        let theirs = table().find(|entry| {
            plain(entry.local_address) == peer
                && plain(entry.remote_address) == local
                // A closed socket keeps its line for a while, under user 0 and without an inode.
                && entry.inode != 0
        });
        match theirs {
            Some(entry) if entry.uid == rustix::process::geteuid().as_raw() => Judged::Ours,
            Some(entry) => Judged::Another(entry.uid),
            None => Judged::Unknown,
        }
    }

    /// Who listens where `address` could not be bound.
    pub(crate) fn holder(address: SocketAddr) -> Option<Holder> {
        let listening: Vec<TcpNetEntry> = table()
            .filter(|entry| {
                let at = plain(entry.local_address);
                entry.state == TcpState::Listen
                    && at.port() == address.port()
                    && (at.ip() == address.ip() || at.ip().is_unspecified())
            })
            .collect();
        let inodes: HashSet<u64> = listening.iter().map(|entry| entry.inode).collect();
        process_with(&inodes).or_else(|| listening.first().map(|entry| Holder::User(entry.uid)))
    }

    fn process_with(inodes: &HashSet<u64>) -> Option<Holder> {
        for process in all_processes().ok()?.flatten() {
            // Other people's processes keep their files to themselves.
            let Ok(files) = process.fd() else { continue };
            let holds = files.flatten().any(
                |file| matches!(file.target, FDTarget::Socket(inode) if inodes.contains(&inode)),
            );
            if holds {
                let command = process
                    .stat()
                    .map_or_else(|_| "?".to_owned(), |stat| stat.comm);
                return Some(Holder::Process {
                    pid: process.pid(),
                    command,
                });
            }
        }
        None
    }

    fn table() -> impl Iterator<Item = TcpNetEntry> {
        let v4 = procfs::net::tcp().unwrap_or_default();
        let v6 = procfs::net::tcp6().unwrap_or_default();
        v4.into_iter().chain(v6)
    }

    /// A tool on an IPv6 socket may reach an IPv4 address; the table then has the mapped form.
    fn plain(address: SocketAddr) -> SocketAddr {
        SocketAddr::new(address.ip().to_canonical(), address.port())
    }

    #[cfg(test)]
    mod tests {
        use std::net::{TcpListener, TcpStream};

        use super::*;

        #[test]
        fn our_own_socket_is_ours_and_a_made_up_one_is_nobodys() {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let at = listener.local_addr().unwrap();
            let tool = TcpStream::connect(at).unwrap();
            let (served, peer) = listener.accept().unwrap();
            assert_eq!(judge(served.local_addr().unwrap(), peer), Judged::Ours);
            // The other way round it is the served end's socket, which is ours as well.
            assert_eq!(judge(peer, at), Judged::Ours);
            drop((tool, served));
            let nobody = "127.0.0.1:1".parse().unwrap();
            assert_eq!(judge(at, nobody), Judged::Unknown);
        }

        #[test]
        fn a_tool_on_an_ipv6_socket_is_found_too() {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let mapped = format!("[::ffff:127.0.0.1]:{port}");
            // A machine may have no IPv6 at all; then there is nothing to find.
            let Ok(_tool) = TcpStream::connect(mapped) else {
                return;
            };
            let (served, peer) = listener.accept().unwrap();
            assert_eq!(judge(served.local_addr().unwrap(), peer), Judged::Ours);
        }

        #[test]
        fn a_tool_that_is_gone_is_not_served() {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let tool = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (served, peer) = listener.accept().unwrap();
            drop(tool);
            assert_eq!(judge(served.local_addr().unwrap(), peer), Judged::Unknown);
        }

        #[test]
        fn the_holder_of_an_address_is_named() {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let at = listener.local_addr().unwrap();
            let Some(Holder::Process { pid, command }) = holder(at) else {
                panic!("nobody holds {at}");
            };
            assert_eq!(pid.cast_unsigned(), std::process::id());
            assert!(!command.is_empty());
            drop(listener);
            assert_eq!(holder(at), None);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::net::SocketAddr;

    use super::{Holder, Judged};

    /// What this system cannot keep apart.
    pub(crate) const LIMIT: Option<&str> = Some(
        "on this system every user of this machine can use these addresses while you are connected",
    );

    pub(crate) fn judge(_: SocketAddr, _: SocketAddr) -> Judged {
        Judged::Ours
    }

    pub(crate) fn holder(_: SocketAddr) -> Option<Holder> {
        None
    }
}
