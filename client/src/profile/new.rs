//! Making a profile, and giving one a new certificate.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use super::{AUTHENTICATOR, CREDENTIAL, DEVICE, FILE, GATEWAY_CA, Profile};
use crate::failure::{Failure, Kind};
use crate::keys::{FileKey, Key, PinFrom};

/// All that a profile is made of.
#[derive(Debug)]
pub struct NewProfile<'a> {
    /// Host and port of the gateway.
    pub gateway: &'a str,
    /// The name in the gateway's certificate.
    pub server_name: &'a str,
    /// Whose it is: a whole SPIFFE id.
    pub subject: &'a str,
    /// UDP port, on the same host, where certificates are renewed.
    pub identity_port: Option<u16>,
    /// The only authority whose word on the gateway counts, in PEM.
    pub gateway_ca: &'a str,
    /// The first certificate, in PEM.
    pub certificate: &'a str,
    /// The key that it is for.
    pub session: &'a FileKey,
    /// The key of the machine.
    pub device: &'a Key,
    /// The key of the person or program.
    pub authenticator: &'a Key,
}

impl Profile {
    /// Writes a profile into a folder, which is made where it is not there, and opens it. A profile
    /// that is there already is left alone, and so is a key: one may have been written while the
    /// certificate was awaited, and must then be the same.
    pub fn create(folder: &Path, new: &NewProfile<'_>) -> Result<Profile, Failure> {
        let file = folder.join(FILE);
        if file.exists() {
            return Err(Failure::new(
                Kind::Configuration,
                format!("there is a profile in {} already", folder.display()),
                "name another folder with --profile; nothing is overwritten",
            ));
        }
        let failed = |error: &dyn std::fmt::Display| unwritten(folder, error);
        make_folder(folder).map_err(|error| failed(&error))?;
        let device = keep(folder, DEVICE, new.device)?;
        let authenticator = keep(folder, AUTHENTICATOR, new.authenticator)?;
        let text = profile_text(new, &device, &authenticator);
        let credential = credential(new.certificate, new.session);
        // The profile itself comes last: while it is not there, none is.
        for (name, text, mode) in [
            (CREDENTIAL, credential.as_str(), 0o600),
            (GATEWAY_CA, new.gateway_ca, 0o644),
            (FILE, &text, 0o644),
        ] {
            replace(&folder.join(name), text, mode).map_err(|error| failed(&error))?;
        }
        Profile::open(folder)
    }

    /// Puts a new certificate and its key in the place of the old ones, both or neither, even if
    /// this machine stops in the middle.
    pub fn renew(&self, certificate: &str, session: &FileKey) -> Result<(), Failure> {
        replace(
            &self.folder.join(CREDENTIAL),
            credential(certificate, session),
            0o600,
        )
        .map_err(|error| unwritten(&self.folder, &error))
    }
}

/// One file for both: a file is replaced whole, two are not.
fn credential(certificate: &str, session: &FileKey) -> String {
    format!("{}{certificate}", session.to_secret_pem())
}

fn profile_text(new: &NewProfile<'_>, device: &str, authenticator: &str) -> String {
    let identity_port = new.identity_port.map_or_else(String::new, |port| {
        format!("# Where certificates are renewed, on the same host.\nidentity_port = {port}\n")
    });
    format!(
        "# Where the gateway is, the name in its certificate, and whose profile this is.\n\
         gateway = \"{}\"\nserver_name = \"{}\"\nsubject = \"{}\"\n{identity_port}\n\
         # The key of this machine. Certificates are for this machine alone.\n\
         [device]\n{device}\n\
         # The key of its owner, with which certificates are asked for.\n\
         [authenticator]\n{authenticator}",
        new.gateway, new.server_name, new.subject
    )
}

/// Sees to it that a key stays, and gives the lines of the profile that say where it is.
fn keep(folder: &Path, name: &str, key: &Key) -> Result<String, Failure> {
    match key {
        Key::File(key) => {
            let file = format!("{name}.key");
            keep_file(&folder.join(&file), key)?;
            Ok(format!("key = \"{file}\"\n"))
        }
        Key::Token(key) => {
            let uri = key.key();
            let mut lines = format!("token = {}\n", quoted(&uri.to_string()));
            lines += &format!("module = {}\n", quoted(&uri.module().to_string_lossy()));
            if let PinFrom::Kept(file) = key.pin() {
                lines += &format!("pin_file = {}\n", quoted(&file.to_string_lossy()));
            }
            Ok(lines)
        }
    }
}

/// A text as TOML has it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn keep_file(path: &Path, key: &FileKey) -> Result<(), Failure> {
    if path.exists() {
        let there = FileKey::open(path)?;
        if there.spki() == key.spki() {
            return Ok(());
        }
        return Err(Failure::new(
            Kind::Configuration,
            format!("there is another key in {} already", path.display()),
            "name another folder with --profile; no key is ever overwritten",
        ));
    }
    replace(path, key.to_secret_pem(), 0o600).map_err(|error| unwritten(path, &error))
}

pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Puts a file in its place as a whole, so that nobody ever reads half of one.
pub(crate) fn replace(path: &Path, content: impl AsRef<[u8]>, mode: u32) -> io::Result<()> {
    let beside = path.with_extension("part");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    // What was there before keeps its mode, and may have been put there by somebody else.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(&beside)?;
    file.write_all(content.as_ref())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn unwritten(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        Kind::Configuration,
        format!("the profile cannot be written: {}: {error}", path.display()),
        "check the folder, its permissions, and the room on the disk",
    )
}

#[cfg(test)]
mod tests;
