//! The log: to standard error, or to a file where standard error is the agent's.

mod buffer;
mod line;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, IsTerminal},
    panic,
    path::Path,
};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

pub(crate) use self::line::{Lines, Members, Topic, is_hidden, milliseconds};
use self::{buffer::Buffer, line::Format};
use crate::config::{Log, LogFormat, LogLevel};

/// Whether the log is to be read by a person.
pub(crate) fn is_human(log: &Log) -> bool {
    match log.format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Human => true,
        LogFormat::Json => false,
    }
}

/// The log, until it is closed.
pub(crate) struct Open {
    buffer: Buffer,
    /// Where the lines about exchanges go.
    pub(crate) lines: Lines,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.buffer.close();
    }
}

/// Starts the log. `file` takes it in place of standard error.
pub(crate) fn start(log: &Log, file: Option<File>) -> io::Result<Open> {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // Of libraries only what is wrong.
    let filter = Targets::new()
        .with_default(LevelFilter::WARN.min(level))
        .with_target("luthien", level);
    let format = if is_human(log) {
        let colours = file.is_none() && io::stderr().is_terminal();
        Format::Human { colours }
    } else {
        Format::Json
    };
    let buffer = match file {
        Some(file) => Buffer::before(file, format)?,
        None => Buffer::before(io::stderr(), format)?,
    };
    let layer = fmt::layer().with_writer(buffer.clone());
    let layer = match format {
        Format::Human { colours } => layer.with_ansi(colours).boxed(),
        Format::Json => layer.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .init();
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(
            place,
            what = info.payload_as_str().unwrap_or("something"),
            "a panic: this is a defect, please report it"
        );
    }));
    let lines = Lines::into(buffer.clone(), format, level);
    Ok(Open { buffer, lines })
}

/// Opens a file for the log; only its owner may read it.
pub(crate) fn file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let opened = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path);
    opened.map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("the log {} cannot be opened: {error}", path.display()),
        )
    })
}
