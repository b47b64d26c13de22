//! The file by which whoever has the gateway's own disk invites an administrator: the first one,
//! or another where all are lost. The next start of the edge takes it up in a record.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use aws_lc_rs::rand;
use interlock_broker::clock::Now;
use interlock_broker::digits::{hash_of_hex, hex};
use interlock_broker::enrolment::FirstInvitation;
use interlock_broker::proof::sha256;
use interlock_broker::subject::SubjectId;

use crate::keys::write_new;

/// The file inside the site directory.
pub(crate) const FILE: &str = "state/first-invitation";

/// How long it is valid, from when it was made: until the gateway stands and its administrator is
/// at hand.
const VALID_MS: i64 = 24 * 60 * 60 * 1000;

/// The group that the sample policy gives administration to.
const GROUP: &str = "administrators";

/// Writes an invitation, in the place of one that was not taken up. Gives its token, which is
/// nowhere else.
pub(crate) fn write(dir: &Path, subject: &SubjectId, by: &str, now: Now) -> io::Result<[u8; 16]> {
    let mut token = [0; 16];
    rand::fill(&mut token).map_err(|_| io::Error::other("the system gave no random bytes"))?;
    let path = dir.join(FILE);
    let folder = path.parent().unwrap_or(dir);
    DirBuilder::new()
        .mode(0o700)
        .recursive(true)
        .create(folder)?;
    let mut text = String::new();
    let lines = [
        ("by", by.to_owned()),
        ("subject", subject.to_string()),
        ("group", GROUP.to_owned()),
        ("token-sha256", hex(&sha256(&token))),
        ("until-ms", (now.wall_ms() + VALID_MS).to_string()),
    ];
    for (name, value) in lines {
        let _infallible = writeln!(text, "{name} {value}");
    }
    let beside = path.with_extension("new");
    forget(&beside)?;
    write_new(&beside, &text, 0o600)?;
    fs::rename(&beside, &path)?;
    fs::File::open(folder)?.sync_all()?;
    Ok(token)
}

/// Reads it; nothing if there is none.
pub(crate) fn read(path: &Path) -> io::Result<Option<FirstInvitation>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let broken = || io::Error::new(io::ErrorKind::InvalidData, "it is not what was written");
    invitation(&text).map(Some).ok_or_else(broken)
}

fn invitation(text: &str) -> Option<FirstInvitation> {
    let mut lines = text.lines();
    let mut value = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    let by = value("by")?.to_owned();
    let subject = SubjectId::parse(value("subject")?).ok()?;
    let groups = vec![value("group")?.to_owned()];
    let token = hash_of_hex(value("token-sha256")?)?;
    let until_ms = value("until-ms")?.parse().ok()?;
    Some(FirstInvitation {
        by,
        subject,
        groups,
        token,
        until_ms,
    })
}

/// Removes it, once it is in a record.
pub(crate) fn forget(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use interlock_broker::clock::Mono;
    use std::time::Duration;

    #[test]
    fn it_is_read_as_it_was_written_and_holds_no_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        assert_eq!(read(&path).unwrap(), None);
        let subject = SubjectId::parse("spiffe://waterworks/person/adam").unwrap();
        let now = Now::new(1_795_000_000_000, Mono::at(Duration::ZERO));
        write(folder.path(), &subject, "installation", now).unwrap();
        let token = write(folder.path(), &subject, "installation", now).unwrap();
        let found = read(&path).unwrap().unwrap();
        assert_eq!(found.token, sha256(&token));
        assert_eq!(found.until_ms, 1_795_000_000_000 + VALID_MS);
        assert_eq!(found.subject, subject);
        assert_eq!(found.groups, ["administrators"]);
        let text = fs::read_to_string(&path).unwrap();
        let secret: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!text.contains(&secret), "{text}");
        fs::write(&path, text.replace("until-ms 1", "until-ms x")).unwrap();
        assert!(read(&path).is_err());
        forget(&path).unwrap();
        forget(&path).unwrap();
    }
}
