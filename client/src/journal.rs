//! `interlock journal`: read the command log, and check that it is whole.

mod accept;
mod join;
mod line;
#[cfg(test)]
mod tests;
mod verify;
mod words;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use interlock_broker::journal::{ReadError, read};
use interlock_protocols::conduit::JournalQuery;
use jiff::tz::TimeZone;

pub(crate) use self::join::Join;
pub(crate) use self::line::Line;
use crate::Setting;
use crate::failure::{Failure, Kind};
use crate::gateway::{Gateway, JournalStream, Shown};
use crate::limits::FOLLOW_EVERY;
use crate::screen::{self, Format, Row as _};

/// Read the command log, or check that it is whole.
#[derive(Debug, Args)]
pub(crate) struct JournalCommand {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    Show(Show),
    Accept(accept::Accept),
    /// Read a whole journal and check every record, its place, and the outcome of every command
    ///
    /// Ends with exit code 1 where the journal is not what was written, and names the first
    /// sequence that is bad.
    Verify {
        /// Folder of the journal
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// Show who did what, when, on which device, under which rule, with what result
///
/// Reads a journal's folder, also while the edge writes to it. Without DIR the edge is asked, and
/// whether you may read it is decided by policy.
#[derive(Debug, Args)]
struct Show {
    /// Folder of the journal
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Only this device
    #[arg(long)]
    device: Option<String>,
    /// Only this subject: person/NAME, or the whole id
    #[arg(long)]
    subject: Option<String>,
    /// Begin at this record
    #[arg(long, value_name = "SEQUENCE", default_value_t = 1)]
    from: u64,
    /// Go on as records are written, until Ctrl-C; needs DIR
    #[arg(short, long, requires = "folder")]
    follow: bool,
}

pub(crate) async fn run(asked: &JournalCommand, setting: &Setting) -> Result<(), Failure> {
    match &asked.act {
        Act::Show(show) => show.run(setting).await,
        Act::Accept(asked) => accept::run(asked, setting).await,
        Act::Verify { folder } => verify::run(folder, setting.format),
    }
}

impl Show {
    async fn run(&self, setting: &Setting) -> Result<(), Failure> {
        let mut printer = Printer::new(self, setting.format)?;
        let mut join = Join::new(TimeZone::system());
        match &self.folder {
            None => self.ask_the_edge(setting, &mut join, &mut printer).await,
            Some(folder) if self.follow => self.follow(folder, &mut join, &mut printer),
            Some(folder) => {
                let shown = self.once(folder, self.from, &mut join, &mut printer);
                printer.take(join.rest(), self)?;
                printer.end()?;
                shown.map(|_| ())
            }
        }
    }

    /// Shows what there is from this sequence on; gives the sequence to go on with.
    fn once(
        &self,
        folder: &Path,
        from: u64,
        join: &mut Join,
        printer: &mut Printer,
    ) -> Result<u64, Failure> {
        let records = read(folder).and_then(|records| records.starting_at(from));
        let mut next = from;
        for record in records.map_err(|error| unreadable(folder, &error))? {
            let record = record.map_err(|error| unreadable(folder, &error))?;
            next = record.sequence.saturating_add(1);
            printer.take(join.take(&record), self)?;
        }
        Ok(next)
    }

    fn follow(&self, folder: &Path, join: &mut Join, printer: &mut Printer) -> Result<(), Failure> {
        let mut next = self.from;
        loop {
            next = self.once(folder, next, join, printer)?;
            // Nothing else goes on in this program, and Ctrl-C ends it.
            std::thread::sleep(FOLLOW_EVERY);
        }
    }

    async fn ask_the_edge(
        &self,
        setting: &Setting,
        join: &mut Join,
        printer: &mut Printer,
    ) -> Result<(), Failure> {
        let gateway = Gateway::connect(&setting.profile()?).await?;
        let opened = gateway
            .read_journal(JournalQuery {
                from: self.from,
                ..JournalQuery::default()
            })
            .await;
        let Ok(mut records) = opened else {
            // An empty table before a refusal would read as an empty log.
            gateway.goodbye().await;
            return opened.map(drop);
        };
        let shown = self.stream(&mut records, join, printer).await;
        gateway.goodbye().await;
        printer.take(join.rest(), self)?;
        printer.end()?;
        shown
    }

    async fn stream(
        &self,
        records: &mut JournalStream,
        join: &mut Join,
        printer: &mut Printer,
    ) -> Result<(), Failure> {
        while let Some(shown) = records.next().await? {
            if let Shown::Match(record) | Shown::Outcome(record) = shown {
                printer.take(join.take(&record), self)?;
            }
        }
        Ok(())
    }

    fn wants(&self, line: &Line) -> bool {
        let device = self.device.as_deref();
        let subject = self.subject.as_deref();
        device.is_none_or(|device| line.is_of_device(device))
            && subject.is_none_or(|subject| line.is_of_subject(subject))
    }
}

/// Prints lines: at once where the format allows it, else all at the end.
struct Printer {
    format: Format,
    follow: bool,
    held: Vec<Line>,
}

/// Columns of a table that is printed line by line, whose later lines nobody knows yet.
const FOLLOW_WIDTHS: [usize; 9] = [6, 23, 16, 12, 52, 20, 24, 8, 0];

impl Printer {
    fn new(asked: &Show, format: Format) -> Result<Printer, Failure> {
        if asked.follow && format == Format::Json {
            return Err(Failure::new(
                Kind::Usage,
                "a journal that is followed never ends, and a JSON array must",
                "use -o jsonl with --follow",
            ));
        }
        let printer = Printer {
            format,
            follow: asked.follow,
            held: Vec::new(),
        };
        if printer.follow && format == Format::Table {
            let header = Line::HEADER.iter().map(|name| (*name).to_owned());
            screen::data(&aligned(&header.collect::<Vec<_>>()))?;
        }
        Ok(printer)
    }

    fn take(&mut self, lines: Vec<Line>, asked: &Show) -> Result<(), Failure> {
        for line in lines.into_iter().filter(|line| asked.wants(line)) {
            match self.format {
                Format::Jsonl => screen::data(&screen::line(&line)?)?,
                Format::Table if self.follow => screen::data(&aligned(&line.cells()))?,
                _ => self.held.push(line),
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Failure> {
        if self.format == Format::Jsonl {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.held);
        screen::data(&screen::render(self.format, &lines, screen::width())?)
    }
}

fn aligned(cells: &[String]) -> String {
    let padded = cells
        .iter()
        .zip(FOLLOW_WIDTHS)
        .map(|(cell, width)| format!("{:width$}", screen::clean(cell)));
    let line = padded.collect::<Vec<_>>().join("  ");
    line.trim_end().to_owned() + "\n"
}

/// A damaged journal is a failure of its own; a folder that cannot be read is the person's.
fn unreadable(folder: &Path, error: &ReadError) -> Failure {
    match error {
        ReadError::Damage(damage) => Failure::new(
            Kind::Failed,
            damage.to_string(),
            "keep the folder as it is, and tell the administrator; what is shown before this record is sound",
        ),
        ReadError::Storage(error) => Failure::new(
            Kind::Configuration,
            format!(
                "the journal in {} cannot be read: {error}",
                folder.display()
            ),
            "name the journal's folder on the gateway, and read it as a user who may",
        ),
    }
}
