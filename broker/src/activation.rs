//! Putting a policy in force: compiled, its cases tried on the whole way of a command, kept as a
//! snapshot, recorded, and only then in force. A restart takes up what was activated last.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use interlock_protocols::record::{Event, PolicyActivated};

use crate::clock::Now;
use crate::digits::{hash_of_hex, hex};
use crate::finding::Finding;
use crate::journal::{Journal, Unrecordable};
use crate::mediation::{Decision, Refusal, Session, decide, reason_of};
use crate::plant::{Outline, Plant};
use crate::policy::{
    Action, Answer, Bundle, Case, Estate, Facts, Obligations, Policy, Report, Resource, View, run,
};

/// Why a policy was not activated. The one before it stays in force.
#[derive(Debug, thiserror::Error)]
pub enum NotActivated {
    /// The subject may not.
    #[error("{}: {}", .0.reason().what(), .0.next())]
    Refused(Refusal),
    /// It has faults, or a case of it fails.
    #[error("{}", listed(.0))]
    Faulty(Vec<Finding>),
    /// Its snapshot cannot be written.
    #[error("its snapshot cannot be written: {0}")]
    Snapshot(#[from] io::Error),
    /// Trying it came to no end.
    #[error("trying it came to no end: {0}")]
    Interrupted(String),
    /// It cannot be recorded.
    #[error("it cannot be recorded: {0}")]
    Journal(#[from] Unrecordable),
}

fn listed(findings: &[Finding]) -> String {
    let problems = match findings.len() {
        1 => "1 problem:".to_owned(),
        several => format!("{several} problems:"),
    };
    let lines = findings.iter().map(Finding::to_string);
    let lines: Vec<String> = std::iter::once(problems).chain(lines).collect();
    lines.join("\n")
}

/// What was activated.
#[derive(Clone, Debug)]
pub struct Activated {
    digest: [u8; 32],
    cases: usize,
}

impl fmt::Display for Activated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = hex(&self.digest);
        let short = digest.get(..12).unwrap_or(&digest);
        write!(f, "policy {short} is in force; {} cases passed", self.cases)
    }
}

/// Compiles a policy and tries its cases. Every case that fails is a finding.
pub fn prepare(bundle: &Bundle, plant: &Arc<Plant>) -> Result<(Arc<Policy>, Report), Vec<Finding>> {
    let policy = compile(bundle, plant)
        .map_err(|found| with_cases(found, bundle, &Estate::from(plant.as_ref())))?;
    let report = rehearse(bundle, &policy, plant)?;
    let mut failed: Vec<Finding> = report
        .failed()
        .map(|case| Finding {
            file: case.file.clone(),
            span: None,
            line: Some(case.line),
            what: format!("the case `{}` fails: {}", case.name, case.came_out),
            hint: format!("it must come to: {}", case.expected),
        })
        .collect();
    failed.extend(unknown_groups(bundle, &policy, plant));
    if failed.is_empty() {
        Ok((policy, report))
    } else {
        Err(failed)
    }
}

/// What is wrong with a policy whose plant is faulty itself: all but what its cases come to.
pub fn faults(bundle: &Bundle, outline: &Outline) -> Vec<Finding> {
    let estate = Estate::from(outline);
    let compiled = Policy::compile(bundle, &estate);
    with_cases(compiled.err().unwrap_or_default(), bundle, &estate)
}

/// Cases of a faulty policy cannot be tried, but they can be read.
fn with_cases(mut found: Vec<Finding>, bundle: &Bundle, estate: &Estate<'_>) -> Vec<Finding> {
    found.extend(bundle.cases(estate).err().unwrap_or_default());
    found
}

/// A limit set for a group that policy does not know narrows nothing: renaming a group would lift
/// the limits of its members, in silence.
fn unknown_groups(bundle: &Bundle, policy: &Policy, plant: &Plant) -> Vec<Finding> {
    let known: Vec<&str> = policy.group_names().collect();
    let mut findings = Vec::new();
    for set in plant.limit_sets() {
        let groups = set.groups().iter();
        for group in groups.filter(|group| !known.contains(&group.as_str())) {
            let set = set.name();
            findings.push(Finding::of_file(
                &bundle.dir().join("groups.toml"),
                format!(
                    "the limit set `{set}` of plant.toml is for the group `{group}`, which is not here"
                ),
                format!("the groups are {}; list it, with members or without", known.join(", ")),
            ));
        }
    }
    findings
}

/// Tries the cases of a policy, each through the same decision as a command from the wire.
pub fn rehearse(
    bundle: &Bundle,
    policy: &Arc<Policy>,
    plant: &Arc<Plant>,
) -> Result<Report, Vec<Finding>> {
    let cases = bundle.cases(&Estate::from(plant.as_ref()))?;
    Ok(run(&cases, |case| answer(case, policy, plant)))
}

/// Compiles the policy of a bundle.
pub fn compile(bundle: &Bundle, plant: &Arc<Plant>) -> Result<Arc<Policy>, Vec<Finding>> {
    Ok(Arc::new(Policy::compile(
        bundle,
        &Estate::from(plant.as_ref()),
    )?))
}

/// Takes up the policy that was activated last, from its snapshot.
pub fn restore(
    snapshots: &Path,
    digest: &[u8; 32],
    plant: &Arc<Plant>,
) -> Result<Arc<Policy>, Vec<Finding>> {
    compile(&Bundle::load_snapshot(snapshots, digest)?, plant)
}

/// Activates the policy that a site begins with, at the first start of its gateway.
pub async fn install(
    journal: &Journal,
    bundle: &Bundle,
    plant: &Arc<Plant>,
    snapshots: &Path,
    now: Now,
) -> Result<Arc<Policy>, NotActivated> {
    let (policy, report) = prepare(bundle, plant).map_err(NotActivated::Faulty)?;
    bundle.store(snapshots)?;
    record(journal, &policy, &report, "installation", None, now).await?;
    remember(snapshots, policy.digest());
    Ok(policy)
}

/// Notes beside the snapshots which one is in force. The journal says so, and this only repeats
/// it, for the day on which the journal cannot be read: going back to what it last said before
/// the damage would give people rights that they have lost since.
pub fn remember(snapshots: &Path, digest: &[u8; 32]) {
    if remembered(snapshots).as_ref() == Some(digest) {
        return;
    }
    let beside = snapshots.join(".in-force");
    let noted = || -> io::Result<()> {
        let mut file = File::create(&beside)?;
        file.write_all(hex(digest).as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, snapshots.join(IN_FORCE))?;
        File::open(snapshots)?.sync_all()
    };
    if let Err(error) = noted() {
        tracing::error!(%error, "which policy is in force could not be noted beside its snapshot");
    }
}

/// What was noted last.
pub fn remembered(snapshots: &Path) -> Option<[u8; 32]> {
    let text = fs::read_to_string(snapshots.join(IN_FORCE)).ok()?;
    hash_of_hex(text.trim())
}

const IN_FORCE: &str = "in-force";

/// A policy that can be put in force: compiled, its cases passed, its snapshot kept.
pub struct Prepared {
    policy: Arc<Policy>,
    report: Report,
}

/// Whether a session may put another policy in force. Asked before files are even looked at.
pub fn may_activate(session: &Session, now: Now) -> Result<(), NotActivated> {
    session
        .administer(Action::ActivatePolicy, now)
        .map_err(NotActivated::Refused)
}

/// Reads, compiles, tries and keeps the policy in `dir`. It takes its time and waits for the
/// disk: not on a thread that serves others.
pub fn prepare_folder(
    dir: &Path,
    plant: &Arc<Plant>,
    snapshots: &Path,
) -> Result<Prepared, NotActivated> {
    let bundle = Bundle::load(dir).map_err(NotActivated::Faulty)?;
    let (policy, report) = prepare(&bundle, plant).map_err(NotActivated::Faulty)?;
    bundle.store(snapshots)?;
    Ok(Prepared { policy, report })
}

/// Records a prepared policy and puts it in force, if the session still may.
pub async fn activate(
    session: &Session,
    prepared: Prepared,
    snapshots: &Path,
    now: Now,
) -> Result<Activated, NotActivated> {
    may_activate(session, now)?;
    let Prepared { policy, report } = prepared;
    let broker = session.broker();
    let by = session.subject().to_string();
    let session = Some(session.id());
    record(broker.journal(), &policy, &report, &by, session, now).await?;
    let activated = Activated {
        digest: *policy.digest(),
        cases: report.passed(),
    };
    remember(snapshots, policy.digest());
    broker.replace_policy(policy);
    Ok(activated)
}

async fn record(
    journal: &Journal,
    policy: &Policy,
    report: &Report,
    by: &str,
    session: Option<u64>,
    now: Now,
) -> Result<(), Unrecordable> {
    let activated = PolicyActivated {
        digest: *policy.digest(),
        by: by.to_owned(),
        session,
        cases: u32::try_from(report.passed()).unwrap_or(u32::MAX),
    };
    journal
        .commit(now.wall_ms(), Event::PolicyActivated(activated))?
        .await
}

fn answer(case: &Case, policy: &Arc<Policy>, plant: &Plant) -> Result<Answer, String> {
    let mut view = View::new(Arc::clone(policy), &case.as_subject);
    let circumstances = case.circumstances;
    let device = match &case.device {
        Some(name) => Some(
            plant
                .device(name)
                .ok_or_else(|| format!("the plant has no device `{name}`"))?,
        ),
        None => None,
    };
    if let Some((action, matter)) = case.act() {
        let resource = device.map_or(Resource::Site, |device| Resource::Device(device.name()));
        let facts = Facts {
            circumstances,
            matter,
        };
        let verdict = view.decide(action, resource, &facts);
        let reason = (!verdict.allow).then(|| reason_of(&verdict).code().to_owned());
        return Ok(Answer {
            allow: verdict.allow,
            reason,
            rules: verdict.policies,
            obligations: verdict.obligations,
        });
    }
    let device = device.ok_or("it names no device")?;
    let (unit, pdu) = case.request(device)?.ok_or("it asks for no command")?;
    let armed = case.armed;
    Ok(
        match decide(
            &mut view,
            device,
            circumstances,
            armed,
            unit,
            pdu.as_bytes(),
            case.window,
        ) {
            Decision::Allow(allowed) => Answer {
                allow: true,
                reason: None,
                rules: allowed.policies,
                obligations: Obligations::default(),
            },
            Decision::Deny(denied) => Answer {
                allow: false,
                reason: Some(denied.reason.code().to_owned()),
                rules: denied.policies,
                obligations: Obligations::default(),
            },
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_lifts_a_limit_set_by_renaming_its_group_is_not_activated() {
        let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/site");
        let text = fs::read_to_string(site.join("plant.toml")).unwrap();
        let plant = Arc::new(Plant::parse(Path::new("plant.toml"), &text).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let sample = Bundle::load(&site.join("policy")).unwrap();
        assert!(prepare(&sample, &plant).is_ok());
        let edited = sample.store(folder.path()).unwrap();
        // A case of the sample would notice; it must come out without one, too.
        fs::remove_dir_all(edited.join("tests")).unwrap();
        // Wherever the policy names it: the plant alone still has the old name.
        for (file, name) in [
            ("groups.toml", "\nvendors ="),
            ("windows.cedar", "Group::\"vendors\""),
        ] {
            let file = edited.join(file);
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.contains(name), "{name}");
            let renamed = name.replace("vendors", "suppliers");
            fs::write(&file, text.replace(name, &renamed)).unwrap();
        }
        let findings = prepare(&Bundle::load(&edited).unwrap(), &plant).unwrap_err();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].what.contains("`contractors`"), "{findings:?}");
    }
}
