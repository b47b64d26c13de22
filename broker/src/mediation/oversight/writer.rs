//! The one writer of a device, where somebody asked to be it. Pure: time is an argument.
//!
//! A token is a lease that each write renews. One that has run out bars nobody, and serves its owner
//! again only if nobody else has written or asked meanwhile.

use std::collections::BTreeMap;

use crate::clock::Mono;
use crate::limits::WRITER_LEASE;
use crate::subject::{SubjectId, SubjectKind};

/// A session that alone may write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Writer {
    /// Its number.
    pub session: u64,
    /// Whose it is.
    pub subject: SubjectId,
}

/// How a token was got.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Got {
    /// Nobody held it, or nobody any more.
    Free,
    /// It was theirs already.
    Renewed,
    /// It was taken from whoever held it.
    From(Writer),
}

/// The tokens of all devices. There is one for a device at the most.
#[derive(Default, Debug)]
pub(super) struct Writers(BTreeMap<String, Token>);

#[derive(Debug)]
struct Token {
    writer: Writer,
    used: Mono,
}

impl Token {
    fn holds(&self, now: Mono) -> bool {
        now.since(self.used) < WRITER_LEASE
    }
}

impl Writers {
    /// Gives the token to whoever asks, unless somebody holds it who does not have to yield.
    pub(super) fn take(&mut self, device: &str, writer: Writer, now: Mono) -> Result<Got, Writer> {
        let before = self.0.get(device);
        let got = match before {
            Some(token) if token.writer.session == writer.session => Got::Renewed,
            Some(token) if token.holds(now) => {
                if !yields(&token.writer.subject, &writer.subject) {
                    return Err(token.writer.clone());
                }
                Got::From(token.writer.clone())
            }
            _ => Got::Free,
        };
        let token = Token { writer, used: now };
        self.0.insert(device.to_owned(), token);
        Ok(got)
    }

    /// Another session that alone may write now.
    pub(super) fn other(&self, device: &str, session: u64, now: Mono) -> Option<Writer> {
        let token = self.0.get(device).filter(|token| token.holds(now))?;
        (token.writer.session != session).then(|| token.writer.clone())
    }

    /// Whether a session may write now. The owner's lease begins anew; one that had run out is gone
    /// once somebody else writes.
    pub(super) fn write(&mut self, device: &str, session: u64, now: Mono) -> Result<(), Writer> {
        let Some(token) = self.0.get_mut(device) else {
            return Ok(());
        };
        if token.writer.session == session {
            token.used = now;
        } else if token.holds(now) {
            return Err(token.writer.clone());
        } else {
            self.0.remove(device);
        }
        Ok(())
    }

    /// Gives it back; false where it was not theirs.
    pub(super) fn give_back(&mut self, device: &str, session: u64) -> bool {
        let theirs = |token: &Token| token.writer.session == session;
        let held = self.0.get(device).is_some_and(theirs);
        if held {
            self.0.remove(device);
        }
        held
    }

    /// A session is over, and so are its tokens.
    pub(super) fn left(&mut self, session: u64) {
        self.0.retain(|_, token| token.writer.session != session);
    }
}

/// Whether one who holds it yields to one who asks: whoever runs the plant goes before the firms and
/// the programs that work at it.
fn yields(holder: &SubjectId, asker: &SubjectId) -> bool {
    asker.kind() == SubjectKind::Person && holder.kind() != SubjectKind::Person
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn at(s: u64) -> Mono {
        Mono::at(Duration::from_secs(s))
    }

    fn writer(session: u64) -> Writer {
        let path = match session {
            1 => "vendor/acme/victor",
            2 => "vendor/other/wanda",
            3 => "person/olga",
            4 => "person/otto",
            _ => "workload/recipes",
        };
        Writer {
            session,
            subject: SubjectId::parse_at("waterworks", path).unwrap(),
        }
    }

    #[test]
    fn nobody_else_writes_while_it_is_held_and_each_write_renews_it() {
        let mut writers = Writers::default();
        assert_eq!(writers.write("press", 2, at(0)), Ok(()));
        assert_eq!(writers.take("press", writer(1), at(0)), Ok(Got::Free));
        assert_eq!(writers.write("press", 2, at(29)), Err(writer(1)));
        assert_eq!(writers.write("pump", 2, at(29)), Ok(()));
        assert_eq!(writers.write("press", 1, at(29)), Ok(()));
        assert_eq!(writers.write("press", 2, at(58)), Err(writer(1)));
        assert_eq!(writers.write("press", 2, at(59)), Ok(()), "30 s unused");
        assert_eq!(writers.take("press", writer(2), at(59)), Ok(Got::Free));
    }

    #[test]
    fn one_that_ran_out_serves_again_unless_somebody_else_wrote() {
        let mut writers = Writers::default();
        writers.take("press", writer(1), at(0)).unwrap();
        assert_eq!(writers.write("press", 1, at(40)), Ok(()));
        assert_eq!(writers.write("press", 3, at(41)), Err(writer(1)));
        assert_eq!(writers.write("press", 3, at(80)), Ok(()));
        assert_eq!(writers.write("press", 1, at(81)), Ok(()));
        assert_eq!(writers.write("press", 3, at(82)), Ok(()), "it is nobody's");
    }

    #[test]
    fn the_site_goes_before_firms_and_programs_and_nobody_before_their_like() {
        for (holder, asker, got) in [
            (1, 3, true),
            (5, 3, true),
            (1, 2, false),
            (3, 1, false),
            (3, 4, false),
            (3, 5, false),
            (5, 1, false),
        ] {
            let mut writers = Writers::default();
            writers.take("press", writer(holder), at(0)).unwrap();
            let taken = writers.take("press", writer(asker), at(1));
            match got {
                true => assert_eq!(taken, Ok(Got::From(writer(holder)))),
                false => assert_eq!(taken, Err(writer(holder))),
            }
            let owner = if got { asker } else { holder };
            assert_eq!(writers.write("press", owner, at(2)), Ok(()));
            let other = if got { holder } else { asker };
            assert_eq!(writers.write("press", other, at(2)), Err(writer(owner)));
        }
    }

    #[test]
    fn it_is_given_back_by_its_owner_alone_and_ends_with_the_session() {
        let mut writers = Writers::default();
        writers.take("press", writer(1), at(0)).unwrap();
        assert_eq!(writers.take("press", writer(1), at(20)), Ok(Got::Renewed));
        assert!(!writers.give_back("press", 2));
        assert_eq!(writers.write("press", 2, at(49)), Err(writer(1)));
        assert!(writers.give_back("press", 1));
        assert_eq!(writers.write("press", 2, at(49)), Ok(()));
        writers.take("press", writer(1), at(50)).unwrap();
        writers.take("pump", writer(2), at(50)).unwrap();
        writers.left(1);
        assert_eq!(writers.write("press", 2, at(51)), Ok(()));
        assert_eq!(writers.write("pump", 1, at(51)), Err(writer(2)));
    }

    proptest! {
        /// Whatever is asked in which order: after a token was given to a session, nobody else
        /// writes within the lease of its last use, unless they took it.
        #[test]
        fn there_is_one_writer(steps in prop::collection::vec((0..4_u8, 1..6_u64, 0..20_u64), 0..100)) {
            let mut writers = Writers::default();
            let (mut clock, mut owner) = (0, None::<(u64, u64)>);
            for (what, session, wait) in steps {
                clock += wait;
                let held = owner.filter(|(_, used)| clock - used < 30);
                match what {
                    0 => if writers.take("press", writer(session), at(clock)).is_ok() {
                        owner = Some((session, clock));
                    } else {
                        prop_assert!(held.is_some_and(|(owner, _)| owner != session));
                    },
                    1 => if writers.give_back("press", session) {
                        prop_assert_eq!(owner.map(|(owner, _)| owner), Some(session));
                        owner = None;
                    },
                    _ => {
                        let wrote = writers.write("press", session, at(clock)).is_ok();
                        let barred = held.is_some_and(|(owner, _)| owner != session);
                        prop_assert_eq!(wrote, !barred);
                        match owner {
                            Some((theirs, _)) if theirs == session => owner = Some((session, clock)),
                            _ if wrote => owner = None,
                            _ => {}
                        }
                    }
                }
            }
        }
    }
}
