use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use luthien::record::store::{AnyStore, SessionRow};
use serde_json::Value;

use super::{Failure, Settings, Which, ask, html, markdown, sessions_of, show::turns};
use crate::record::{VERSION, lines};

#[derive(Debug, Args)]
pub(in super::super) struct Export {
    /// Sessions, by their names. All that the filters let through, if none is named.
    sessions: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// In which form.
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    format: Format,
    /// Into this file, and not to standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// To be read.
    Markdown,
    /// A page to share: everything in one file, and nothing in it loads or runs anything.
    Html,
    /// One document: sessions, and their turns as messages.
    Json,
    /// One exchange a line, with everything that is known of it, its bytes included.
    Jsonl,
}

pub(in super::super) fn run(settings: &Settings, export: &Export) -> Result<ExitCode, Failure> {
    ask(settings, async |store| {
        let mut out: Box<dyn Write> = match &export.output {
            Some(path) => {
                Box::new(BufWriter::new(File::create(path).map_err(|error| {
                    format!("{} cannot be written: {error}", path.display())
                })?))
            }
            None => Box::new(BufWriter::new(io::stdout())),
        };
        let mut exporter = Exporter {
            store: &store,
            out: &mut out,
            format: export.format,
            sessions: 0,
            exchanges: 0,
            // Who pipes it elsewhere wants the data alone.
            tells: export.output.is_some() && io::stderr().is_terminal(),
        };
        exporter.all(export).await?;
        let (sessions, exchanges) = (exporter.sessions, exporter.exchanges);
        out.flush()?;
        if let Some(path) = &export.output {
            let path = path.display();
            writeln!(
                io::stderr(),
                "{sessions} sessions, {exchanges} exchanges in {path}"
            )?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

struct Exporter<'a> {
    store: &'a AnyStore,
    out: &'a mut dyn Write,
    format: Format,
    sessions: u64,
    exchanges: u64,
    tells: bool,
}

impl Exporter<'_> {
    async fn all(&mut self, export: &Export) -> Result<(), Failure> {
        if self.format == Format::Html {
            write!(self.out, "{}", html::HEAD)?;
        }
        if self.format == Format::Json {
            write!(self.out, "{{\"version\":{VERSION},\"sessions\":[")?;
        }
        for session in sessions_of(self.store, &export.sessions, &export.which).await? {
            self.session(&session).await?;
        }
        if self.format == Format::Json {
            writeln!(self.out, "]}}")?;
        }
        if self.format == Format::Html {
            write!(self.out, "{}", html::END)?;
        }
        if self.tells {
            writeln!(io::stderr())?;
        }
        Ok(())
    }

    async fn session(&mut self, session: &SessionRow) -> Result<(), Failure> {
        match self.format {
            Format::Markdown => {
                let turns = turns(self.store, &session.session_id, usize::MAX).await?;
                self.exchanges += turns.len() as u64;
                writeln!(self.out, "{}", markdown::session(session, &turns))?;
            }
            Format::Html => {
                let turns = turns(self.store, &session.session_id, usize::MAX).await?;
                self.exchanges += turns.len() as u64;
                write!(self.out, "{}", html::session(session, &turns))?;
            }
            Format::Json => {
                let turns = turns(self.store, &session.session_id, usize::MAX).await?;
                self.exchanges += turns.len() as u64;
                let mut value = serde_json::to_value(session)?;
                if let Value::Object(members) = &mut value {
                    members.insert("turns".to_owned(), serde_json::to_value(&turns)?);
                }
                if self.sessions > 0 {
                    write!(self.out, ",")?;
                }
                serde_json::to_writer(&mut *self.out, &value)?;
            }
            Format::Jsonl => {
                self.exchanges += lines(self.store, &session.session_id, &mut *self.out).await?;
            }
        }
        self.sessions += 1;
        if self.tells {
            let (sessions, exchanges) = (self.sessions, self.exchanges);
            write!(io::stderr(), "\r{sessions} sessions, {exchanges} exchanges")?;
        }
        Ok(())
    }
}
