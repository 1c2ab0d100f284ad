//! `vim` and its kin: commands that they are told, and expressions in those.

mod expressions;

use self::expressions::Expression;
use super::{Command, code, host, mark_code};
use crate::policy::effects::{
    Act, Write,
    shell::{Data, Shell, State},
};

/// How many commands are looked at.
const MOST: usize = 256;
/// How deep expressions and commands may stand in one another.
const DEEPEST: usize = 8;

/// Words before a command that say only how it is carried out.
const HOW: &[&str] = &[
    "silent",
    "sil",
    "noautocmd",
    "noa",
    "keepalt",
    "keepjumps",
    "sandbox",
    "unsilent",
    "verbose",
    "noswapfile",
    "confirm",
    "browse",
    "hide",
    "bufdo",
    "argdo",
    "windo",
    "tabdo",
    "cdo",
];

/// What is being edited.
struct Editor {
    /// What is in the buffer.
    buffer: Data,
    /// Its file.
    file: Option<String>,
    depth: usize,
    left: usize,
}

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    let args = command.args(&["c", "cmd", "S", "u", "U", "w", "W", "i", "T"]);
    let mut commands: Vec<String> = Vec::new();
    // In the order in which they are given.
    let mut words = command.words.iter();
    while let Some(word) = words.next() {
        if let Some(told) = word.strip_prefix('+') {
            commands.push(told.to_owned());
        } else if matches!(word.as_str(), "-c" | "--cmd") {
            commands.extend(words.next().cloned());
        } else if let Some(told) = word.strip_prefix("-c").filter(|told| !told.is_empty()) {
            commands.push(told.to_owned());
        }
    }
    let files: Vec<String> = args
        .operands
        .iter()
        .filter(|word| !word.starts_with('+'))
        .map(|word| (*word).to_owned())
        .collect();
    let reads_commands = command.name == "ed" || command.name == "ex" || args.has(&["s", "e"]);
    let mut editor = Editor {
        buffer: match reads_commands {
            true => Data::default(),
            false => command.stdin.clone(),
        },
        file: files.iter().find(|file| *file != "-").cloned(),
        depth: 0,
        left: MOST,
    };
    for script in args.values(&["S"]) {
        let script = shell.read_file(state, script);
        commands.extend(
            script
                .text
                .iter()
                .flat_map(|text| text.lines().map(str::to_owned)),
        );
    }
    if reads_commands {
        let text = command.stdin.text.as_deref().unwrap_or_default();
        commands.extend(text.lines().map(str::to_owned));
    }
    if let Some(file) = editor.file.clone().filter(|_| !commands.is_empty()) {
        editor.opens(shell, state, &file);
    }
    for line in commands {
        editor.command(shell, state, &mark_code(&line));
    }
    Data::default()
}

impl Editor {
    fn opens(&mut self, shell: &mut Shell<'_>, state: &State, file: &str) {
        self.file = Some(file.to_owned());
        self.buffer = shell.read_file(state, file);
    }

    fn writes(&self, shell: &mut Shell<'_>, state: &mut State, file: &str, how: Write) {
        let path = shell.path(state, file);
        if how == Write::Replace && !self.buffer.is_content {
            state
                .files
                .insert(path.resolved.clone(), self.buffer.clone());
            super::content(shell, &path, &self.buffer);
        }
        shell.act(Act::Write { path, how });
    }

    /// One command, with what may follow behind a bar.
    fn command(&mut self, shell: &mut Shell<'_>, state: &mut State, line: &str) {
        if self.left == 0 || self.depth > DEEPEST {
            return;
        }
        self.left -= 1;
        self.depth += 1;
        self.carried_out(shell, state, line);
        self.depth -= 1;
    }

    fn carried_out(&mut self, shell: &mut Shell<'_>, state: &mut State, line: &str) {
        let mut line = line.trim_start_matches([':', ' ', '\t']);
        while let Some((word, rest)) = line.split_once(' ')
            && HOW.contains(&word.trim_end_matches('!'))
        {
            line = rest.trim_start_matches([':', ' ']);
        }
        // A range: `%`, `1,$`, `'a,.`
        let range = |c: char| {
            c.is_ascii_digit() || matches!(c, '%' | ',' | '.' | '$' | '\'' | '<' | '>' | ' ' | '+')
        };
        let line = line.trim_start_matches(range);
        if let Some(code) = line.strip_prefix('!') {
            let buffer = self.buffer.clone();
            shell.text(state, code, &buffer);
            return;
        }
        let end = line
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(line.len());
        // `py3` and `w2` differ: digits belong to names of languages only.
        let (word, rest) = line.split_at_checked(end).unwrap_or((line, ""));
        let is_forced = rest.starts_with('!');
        let rest = rest.trim_start_matches('!');
        let argument = rest.trim_start();
        let (one, more) = bar(argument);
        match word {
            "r" | "re" | "read" => match argument.strip_prefix('!') {
                Some(code) => {
                    let out = shell.text(state, code, &Data::default());
                    self.buffer = std::mem::take(&mut self.buffer).and(out);
                }
                None if is_forced => {
                    let out = shell.text(state, argument, &Data::default());
                    self.buffer = std::mem::take(&mut self.buffer).and(out);
                }
                None => {
                    let data = shell.read_file(state, one);
                    self.buffer = std::mem::take(&mut self.buffer).and(data);
                }
            },
            "w" | "wr" | "write" | "wq" | "x" | "xit" | "exit" | "wa" | "wall" | "wqa" | "xa"
            | "up" | "update" | "sav" | "saveas" => {
                // With a blank before it, it is a command.
                if let Some(code) = rest.strip_prefix(' ').and(argument.strip_prefix('!')) {
                    let buffer = self.buffer.clone();
                    shell.text(state, code, &buffer);
                    return;
                }
                let (how, file) = match one.strip_prefix(">>") {
                    Some(file) => (Write::Append, file.trim()),
                    None => (Write::Replace, one),
                };
                match (file, self.file.clone()) {
                    ("", Some(file)) => self.writes(shell, state, &file, Write::Edit),
                    ("", None) => {}
                    (file, _) => self.writes(shell, state, file, how),
                }
            }
            "e" | "ed" | "edit" | "tabe" | "tabedit" | "sp" | "split" | "vs" | "vsplit" | "new"
            | "f" | "file" | "view"
                if !one.is_empty() =>
            {
                self.opens(shell, state, one);
            }
            "so" | "source" | "ru" | "runtime" if one.contains("://") => {
                let from = host(one).unwrap_or_else(|| "?".to_owned());
                shell.act(Act::RunRemote { from });
            }
            "so" | "source" => {
                let script = shell.read_file(state, one);
                for line in script.text.iter().flat_map(|text| text.lines()).take(MOST) {
                    self.command(shell, state, line);
                }
                return;
            }
            "ter" | "terminal" | "term" | "make" | "grep" => {
                shell.text(state, argument.trim_start_matches("++"), &Data::default());
                return;
            }
            "exe" | "execute" => {
                let told = Expression::of(shell, state, argument).all();
                self.command(shell, state, &told);
            }
            "cal" | "call" | "ec" | "echo" | "echom" | "echomsg" | "if" | "return" | "eval" => {
                Expression::of(shell, state, argument).all();
            }
            "let" | "const" | "var" => {
                if let Some((name, value)) = argument.split_once('=') {
                    let value = Expression::of(shell, state, value).all();
                    let name = name.trim().trim_start_matches("g:");
                    match name.strip_prefix('$') {
                        Some(name) => shell.assigned(state, name, vec![value]),
                        None => state.set(&format!("vim:{name}"), vec![value]),
                    }
                }
            }
            "py" | "py3" | "python" | "python3" | "pyx" | "pythonx" => {
                code::scan(shell, state, "python", argument);
            }
            "lua" | "luado" => code::scan(shell, state, "lua", argument.trim_start_matches('=')),
            "perl" | "pe" => code::scan(shell, state, "perl", argument),
            "rub" | "ruby" => code::scan(shell, state, "ruby", argument),
            "cd" | "lcd" | "tcd" | "chd" | "chdir" => {
                let folder = shell.path(state, one).to_string();
                state.go(folder);
            }
            "g" | "global" | "v" | "vglobal" | "norm" | "normal" | "s" | "substitute" => return,
            _ => {}
        }
        if !more.is_empty() && !matches!(word, "py" | "py3" | "python3" | "lua" | "exe" | "execute")
        {
            self.command(shell, state, more);
        }
    }
}

/// What stands before a bar that is none in quotes, and what behind it.
fn bar(text: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '|') if !text.get(at..).is_some_and(|rest| rest.starts_with("||")) => {
                let before = text.get(..at).unwrap_or_default();
                return (before.trim(), text.get(at + 1..).unwrap_or_default());
            }
            _ => {}
        }
    }
    (text.trim(), "")
}
