//! A command whose words are known.

use super::{
    super::{Act, Exhaust, mark, programs},
    Data, Opaque, Shell, State,
};

impl Shell<'_> {
    /// Runs a command of a shell's text: functions and aliases stand before programs.
    pub(in super::super) fn call(
        &mut self,
        state: &mut State,
        argv: Vec<String>,
        stdin: Data,
    ) -> Data {
        self.started(state, argv, stdin, true)
    }

    /// Runs a program that another one starts.
    pub(in super::super) fn invoke(
        &mut self,
        state: &mut State,
        argv: Vec<String>,
        stdin: Data,
    ) -> Data {
        self.started(state, argv, stdin, false)
    }

    fn started(
        &mut self,
        state: &mut State,
        mut argv: Vec<String>,
        stdin: Data,
        is_call: bool,
    ) -> Data {
        if self.depth >= 2 * super::MAX_DEPTH {
            self.opaque(Opaque::TooDeep);
            return Data::default();
        }
        if !self.step() {
            return Data::default();
        }
        self.depth += 1;
        let evidence = std::mem::replace(&mut self.evidence, argv.join(" "));
        let out = match argv.first_mut() {
            None => stdin,
            Some(name) => {
                // A copy of a program is that program, whatever it is called.
                let copied = name.contains('/').then(|| self.path(state, name).resolved);
                let copied = copied
                    .filter(|path| !state.files.contains_key(path))
                    .and_then(|path| state.programs.get(&path).cloned());
                if let Some(program) = copied {
                    *name = program;
                }
                let program = named(name);
                match program {
                    Ok(program) if is_call => self.known(state, &program, &argv, stdin),
                    Ok(program) => programs::run(self, state, &program, &argv, stdin),
                    Err(why) => {
                        self.unnamed(state, &argv, why);
                        Data::hidden()
                    }
                }
            }
        };
        self.evidence = evidence;
        self.depth -= 1;
        out
    }

    /// Something starts itself: without end, if it does not wait for that.
    pub(in super::super) fn itself(&mut self) {
        if self.forks > 0 {
            self.act(Act::Exhaust {
                what: Exhaust::Processes,
            });
        }
    }

    /// A command whose name is not known.
    fn unnamed(&mut self, state: &mut State, argv: &[String], why: Option<Opaque>) {
        match why {
            None => {
                let from = self.remote.clone().unwrap_or_else(|| "?".to_owned());
                self.act(Act::RunRemote { from });
            }
            Some(why) => {
                self.opaque(why);
                // What is not set is nothing, and the next word is the command.
                if let (true, [_, rest @ ..]) =
                    (why == Opaque::UnknownProgram && !argv.is_empty(), argv)
                {
                    self.call(state, rest.to_vec(), Data::default());
                }
            }
        }
    }

    fn known(&mut self, state: &mut State, name: &str, argv: &[String], stdin: Data) -> Data {
        let word = argv.first().map(String::as_str).unwrap_or_default();
        if let Some(alias) = state.aliases.remove(word) {
            let rest: String = argv
                .iter()
                .skip(1)
                .map(|word| format!(" {}", programs::quoted(word)))
                .collect();
            let out = self.text(state, &format!("{alias}{rest}"), &stdin);
            state.aliases.insert(word.to_owned(), alias);
            return out;
        }
        if let Some(function) = state.functions.get(word).cloned() {
            let is_same = state.calls.iter().any(|call| call == argv);
            let is_deep = state
                .calls
                .iter()
                .filter(|call| call.first() == argv.first())
                .count()
                > 3;
            if is_same || is_deep {
                self.itself();
                return Data::default();
            }
            state.calls.push(argv.to_vec());
            let args = std::mem::replace(&mut state.args, argv.iter().skip(1).cloned().collect());
            let out = self.compound(state, &function.body.0, &stdin);
            state.args = args;
            state.calls.pop();
            return out;
        }
        programs::run(self, state, name, argv, stdin)
    }
}

/// The name of a program without its folders.
fn named(word: &str) -> Result<String, Option<Opaque>> {
    if word.contains(mark::REMOTE) {
        return Err(None);
    }
    let collapsed = word.replace(mark::UNSET, "");
    let name = collapsed.rsplit('/').next().unwrap_or_default();
    let name = name.rsplit('\\').next().unwrap_or(name).to_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    // A module of zsh has them by other names.
    let name = name.strip_prefix("zf_").unwrap_or(name).to_owned();
    if name.is_empty() || name.contains(mark::is_unknown) || name.contains(is_invisible) {
        return Err(Some(Opaque::UnknownProgram));
    }
    if name.contains(mark::is_glob) {
        let known = programs::PATTERNS
            .iter()
            .find(|known| super::matches(&name, known));
        return known
            .map(|known| (*known).to_owned())
            .ok_or(Some(Opaque::UnknownProgram));
    }
    Ok(name)
}

/// Characters that change how a word looks, and not what it is.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}
