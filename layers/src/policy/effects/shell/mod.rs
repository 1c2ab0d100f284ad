//! Shell text, carried out in thought.

mod arithmetic;
mod assign;
mod braces;
mod commands;
mod data;
mod escapes;
mod expand;
mod heredoc;
mod invoke;
mod loops;
mod params;
mod pattern;
mod redirect;
mod salvage;
mod scan;
mod state;
#[cfg(test)]
mod tests;
mod truth;
mod walk;

use std::borrow::Cow;

use brush_parser::{
    ParserOptions,
    ast::{CompoundCommand, Program},
    parse_tokens, uncached_tokenize_str,
};

pub(crate) use self::commands::commands;
pub(super) use self::{
    arithmetic::parsed as arithmetic,
    data::Data,
    escapes::{unescaped, unescaped_bytes},
    pattern::matches,
    state::State,
};
use super::{
    Act, Effects, MAX_DEPTH, MAX_TEXT, Opaque, PathRef, Place, Scope, act, mark, patch,
    programs::{self, Made},
};

/// How many commands are followed in one call.
const MAX_STEPS: usize = 8000;
/// How many bytes variables and substitutions may put into the words of one call.
const MAX_GROWTH: usize = 16 << 20;
/// How deep parentheses and the like may stand in one another in one text.
const MAX_NESTING: usize = 48;

/// What a shell would do with the text.
pub(super) fn run(text: &str, place: &Place, effects: &mut Effects) {
    let mut shell = Shell::new(place, effects);
    let mut state = State::new(place);
    shell.text(&mut state, text, &Data::default());
}

/// What happens if these words are a command, with no shell before it.
pub(super) fn run_argv(words: &[String], place: &Place, effects: &mut Effects) {
    let mut shell = Shell::new(place, effects);
    let mut state = State::new(place);
    shell.invoke(&mut state, words.to_vec(), Data::default());
}

/// Somebody who carries out shell text in thought, and writes down what it would do.
pub(super) struct Shell<'a> {
    pub(super) place: &'a Place,
    effects: &'a mut Effects,
    /// Done as somebody who may do more.
    pub(super) elevated: bool,
    steps: usize,
    text: usize,
    depth: usize,
    /// The command that is being carried out, for people.
    evidence: String,
    /// How many of the commands around it run beside the shell.
    forks: usize,
    /// Where the last thing came from that was fetched.
    pub(super) remote: Option<String>,
    /// The last program lists everything that runs.
    pub(super) lists_all: bool,
    /// `>(…)`: commands that read what is written into these files.
    readers: Vec<(String, CompoundCommand)>,
    /// Names for addresses that have been written down here: lines of `/etc/hosts`.
    pub(super) names: Vec<(String, String)>,
    /// What has been said to be opaque, once each.
    said: Vec<Opaque>,
    /// How many bytes variables and substitutions have put into words.
    grown: usize,
    /// How many loops are around a command.
    pub(super) loops: usize,
    /// How many temporary files have been made.
    pub(super) temporary: usize,
    /// What has been made in this call.
    pub(super) made: Made,
}

impl<'a> Shell<'a> {
    fn new(place: &'a Place, effects: &'a mut Effects) -> Self {
        Self {
            place,
            effects,
            elevated: false,
            steps: MAX_STEPS,
            text: MAX_TEXT,
            depth: 0,
            evidence: String::new(),
            forks: 0,
            remote: None,
            lists_all: false,
            readers: Vec::new(),
            names: Vec::new(),
            said: Vec::new(),
            grown: 0,
            loops: 0,
            temporary: 0,
            made: Made::default(),
        }
    }

    /// Writes down what is done. A folder that the call has made goes as it came.
    pub(super) fn act(&mut self, act: Act) {
        if let Act::Delete { path, .. } = &act
            && matches!(path.scope, Scope::InHome | Scope::Beside)
            && self.made.has_folder(&path.resolved)
        {
            return;
        }
        self.effects.add(act, &self.evidence, self.elevated);
    }

    /// How much has been written down.
    pub(super) fn count(&self) -> usize {
        self.effects.iter().len()
    }

    /// Whether a file was read since then.
    pub(super) fn reads_since(&self, since: usize) -> bool {
        let mut new = self.effects.iter().skip(since);
        new.any(|effect| matches!(effect.act, Act::Read { .. }))
    }

    /// Of what was sent since then, what is a token of the host's own service is no secret told, unless files were read
    /// that hold secrets.
    pub(super) fn own_tokens(&mut self, since: usize, is_own: impl Fn(&str) -> bool) {
        let reads = |effect: &super::Effect| matches!(&effect.act, Act::Read { path } if programs::is_secret(path));
        if self.effects.iter().skip(since).any(reads) {
            return;
        }
        self.effects.change(since, |act| {
            if let Act::Net {
                host: Some(host),
                sends,
                ..
            } = act
                && *sends == super::Sends::Secrets
                && is_own(host)
            {
                *sends = super::Sends::Data;
            }
        });
    }

    /// Of what was written down since then, only what is so stays.
    pub(super) fn keep(&mut self, since: usize, is: impl Fn(&Act) -> bool) {
        self.effects.keep(since, |effect| is(&effect.act));
    }

    /// Of what was written down since then, all that is everyday is taken back.
    pub(super) fn forget_everyday(&mut self, since: usize) {
        self.effects
            .keep(since, |effect| !act::is_everyday(&effect.act));
    }

    /// Writes down that it cannot be told what is done.
    pub(super) fn opaque(&mut self, why: Opaque) {
        if !self.said.contains(&why) {
            self.said.push(why);
            self.act(Act::Opaque { why });
        }
    }

    /// Something that ends for itself, and what it has said to be run then. What an outer shell wants to be run in its end
    /// is not run in the end of this one.
    fn until_its_end(
        &mut self,
        state: &mut State,
        run: impl FnOnce(&mut Self, &mut State) -> Data,
    ) -> Data {
        let outer = std::mem::take(&mut state.at_end);
        let out = run(self, state);
        for code in std::mem::replace(&mut state.at_end, outer) {
            self.text(state, &code, &Data::default());
        }
        out
    }

    /// What a patch does.
    pub(super) fn patch(&mut self, text: &str) {
        patch::effects(text, self.place, self.effects);
    }

    /// What a path means here.
    pub(super) fn path(&self, state: &State, written: &str) -> PathRef {
        let written = &*at_home(written);
        let path = PathRef::within(written, &state.cwd, self.place);
        // What a container sees of this machine may have been looked up already.
        if state.is_container() {
            let mut seen = state.links.iter().map(|(_, to)| to.as_str());
            let is_seen_as = |from: &str| !from.is_empty() && path.is_within(from);
            if seen.any(|to| path.is_within(to))
                && !state.links.iter().any(|(from, _)| is_seen_as(from))
            {
                return path;
            }
        }
        let mut links = state.links.iter().rev();
        let led = links.find_map(|(link, to)| {
            let rest = path.resolved.strip_prefix(link.as_str())?;
            // Who names the link itself means the link; with a slash behind it, what it leads to.
            // A file that a container sees is that file.
            let is_seen = state.is_container() && !link.is_empty();
            let leads = rest.starts_with('/')
                || rest.is_empty() && (path.all || written.ends_with('/') || is_seen);
            let all = if path.all { "/*" } else { "" };
            leads.then(|| mark::starred(&format!("{to}{rest}{all}")))
        });
        led.map_or(path, |led| PathRef::within(&led, &state.cwd, self.place))
    }

    /// One more command; whether there are not too many.
    fn step(&mut self) -> bool {
        if self.steps == 0 {
            self.opaque(Opaque::TooLong);
            return false;
        }
        self.steps -= 1;
        true
    }

    /// Carries out the text of a script, with something on its standard input.
    pub(super) fn text(&mut self, state: &mut State, text: &str, stdin: &Data) -> Data {
        if self.depth >= MAX_DEPTH {
            if self.evidence.is_empty() {
                text.clone_into(&mut self.evidence);
            }
            self.opaque(Opaque::TooDeep);
            return Data::default();
        }
        let text = match text.len() <= self.text {
            true => text,
            false => {
                text.get(..200)
                    .unwrap_or_default()
                    .clone_into(&mut self.evidence);
                self.opaque(Opaque::TooLong);
                let end = text.floor_char_boundary(self.text);
                text.get(..end).unwrap_or_default()
            }
        };
        self.text -= text.len();
        self.depth += 1;
        let out = match parsed(text) {
            Some(program) => {
                self.until_its_end(state, |shell, state| shell.program(state, &program, stdin))
            }
            None => {
                text.clone_into(&mut self.evidence);
                self.opaque(Opaque::Unparsed);
                salvage::commands(self, state, text)
            }
        };
        self.depth -= 1;
        out
    }
}

/// `/home/$USER` is home.
fn at_home(written: &str) -> Cow<'_, str> {
    let name = written
        .strip_prefix("/home/")
        .or_else(|| written.strip_prefix("/Users/"));
    match name.and_then(|name| name.strip_prefix(mark::HERE)) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => Cow::Owned(format!("~{rest}")),
        _ => Cow::Borrowed(written),
    }
}

/// The parser takes `;;` for the end of a case (brush-parser 0.4.0), in `for ((;;))` as well.
fn endless(text: &str) -> Cow<'_, str> {
    if !text.contains("((") || !text.contains(";;") {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split("((");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_loop = out.trim_end().ends_with("for");
        out.push_str("((");
        match part.split_once("))").filter(|_| is_loop) {
            Some((sum, rest)) => {
                out.push_str(&sum.replace(";;", ";1;"));
                out.push_str("))");
                out.push_str(rest);
            }
            None => out.push_str(part),
        }
    }
    Cow::Owned(out)
}

/// The text as a shell reads it, unless none could.
fn parsed(text: &str) -> Option<Program> {
    if scan::nesting(text) > MAX_NESTING {
        return None;
    }
    let options = ParserOptions::default();
    let unix = text.contains('\r').then(|| text.replace("\r\n", "\n"));
    let text = endless(unix.as_deref().unwrap_or(text));
    let text = heredoc::as_strings(&text);
    let tokens = uncached_tokenize_str(&text, &options.tokenizer_options()).ok()?;
    parse_tokens(&tokens, &options).ok()
}
