//! The lines about exchanges, of which there are many: written without detours.

use std::{fmt::Write, time::Duration};

use luthien_core::facts::ClientAddr;
use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::fmt::{
    format::Writer,
    time::{FormatTime, SystemTime},
};

use super::buffer::Buffer;

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Human { colours: bool },
}

/// What a line is about: how it begins, and from which level on it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Topic {
    pub(crate) level: Level,
    pub(crate) target: &'static str,
    pub(crate) message: &'static str,
}

/// Writes lines about exchanges.
#[derive(Clone)]
pub(crate) struct Lines {
    buffer: Buffer,
    format: Format,
    from: LevelFilter,
}

impl Lines {
    pub(super) fn into(buffer: Buffer, format: Format, from: LevelFilter) -> Self {
        Self {
            buffer,
            format,
            from,
        }
    }

    /// A line with the members that `fill` adds.
    pub(crate) fn write(&self, topic: Topic, fill: impl FnOnce(&mut Members<'_>)) {
        if topic.level <= self.from {
            let add = |out: &mut String| line(out, self.format, topic, fill);
            self.buffer.add(false, add);
        }
    }
}

fn line(out: &mut String, format: Format, topic: Topic, fill: impl FnOnce(&mut Members<'_>)) {
    let Topic {
        level,
        target,
        message,
    } = topic;
    match format {
        Format::Json => {
            out.push_str("{\"timestamp\":\"");
            now(out);
            for (name, word) in [
                ("level", level.as_str()),
                ("target", target),
                ("message", message),
            ] {
                out.extend(["\",\"", name, "\":\"", word]);
            }
            out.push('"');
        }
        Format::Human { colours } => {
            let [dim, colour, end] = if colours {
                ["\x1b[2m", colour_of(level), "\x1b[0m"]
            } else {
                [""; 3]
            };
            out.push_str(dim);
            now(out);
            // Writing into a string does not fail.
            write!(
                out,
                "{end} {colour}{level:>5}{end} {dim}{target}{end}{dim}:{end} {message}"
            )
            .ok();
        }
    }
    let human = format != Format::Json;
    fill(&mut Members { out, human });
    out.push_str(if human { "\n" } else { "}\n" });
}

/// As tracing colours its own lines.
fn colour_of(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG => "\x1b[34m",
        Level::TRACE => "\x1b[35m",
    }
}

/// The line for lines that are not there: so many were lost.
pub(super) fn lost(out: &mut String, format: Format, count: u64) {
    let (before, after) = match format {
        Format::Json => (
            "{\"timestamp\":\"",
            "\",\"level\":\"WARN\",\"target\":\"luthien::log\",\"message\":\"lines were lost\",\"lost\":",
        ),
        Format::Human { .. } => ("", "  WARN luthien::log: lines were lost lost="),
    };
    out.push_str(before);
    now(out);
    out.push_str(after);
    digits(out, count, 1);
    out.push_str(if format == Format::Json { "}\n" } else { "\n" });
}

fn now(out: &mut String) {
    // Writing into a string does not fail.
    SystemTime.format_time(&mut Writer::new(out)).ok();
}

/// The members of a line. What is `None` is left out.
pub(crate) struct Members<'a> {
    out: &'a mut String,
    human: bool,
}

impl Members<'_> {
    fn name(&mut self, name: &str) {
        if self.human {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push('=');
        } else {
            self.out.push_str(",\"");
            self.out.push_str(name);
            self.out.push_str("\":");
        }
    }

    #[allow(
        single_use_lifetimes,
        reason = "what is suggested instead does not compile"
    )]
    pub(crate) fn text<'a>(&mut self, name: &str, text: impl Into<Option<&'a str>>) {
        let Some(text) = text.into() else { return };
        self.name(name);
        if self.human && is_plain(text) {
            self.out.push_str(text);
            return;
        }
        self.out.push('"');
        // Nearly every text can stand as it is.
        if text
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~' if byte != b'"' && byte != b'\\'))
        {
            self.out.push_str(text);
        } else {
            text.chars().for_each(|c| escape(self.out, c));
        }
        self.out.push('"');
    }

    pub(crate) fn number(&mut self, name: &str, number: impl Into<Option<u64>>) {
        if let Some(number) = number.into() {
            self.name(name);
            digits(self.out, number, 1);
        }
    }

    pub(crate) fn address(&mut self, name: &str, ClientAddr(address): ClientAddr) {
        self.name(name);
        let quote = if self.human { "" } else { "\"" };
        // Writing into a string does not fail.
        write!(self.out, "{quote}{address}{quote}").ok();
    }

    pub(crate) fn flag(&mut self, name: &str, flag: bool) {
        self.name(name);
        self.out.push_str(if flag { "true" } else { "false" });
    }

    /// Milliseconds, with three digits after the point.
    pub(crate) fn milliseconds(&mut self, name: &str, time: impl Into<Option<Duration>>) {
        if let Some(time) = time.into() {
            self.name(name);
            milliseconds(self.out, time);
        }
    }
}

/// A time as milliseconds, with three digits after the point.
pub(crate) fn milliseconds(out: &mut String, time: Duration) {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    digits(out, micros / 1000, 1);
    out.push('.');
    digits(out, micros % 1000, 3);
}

/// A number, with zeros before it to make it so wide. (`write!` costs several times as much, and every line has a dozen.)
fn digits(out: &mut String, mut number: u64, width: u32) {
    let mut place = 10_u64.pow(number.checked_ilog10().unwrap_or(0).max(width - 1));
    while place > 0 {
        out.push(char::from(b'0' + u8::try_from(number / place).unwrap_or(0)));
        number %= place;
        place /= 10;
    }
}

/// Whether a person can tell without quotes where it ends.
fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte);
    !text.is_empty() && text.bytes().all(plain)
}

/// Whether a terminal would obey it, or it turns lines around, breaks or hides them.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// As JSON has it, and nothing that is hidden as it is.
fn escape(out: &mut String, c: char) {
    match c {
        '"' | '\\' => {
            out.push('\\');
            out.push(c);
        }
        // All of them lie in the first plane; and writing into a string does not fail.
        c if is_hidden(c) => {
            write!(out, "\\u{:04x}", u32::from(c)).ok();
        }
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: Topic = Topic {
        level: Level::INFO,
        target: "luthien::exchange",
        message: "exchange",
    };

    fn written(format: Format, fill: impl FnOnce(&mut Members<'_>)) -> String {
        let mut out = String::new();
        line(&mut out, format, TOPIC, fill);
        out
    }

    fn fill(members: &mut Members<'_>) {
        members.text("path", "/v1/messages");
        members.text("model", "a \"b\"\n\x1b[31m\u{9b}\u{2028}\u{202e}é");
        members.text("user", None);
        members.number("status", 200);
        members.flag("stream", true);
        members.milliseconds("ms", Duration::from_micros(12_034));
    }

    #[test]
    fn a_line_is_one_json_object_and_nothing_in_it_reaches_a_terminal() {
        let line = written(Format::Json, fill);
        assert!(line.ends_with("}\n") && line.matches('\n').count() == 1);
        assert!(!line.trim_end().chars().any(char::is_control));
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(json["model"], "a \"b\"\n\x1b[31m\u{9b}\u{2028}\u{202e}é");
        assert_eq!(json["status"], 200);
        assert_eq!(json["ms"], 12.034);
        assert_eq!(json["stream"], true);
        assert!(json.get("user").is_none());
        assert!(json["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn numbers_are_written_as_they_are() {
        for number in [0, 7, 10, 99, 100, 12_345, u64::MAX] {
            let mut out = String::new();
            digits(&mut out, number, 1);
            assert_eq!(out, number.to_string());
        }
        for (micros, expected) in [
            (0, "0.000"),
            (7, "0.007"),
            (1_000, "1.000"),
            (12_034, "12.034"),
        ] {
            let mut out = String::new();
            milliseconds(&mut out, Duration::from_micros(micros));
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn for_a_person_it_is_shorter() {
        let line = written(Format::Human { colours: false }, fill);
        let (_, members) = line.split_once("exchange: exchange ").unwrap();
        assert_eq!(
            members,
            "path=/v1/messages model=\"a \\\"b\\\"\\u000a\\u001b[31m\\u009b\\u2028\\u202eé\" status=200 stream=true ms=12.034\n"
        );
    }
}
