//! Who may enrol, who has enrolled, and by which keys.

use std::collections::{BTreeMap, BTreeSet};

use interlock_protocols::identity::AuthStrength;
use interlock_protocols::record::{
    Asserted, CertificateIssued, Enrolled, Event, InvitationFate, KeptCertificate, KeptIdentity,
    RegisterEntry, SessionOpened,
};

use super::invitations::Invitations;
use super::uses::Uses;
use crate::limits::{CERTIFICATES_KEPT_MAX, IDENTITIES_MAX, MACHINES_PER_SUBJECT_MAX};

/// See the module.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Identities {
    /// Invitations, and what became of them.
    pub invitations: Invitations,
    /// What each subject has done with each device.
    pub uses: Uses,
    /// By subject and the machine's key.
    enrolled: BTreeMap<(String, [u8; 32]), KeptIdentity>,
}

impl Identities {
    /// Takes up one record.
    pub(super) fn apply(&mut self, sequence: u64, time_ms: i64, event: &Event) {
        match event {
            Event::Enrolled(enrolled) => self.enrol(sequence, time_ms, enrolled),
            Event::CertificateIssued(issued) => self.issue(time_ms, issued),
            Event::SessionOpened(opened) => self.open(time_ms, opened),
            Event::Asserted(asserted) => self.assert(time_ms, asserted),
            _ => {}
        }
        self.invitations.apply(sequence, time_ms, event);
        self.uses.apply(event);
    }

    /// Takes up one entry of what was kept.
    pub(super) fn take(&mut self, entry: RegisterEntry) {
        match entry {
            RegisterEntry::Invitation(invitation) => self.invitations.take(invitation),
            RegisterEntry::Identity(identity) => {
                self.enrolled.insert(place(&identity), identity);
            }
            RegisterEntry::Use(used) => self.uses.take(used),
            RegisterEntry::Restriction(_)
            | RegisterEntry::Taken(_)
            | RegisterEntry::Window(_)
            | RegisterEntry::BreakGlass(_) => {}
        }
    }

    /// All of it, entry by entry.
    pub(super) fn entries(&self) -> impl Iterator<Item = RegisterEntry> {
        let invitations = self.invitations.all().cloned();
        let enrolled = self.enrolled.values().cloned();
        (invitations.map(RegisterEntry::Invitation))
            .chain(enrolled.map(RegisterEntry::Identity))
            .chain(self.uses.entries().map(RegisterEntry::Use))
    }

    /// Everybody who is enrolled: a row for each of their machines.
    pub fn all(&self) -> impl Iterator<Item = &KeptIdentity> {
        self.enrolled.values()
    }

    /// A subject on one machine.
    pub fn on_machine(&self, subject: &str, device_key: &[u8; 32]) -> Option<&KeptIdentity> {
        self.enrolled.get(&(subject.to_owned(), *device_key))
    }

    /// A subject on all their machines.
    pub fn of_subject(&self, subject: &str) -> impl Iterator<Item = &KeptIdentity> {
        let first = (subject.to_owned(), [0; 32]);
        let all = self.enrolled.range(first..).map(|(_, identity)| identity);
        all.take_while(move |identity| identity.enrolment.subject == subject)
    }

    /// What a machine calls itself; empty where it is not enrolled here.
    pub fn machine_name(&self, device_key: &[u8; 32]) -> String {
        let enrolled = self.of_machine(device_key).next();
        enrolled.map_or_else(String::new, |identity| identity.enrolment.machine.clone())
    }

    /// Whoever is enrolled on a machine.
    pub fn of_machine(&self, device_key: &[u8; 32]) -> impl Iterator<Item = &KeptIdentity> {
        let all = self.enrolled.values();
        all.filter(move |identity| &identity.enrolment.device_key == device_key)
    }

    /// Whoever asks for certificates by this key.
    pub fn of_authenticator(&self, key: &[u8; 32]) -> impl Iterator<Item = &KeptIdentity> {
        let all = self.enrolled.values();
        all.filter(move |identity| &identity.enrolment.authenticator == key)
    }

    /// The groups that invitations put a subject in, in alphabetical order.
    pub fn groups_of(&self, subject: &str) -> Vec<String> {
        let groups = self.of_subject(subject).flat_map(|each| &each.groups);
        let groups: BTreeSet<&String> = groups.collect();
        groups.into_iter().cloned().collect()
    }

    fn enrol(&mut self, sequence: u64, time_ms: i64, enrolled: &Enrolled) {
        let enrolment = &enrolled.enrolment;
        let invitation = self.invitations.numbered(enrolment.invitation);
        let (owner, groups) = invitation.map_or_else(Default::default, |invitation| {
            let invited = &invitation.invited;
            (invited.by.clone(), invited.groups.clone())
        });
        let identity = KeptIdentity {
            number: sequence,
            enrolled_ms: time_ms,
            enrolment: enrolment.clone(),
            owner,
            groups,
            auth: AuthStrength::SingleFactor,
            auth_ms: time_ms,
            used_ms: None,
            certificates: Vec::new(),
        };
        self.enrolled.insert(place(&identity), identity);
        let machines = self.of_subject(&enrolment.subject).map(place);
        let machines: Vec<_> = machines.collect();
        self.forget_beyond(MACHINES_PER_SUBJECT_MAX, machines);
        if self.enrolled.len() > IDENTITIES_MAX {
            let everybody = self.enrolled.keys().cloned().collect();
            self.forget_beyond(IDENTITIES_MAX, everybody);
        }
    }

    /// Of these places so many stay: who was not there for longest goes. The newest of all is
    /// never it, since it was there just now.
    fn forget_beyond(&mut self, most: usize, mut places: Vec<(String, [u8; 32])>) {
        let Some(over) = places.len().checked_sub(most).filter(|over| *over > 0) else {
            return;
        };
        places.sort_by_key(|place| {
            let identity = self.enrolled.get(place);
            identity.map_or((0, 0), |identity| {
                (last_there_ms(identity), identity.number)
            })
        });
        for place in places.iter().take(over) {
            self.enrolled.remove(place);
        }
    }

    fn issue(&mut self, time_ms: i64, issued: &CertificateIssued) {
        let place = (issued.subject.clone(), issued.device_key);
        let Some(identity) = self.enrolled.get_mut(&place) else {
            return;
        };
        if issued.auth_ms >= identity.auth_ms {
            (identity.auth, identity.auth_ms) = (issued.auth, issued.auth_ms);
        }
        identity.certificates.push(KeptCertificate {
            time_ms,
            certificate: issued.certificate,
            key: issued.key,
            parent: issued.parent,
            ends_ms: issued.ends_ms,
        });
        let over = identity.certificates.len();
        let over = over.saturating_sub(CERTIFICATES_KEPT_MAX);
        identity.certificates.drain(..over);
    }

    fn open(&mut self, time_ms: i64, opened: &SessionOpened) {
        let Some(device_key) = opened.device_key else {
            return;
        };
        let place = (opened.subject.clone(), device_key);
        if let Some(identity) = self.enrolled.get_mut(&place) {
            identity.used_ms = identity.used_ms.max(Some(time_ms));
        }
    }

    fn assert(&mut self, time_ms: i64, asserted: &Asserted) {
        for identity in self.enrolled.values_mut() {
            let enrolment = &identity.enrolment;
            if enrolment.subject == asserted.subject
                && enrolment.authenticator == asserted.authenticator
                && time_ms >= identity.auth_ms
            {
                (identity.auth, identity.auth_ms) = (AuthStrength::UserPresent, time_ms);
            }
        }
    }
}

fn place(identity: &KeptIdentity) -> (String, [u8; 32]) {
    let enrolment = &identity.enrolment;
    (enrolment.subject.clone(), enrolment.device_key)
}

/// When they were last known to be there, ms since 1970 UTC: enrolled, given a certificate, or in
/// a session.
pub fn last_there_ms(identity: &KeptIdentity) -> i64 {
    let issued = identity.certificates.last().map(|last| last.time_ms);
    let there = [Some(identity.enrolled_ms), issued, identity.used_ms];
    there.into_iter().flatten().max().unwrap_or_default()
}

/// Whether two enrolments are of the same keys of the same subject.
pub fn same_keys(
    one: &interlock_protocols::record::Enrolment,
    other: &interlock_protocols::record::Enrolment,
) -> bool {
    one.subject == other.subject
        && one.device_key == other.device_key
        && one.authenticator == other.authenticator
        && one.session_key == other.session_key
}

/// The enrolment that an invitation was used for, or that waits on it.
pub fn enrolment_of(fate: &InvitationFate) -> Option<&interlock_protocols::record::Enrolment> {
    match fate {
        InvitationFate::Waiting(enrolment) | InvitationFate::Used(enrolment) => Some(enrolment),
        InvitationFate::Open | InvitationFate::Closed => None,
    }
}
