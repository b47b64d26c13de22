//! `interlock man` and `interlock completions`: made from the command line itself, so that they
//! cannot differ from it.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::Cli;
use crate::failure::{Failure, Kind};
use crate::screen;

/// Write a man page for each command to a folder.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The folder; it is made if it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Print completions for a shell.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn man(asked: &Man) -> Result<(), Failure> {
    pages(&asked.folder).map_err(|error| {
        Failure::new(
            Kind::Configuration,
            format!("no man pages in {}: {error}", asked.folder.display()),
            "name a folder that you may write to",
        )
    })
}

fn pages(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)
}

pub(crate) fn completions(asked: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(asked.shell, &mut Cli::command(), "interlock", &mut script);
    screen::data(&String::from_utf8_lossy(&script))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_page_for_each_command() {
        let folder = tempfile::tempdir().unwrap();
        pages(&folder.path().join("new")).unwrap();
        for name in [
            "interlock",
            "interlock-connect",
            "interlock-policy-activate",
        ] {
            let page = folder.path().join("new").join(format!("{name}.1"));
            assert!(page.exists(), "{}", page.display());
        }
    }
}
