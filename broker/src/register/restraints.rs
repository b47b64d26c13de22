//! What was taken from whom, and not given back.
//!
//! This is knowledge alone. What upholds it at the moment of sending stands in `mediation`: the
//! standing of a session, and the gate of a device.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use interlock_protocols::record::{
    Event, KeptRestriction, Measure, RegisterEntry, Restricted, Scope,
};

use crate::subject::{SubjectId, SubjectKind};

/// One restriction that holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Restraint {
    /// The sequence of its record. It takes effect before there is one.
    number: OnceLock<u64>,
    since_ms: i64,
    /// Without what was met when it began: that is the record's to tell.
    what: Restricted,
}

impl Restraint {
    fn new(since_ms: i64, what: &Restricted) -> Restraint {
        Restraint {
            number: OnceLock::new(),
            since_ms,
            what: Restricted {
                sessions: Vec::new(),
                open: Vec::new(),
                ..what.clone()
            },
        }
    }

    /// Its number; `None` where it is not even on its way to the disk.
    pub fn number(&self) -> Option<u64> {
        self.number.get().copied()
    }

    /// Its record, without what was met when it began.
    pub(crate) fn event(&self) -> Event {
        Event::Restricted(self.what.clone())
    }

    /// Since when it holds, ms since 1970 UTC.
    pub fn since_ms(&self) -> i64 {
        self.since_ms
    }

    /// What was taken away.
    pub fn measure(&self) -> Measure {
        self.what.measure
    }

    /// From whom, or from what.
    pub fn scope(&self) -> &Scope {
        &self.what.scope
    }

    /// Who did it.
    pub fn by(&self) -> &str {
        &self.what.by
    }

    /// Why, in their words.
    pub fn reason(&self) -> &str {
        &self.what.reason
    }
}

/// Whether a scope of people takes in a subject on a machine, in a session.
pub fn takes_in(
    scope: &Scope,
    subject: &SubjectId,
    machine: Option<&[u8; 32]>,
    session: Option<u64>,
) -> bool {
    match scope {
        Scope::Subject(theirs) => theirs == subject.as_str(),
        Scope::Machine(key) => machine == Some(key),
        Scope::Session(number) => session == Some(*number),
        Scope::AllVendors => subject.kind() == SubjectKind::Vendor,
        Scope::Window(_) | Scope::Device(_) | Scope::Zone(_) | Scope::Site => false,
    }
}

/// See the module.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Restraints {
    held: BTreeMap<u64, Arc<Restraint>>,
    /// Those that have no record: no place was left for one. They hold, or held a session that has
    /// ended since.
    unrecorded: Vec<Arc<Restraint>>,
    /// All of them, for questions that are asked at each arrival.
    of: BTreeMap<Scope, Vec<Arc<Restraint>>>,
}

impl Restraints {
    /// Takes up one record.
    pub(super) fn apply(&mut self, sequence: u64, time_ms: i64, event: &Event) {
        match event {
            Event::Restricted(restricted) if !self.held.contains_key(&sequence) => {
                let restraint = self.begin(time_ms, restricted);
                self.number(&restraint, sequence);
            }
            Event::Reinstated(reinstated) => self.lift(reinstated.restriction),
            Event::SessionEnded(ended) => self.forget(&Scope::Session(ended.session)),
            // No session outlives its edge, and none gets a number again.
            Event::EdgeStarted(_) => self.forget_sessions(),
            _ => {}
        }
    }

    /// Has it hold from now on, before there is a record of it.
    pub(crate) fn begin(&mut self, since_ms: i64, what: &Restricted) -> Arc<Restraint> {
        let restraint = Arc::new(Restraint::new(since_ms, what));
        let of_scope = self.of.entry(what.scope.clone()).or_default();
        of_scope.push(Arc::clone(&restraint));
        self.unrecorded.push(Arc::clone(&restraint));
        restraint
    }

    /// Its record has this sequence.
    pub(crate) fn number(&mut self, restraint: &Arc<Restraint>, sequence: u64) {
        let number = *restraint.number.get_or_init(|| sequence);
        self.unrecorded
            .retain(|other| !Arc::ptr_eq(other, restraint));
        let of_scope = self.of.get(restraint.scope());
        let holds = |one: &Arc<Restraint>| Arc::ptr_eq(one, restraint);
        if of_scope.is_some_and(|of_scope| of_scope.iter().any(holds)) {
            self.held.insert(number, Arc::clone(restraint));
        }
    }

    /// Those without a record.
    pub(crate) fn unrecorded(&self) -> &[Arc<Restraint>] {
        &self.unrecorded
    }

    fn lift(&mut self, number: u64) {
        if let Some(restraint) = self.held.remove(&number) {
            self.unlist(&restraint);
        }
    }

    fn unlist(&mut self, restraint: &Arc<Restraint>) {
        let scope = restraint.scope();
        if let Some(of_scope) = self.of.get_mut(scope) {
            of_scope.retain(|other| !Arc::ptr_eq(other, restraint));
            if of_scope.is_empty() {
                self.of.remove(scope);
            }
        }
    }

    /// What has no record yet gets one all the same: it was acknowledged, and commands wait for
    /// it.
    fn forget(&mut self, scope: &Scope) {
        for restraint in self.of.remove(scope).into_iter().flatten() {
            self.held.retain(|_, other| !Arc::ptr_eq(other, &restraint));
        }
    }

    /// No session is open.
    pub(crate) fn forget_sessions(&mut self) {
        let sessions = Scope::Session(0)..=Scope::Session(u64::MAX);
        let scopes: Vec<Scope> = self
            .of
            .range(sessions)
            .map(|(scope, _)| scope.clone())
            .collect();
        for scope in scopes {
            self.forget(&scope);
        }
    }

    /// Whether anything was taken from this session.
    pub(crate) fn concerns_session(&self, session: u64) -> bool {
        self.of.contains_key(&Scope::Session(session))
    }

    /// What revokes a subject on a machine, in a session; the first of several.
    pub fn revoked(
        &self,
        subject: &SubjectId,
        machine: Option<&[u8; 32]>,
        session: Option<u64>,
    ) -> Option<&Arc<Restraint>> {
        let vendors = (subject.kind() == SubjectKind::Vendor).then_some(Scope::AllVendors);
        let scopes = [
            Some(Scope::Subject(subject.to_string())),
            machine.copied().map(Scope::Machine),
            session.map(Scope::Session),
            vendors,
        ];
        let mut found = scopes
            .iter()
            .flatten()
            .filter_map(|scope| self.first(Measure::Revoke, scope));
        found.next()
    }

    /// What leaves a session nothing but reading.
    pub fn downgraded(&self, session: u64) -> Option<&Arc<Restraint>> {
        self.first(Measure::Downgrade, &Scope::Session(session))
    }

    /// What revokes a window.
    pub fn window_revoked(&self, window: u64) -> Option<&Arc<Restraint>> {
        self.first(Measure::Revoke, &Scope::Window(window.to_string()))
    }

    /// The strongest of what bars a device in a zone: isolated before frozen.
    pub fn barred(&self, device: &str, zone: &str) -> Option<&Arc<Restraint>> {
        let scopes = [
            Scope::Device(device.to_owned()),
            Scope::Zone(zone.to_owned()),
            Scope::Site,
        ];
        let strongest_first = [Measure::Isolate, Measure::Freeze];
        let mut found = strongest_first
            .into_iter()
            .flat_map(|measure| scopes.iter().map(move |scope| (measure, scope)))
            .filter_map(|(measure, scope)| self.first(measure, scope));
        found.next()
    }

    fn first(&self, measure: Measure, scope: &Scope) -> Option<&Arc<Restraint>> {
        let of_scope = self.of.get(scope)?;
        of_scope
            .iter()
            .find(|restraint| restraint.measure() == measure)
    }

    /// The one of this number.
    pub fn numbered(&self, number: u64) -> Option<&Arc<Restraint>> {
        self.held.get(&number)
    }

    /// All that hold, by their numbers; those without a record last.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Restraint>> {
        self.held.values().chain(&self.unrecorded)
    }

    /// Takes up one entry of what was kept.
    pub(super) fn take(&mut self, kept: KeptRestriction) {
        let restraint = self.begin(kept.time_ms, &kept.restricted);
        self.number(&restraint, kept.number);
    }

    /// All that has a record, entry by entry.
    pub(super) fn entries(&self) -> impl Iterator<Item = RegisterEntry> {
        self.held.iter().map(|(number, restraint)| {
            RegisterEntry::Restriction(KeptRestriction {
                number: *number,
                time_ms: restraint.since_ms,
                restricted: restraint.what.clone(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use interlock_protocols::record::{EdgeStarted, Reinstated, SessionEnded};

    const MACHINE: [u8; 32] = [7; 32];

    fn restricted(measure: Measure, scope: Scope) -> Event {
        Event::Restricted(Restricted {
            session: Some(3),
            by: "spiffe://waterworks/person/adam".into(),
            measure,
            scope,
            reason: "laptop lost".into(),
            sessions: vec![8],
            open: vec![9],
        })
    }

    fn reinstated(restriction: u64) -> Event {
        Event::Reinstated(Reinstated {
            session: 4,
            by: "spiffe://waterworks/person/aida".into(),
            restriction,
            reason: "found".into(),
        })
    }

    fn who(path: &str) -> SubjectId {
        SubjectId::parse_at("waterworks", path).unwrap()
    }

    fn after(events: &[(u64, Event)]) -> Restraints {
        let mut restraints = Restraints::default();
        for (sequence, event) in events {
            restraints.apply(*sequence, 1_000, event);
        }
        restraints
    }

    #[test]
    fn each_scope_of_people_takes_in_whom_it_names_and_nobody_else() {
        let (olga, victor) = (who("person/olga"), who("vendor/acme/victor"));
        let cases = [
            (Scope::Subject(olga.to_string()), true, false),
            (Scope::Machine(MACHINE), true, false),
            (Scope::Session(21), true, false),
            (Scope::AllVendors, false, true),
            (Scope::Window("w".into()), false, false),
            (Scope::Site, false, false),
        ];
        for (scope, takes_olga, takes_victor) in cases {
            let restraints = after(&[(5, restricted(Measure::Revoke, scope.clone()))]);
            let olga_is = restraints.revoked(&olga, Some(&MACHINE), Some(21));
            let victor_is = restraints.revoked(&victor, Some(&[1; 32]), Some(22));
            assert_eq!(olga_is.is_some(), takes_olga, "{scope:?}");
            assert_eq!(victor_is.is_some(), takes_victor, "{scope:?}");
            assert_eq!(
                takes_in(&scope, &olga, Some(&MACHINE), Some(21)),
                takes_olga
            );
            assert_eq!(takes_in(&scope, &victor, None, None), takes_victor);
        }
    }

    #[test]
    fn isolation_is_stronger_than_frost_wherever_each_comes_from() {
        let restraints = after(&[
            (
                5,
                restricted(Measure::Freeze, Scope::Device("press-4".into())),
            ),
            (
                6,
                restricted(Measure::Isolate, Scope::Zone("hall-2".into())),
            ),
        ]);
        let number = |device, zone| restraints.barred(device, zone)?.number();
        assert_eq!(number("press-4", "hall-2"), Some(6));
        assert_eq!(number("press-4", "hall-1"), Some(5));
        assert_eq!(number("pump-2", "hall-2"), Some(6));
        assert_eq!(number("pump-2", "hall-1"), None);
    }

    #[test]
    fn what_is_taken_twice_must_be_given_back_twice() {
        let olga = who("person/olga");
        let scope = Scope::Subject(olga.to_string());
        let mut restraints = after(&[
            (5, restricted(Measure::Revoke, scope.clone())),
            (6, restricted(Measure::Revoke, scope)),
        ]);
        restraints.apply(7, 0, &reinstated(5));
        let left = restraints.revoked(&olga, None, None);
        assert_eq!(left.and_then(|left| left.number()), Some(6));
        restraints.apply(8, 0, &reinstated(6));
        assert_eq!(restraints, Restraints::default());
    }

    #[test]
    fn what_concerns_a_session_ends_with_it_or_with_the_edge() {
        let events = [
            (5, restricted(Measure::Downgrade, Scope::Session(21))),
            (6, restricted(Measure::Revoke, Scope::Session(22))),
            (7, restricted(Measure::Revoke, Scope::AllVendors)),
        ];
        let mut restraints = after(&events);
        assert!(restraints.downgraded(21).is_some());
        let ended = Event::SessionEnded(SessionEnded {
            session: 21,
            subject: String::new(),
            reason: String::new(),
        });
        restraints.apply(8, 0, &ended);
        assert!(!restraints.concerns_session(21) && restraints.concerns_session(22));
        let started = Event::EdgeStarted(EdgeStarted {
            gateway: String::new(),
            version: String::new(),
        });
        restraints.apply(9, 0, &started);
        assert_eq!(restraints, after(&events[2..]));
    }

    #[test]
    fn what_is_kept_makes_the_same_again_and_a_record_met_twice_changes_nothing() {
        let restraints = after(&[
            (5, restricted(Measure::Freeze, Scope::Site)),
            (6, restricted(Measure::Revoke, Scope::Machine(MACHINE))),
        ]);
        let mut again = Restraints::default();
        for entry in restraints.entries() {
            let RegisterEntry::Restriction(kept) = entry else {
                panic!("another entry");
            };
            again.take(kept);
        }
        assert_eq!(again, restraints);
        again.apply(5, 1_000, &restricted(Measure::Freeze, Scope::Site));
        assert_eq!(again, restraints);
    }

    #[test]
    fn it_holds_before_it_has_a_number() {
        let olga = who("person/olga");
        let Event::Restricted(what) = restricted(Measure::Revoke, Scope::Subject(olga.to_string()))
        else {
            panic!("another event");
        };
        let mut restraints = Restraints::default();
        let restraint = restraints.begin(1_000, &what);
        assert!(restraints.revoked(&olga, None, None).is_some());
        assert_eq!(restraints.unrecorded().len(), 1);
        restraints.number(&restraint, 5);
        assert!(restraints.unrecorded().is_empty());
        assert_eq!(restraints.numbered(5), Some(&restraint));
    }
}
