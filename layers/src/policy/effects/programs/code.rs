//! Code of other languages: what its calls do, where their arguments are constants.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::database;
use crate::policy::effects::{
    Act, Exhaust, Opaque, Process, Sends, Write, mark,
    shell::{Data, Shell, State, unescaped},
};

/// What a call does with its arguments.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Shell,
    Delete { recursive: bool },
    Write,
    Move,
    Open,
    Eval,
    Kill,
    Sql,
    Mode,
    Fetch,
}

/// By the end of its name. The first that fits is taken.
const CALLS: &[(&str, Does)] = &[
    ("os.system", Does::Shell),
    ("os.popen", Does::Shell),
    ("os.exec", Does::Shell),
    ("os.execl", Does::Shell),
    ("os.execlp", Does::Shell),
    ("os.execv", Does::Shell),
    ("os.execvp", Does::Shell),
    ("os.execve", Does::Shell),
    ("os.spawnl", Does::Shell),
    ("os.spawnlp", Does::Shell),
    ("os.spawnv", Does::Shell),
    ("os.spawnvp", Does::Shell),
    ("os.posix_spawn", Does::Shell),
    ("subprocess.run", Does::Shell),
    ("subprocess.call", Does::Shell),
    ("subprocess.popen", Does::Shell),
    ("subprocess.check_call", Does::Shell),
    ("subprocess.check_output", Does::Shell),
    ("subprocess.getoutput", Does::Shell),
    ("subprocess.getstatusoutput", Does::Shell),
    ("commands.getoutput", Does::Shell),
    ("pty.spawn", Does::Shell),
    ("popen", Does::Shell),
    ("check_call", Does::Shell),
    ("check_output", Does::Shell),
    ("getoutput", Does::Shell),
    ("execsync", Does::Shell),
    ("execfilesync", Does::Shell),
    ("execfile", Does::Shell),
    ("spawnsync", Does::Shell),
    ("spawn", Does::Shell),
    ("system", Does::Shell),
    ("shell_exec", Does::Shell),
    ("passthru", Does::Shell),
    ("proc_open", Does::Shell),
    ("shelljs.exec", Does::Shell),
    ("io.popen", Does::Shell),
    ("os.execute", Does::Shell),
    ("open3.capture2", Does::Shell),
    ("open3.capture3", Does::Shell),
    ("popen2", Does::Shell),
    ("script", Does::Shell),
    ("execa", Does::Shell),
    ("create_subprocess_shell", Does::Shell),
    ("create_subprocess_exec", Does::Shell),
    ("shutil.rmtree", Does::Delete { recursive: true }),
    ("rmtree", Does::Delete { recursive: true }),
    ("remove_tree", Does::Delete { recursive: true }),
    ("rm_rf", Does::Delete { recursive: true }),
    ("rm_r", Does::Delete { recursive: true }),
    ("remove_dir", Does::Delete { recursive: true }),
    ("remove_entry_secure", Does::Delete { recursive: true }),
    ("rimraf", Does::Delete { recursive: true }),
    ("rimrafsync", Does::Delete { recursive: true }),
    ("rimraf.sync", Does::Delete { recursive: true }),
    ("removesync", Does::Delete { recursive: true }),
    ("emptydirsync", Does::Delete { recursive: true }),
    ("fs.remove", Does::Delete { recursive: true }),
    ("rmsync", Does::Delete { recursive: false }),
    ("fs.rm", Does::Delete { recursive: false }),
    ("promises.rm", Does::Delete { recursive: false }),
    ("rmdirsync", Does::Delete { recursive: false }),
    ("fs.rmdir", Does::Delete { recursive: false }),
    ("unlinksync", Does::Delete { recursive: false }),
    ("os.remove", Does::Delete { recursive: false }),
    ("os.unlink", Does::Delete { recursive: false }),
    ("os.rmdir", Does::Delete { recursive: false }),
    ("os.removedirs", Does::Delete { recursive: false }),
    ("unlink", Does::Delete { recursive: false }),
    ("rmdir", Does::Delete { recursive: false }),
    ("file.delete", Does::Delete { recursive: false }),
    ("rm_f", Does::Delete { recursive: false }),
    ("writefilesync", Does::Write),
    ("writefile", Does::Write),
    ("file.write", Does::Write),
    ("file_put_contents", Does::Write),
    ("truncatesync", Does::Write),
    ("os.truncate", Does::Write),
    ("write_text", Does::Write),
    ("createwritestream", Does::Write),
    ("shutil.move", Does::Move),
    ("os.rename", Does::Move),
    ("os.replace", Does::Move),
    ("renamesync", Does::Move),
    ("rename", Does::Move),
    ("fileutils.mv", Does::Move),
    ("open", Does::Open),
    ("fopen", Does::Open),
    ("file.open", Does::Open),
    ("opensync", Does::Open),
    ("os.kill", Does::Kill),
    ("process.kill", Does::Kill),
    ("os.killpg", Does::Kill),
    ("os.chmod", Does::Mode),
    ("chmodsync", Does::Mode),
    ("fs.chmod", Does::Mode),
    ("chmod", Does::Mode),
    ("execute", Does::Sql),
    ("executescript", Does::Sql),
    ("executemany", Does::Sql),
    ("$executeraw", Does::Sql),
    ("$executerawunsafe", Does::Sql),
    ("query", Does::Sql),
    ("queryraw", Does::Sql),
    ("do", Does::Sql),
    ("eval", Does::Eval),
    ("exec", Does::Eval),
    ("compile", Does::Eval),
    ("function", Does::Eval),
    ("instance_eval", Does::Eval),
    ("runinnewcontext", Does::Eval),
    ("runinthiscontext", Does::Eval),
    ("urlopen", Does::Fetch),
    ("requests.get", Does::Fetch),
    ("requests.post", Does::Fetch),
    ("fetch", Does::Fetch),
    ("urlretrieve", Does::Fetch),
    ("https.get", Does::Fetch),
    ("http.get", Does::Fetch),
    ("file_get_contents", Does::Fetch),
    ("axios.get", Does::Fetch),
    ("uri.open", Does::Fetch),
    ("net::http.get", Does::Fetch),
    ("httpx.get", Does::Fetch),
];

/// Those that are called without parentheses, in some languages.
const BARE: &[&str] = &[
    "system",
    "exec",
    "unlink",
    "rmtree",
    "rmdir",
    "eval",
    "remove_tree",
    "script",
    "print",
    "rm_rf",
    "fileutils.rm_rf",
];

/// The most calls that are looked at in one piece of code.
const MOST: usize = 256;

/// Code that reads what comes in: as `perl -ne`.
pub(super) fn run(
    shell: &mut Shell<'_>,
    state: &mut State,
    language: &str,
    code: &str,
    stdin: &Data,
) {
    let reads = ["sys.stdin.read", "STDIN", "stdin", "readFileSync(0"]
        .iter()
        .any(|word| code.contains(word));
    let runs = ["exec(", "eval(", "system(", "os.system"]
        .iter()
        .any(|word| code.contains(word));
    if reads && runs && stdin.is_any() {
        super::interpreters::script(shell, state, language, stdin.clone(), &[]);
    }
    scan(shell, state, language, code);
}

/// What the calls in it do.
pub(super) fn scan(shell: &mut Shell<'_>, state: &mut State, language: &str, code: &str) {
    super::hosts::code(shell, state, code);
    let is_remote = [
        "urlopen",
        "requests.get",
        "fetch(",
        "https.get",
        "http.get",
        "Net::HTTP",
        "URI.open",
        "LWP::",
        "file_get_contents('http",
        "file_get_contents(\"http",
        "httpx.get",
        "urllib",
    ]
    .iter()
    .any(|word| code.contains(word));
    let evaluates = [
        "exec(",
        "eval(",
        "new Function",
        "compile(",
        "os.system(",
        "eval ",
        "exec ",
    ]
    .iter()
    .any(|word| code.contains(word));
    if is_remote && evaluates {
        let from = url_in(code).unwrap_or_else(|| "?".to_owned());
        return shell.act(Act::RunRemote { from });
    }
    let forks = [
        "os.fork(",
        "fork()",
        "fork while",
        "fork;",
        "pcntl_fork",
        "Process.fork",
        "cluster.fork",
    ]
    .iter()
    .any(|word| code.contains(word));
    let loops = [
        "while True",
        "while 1",
        "while(1)",
        "while (1)",
        "while(true)",
        "while (true)",
        "for(;;)",
        "loop",
        "fork while",
        "while:",
    ]
    .iter()
    .any(|word| code.contains(word));
    if forks && loops {
        shell.act(Act::Exhaust {
            what: Exhaust::Processes,
        });
    }
    let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
    if has(&["socket", "Socket", "fsockopen"])
        && has(&[
            "dup2(",
            "pty.spawn",
            "/bin/sh",
            "/bin/bash",
            "sh -i",
            "open(STDIN",
        ])
    {
        super::builtins::backdoor(shell, language);
    }
    if matches!(language, "expect" | "tclsh") {
        for line in code.split([';', '\n']) {
            let line = line.trim();
            if let Some(code) = line
                .strip_prefix("spawn ")
                .or_else(|| line.strip_prefix("exec "))
            {
                shell.text(state, code, Data::default());
            }
        }
    }
    let mut reader = Code {
        constants: HashMap::new(),
    };
    reader.assignments(code);
    // `%x(…)`, backquotes and `qx`: a shell's text among the code.
    if matches!(language, "ruby" | "perl" | "php" | "rscript" | "julia") {
        for open in ["`", "%x(", "%x{", "%x[", "qx(", "qx{", "qx/", "qx`"] {
            let close = match open.chars().last() {
                Some('(') => ')',
                Some('{') => '}',
                Some('[') => ']',
                Some(c) => c,
                None => continue,
            };
            for inner in code
                .split(open)
                .skip(1)
                .step_by(if open == "`" { 2 } else { 1 })
                .take(8)
            {
                let inner = inner.split(close).next().unwrap_or_default();
                shell.text(state, inner, Data::default());
            }
        }
    }
    if language == "awk" {
        for piece in code.split("\" | getline").chain(code.split("\"|getline")) {
            if let (true, Some((_, command))) = (piece.len() < code.len(), piece.rsplit_once('"')) {
                shell.text(state, command, Data::default());
            }
        }
        for piece in code.split('|').skip(1) {
            if let Some(text) = literal(piece.trim()).map(|(text, _)| text) {
                let is_shell = super::interpreters::SHELLS.contains(&text.trim());
                if let Some(code) =
                    printed(code.split('|').next().unwrap_or_default(), "awk").filter(|_| is_shell)
                {
                    shell.text(state, &code, Data::default());
                    continue;
                }
                shell.text(state, &text, Data::default());
            }
        }
    }
    let aliases = aliases(code);
    let mut count = 0;
    let bytes = code.as_bytes();
    let is_name =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'$');
    let mut at = 0;
    while at < bytes.len() && count < MOST {
        let Some(start) = bytes
            .iter()
            .skip(at)
            .position(|byte| is_name(*byte))
            .map(|skip| at + skip)
        else {
            break;
        };
        let length = bytes
            .iter()
            .skip(start)
            .take_while(|byte| is_name(**byte))
            .count();
        at = start + length;
        let name = code.get(start..at).unwrap_or_default().to_lowercase();
        let rest = code.get(at..).unwrap_or_default();
        let after = rest.trim_start_matches(' ');
        let args = match after.strip_prefix('(') {
            Some(inner) => arguments(inner),
            None if BARE.contains(&name.trim_start_matches("kernel."))
                && after.starts_with(['"', '\''])
                && after.len() < rest.len() =>
            {
                after.split([';', '\n']).next().unwrap_or(after)
            }
            None if name == "script" && after.starts_with('"') => after,
            None => {
                // `Path.home().rmtree` and the like have their object before them.
                continue;
            }
        };
        let name = name
            .trim_start_matches("kernel.")
            .trim_start_matches("process.mainmodule.");
        let aliased = aliases.get(name).map(String::as_str);
        let attribute = (name == "getattr")
            .then(|| parts(args, ',').get(1).and_then(|name| literal(name)))
            .flatten();
        let (name, args) = match &attribute {
            // The call stands behind it.
            Some((attribute, _)) => {
                let behind = after.get(1 + args.len()..).unwrap_or_default();
                (
                    attribute.as_str(),
                    behind.strip_prefix(")(").map_or("", arguments),
                )
            }
            None => (aliased.unwrap_or(name), args),
        };
        let call = CALLS.iter().find(|(known, _)| is_end_of(name, known));
        let Some((_, does)) = call else { continue };
        // Names of JavaScript that mean a shell there, and code elsewhere.
        let does = match (language, does) {
            ("node" | "nodejs" | "bun" | "deno", Does::Eval)
                if is_end_of(name, "exec") && name != "eval" =>
            {
                Does::Shell
            }
            ("perl" | "ruby" | "php" | "lua" | "osascript", Does::Eval)
                if name.ends_with("exec") =>
            {
                Does::Shell
            }
            ("python" | "pypy" | "ipython", Does::Eval) if name == "re.compile" => continue,
            (_, does) => *does,
        };
        count += 1;
        let receiver = code.get(..start).unwrap_or_default();
        reader.call(shell, state, language, does, args, receiver);
    }
    objects(&reader, shell, state, code);
}

/// `Path("x").unlink()`: what is done to an object that is made just before.
fn objects(reader: &Code, shell: &mut Shell<'_>, state: &State, code: &str) {
    for (end, recursive) in [
        (").unlink(", false),
        (").rmdir(", false),
        (").rmtree(", true),
    ] {
        for (at, _) in code.match_indices(end).take(16) {
            let before = code.get(..at).unwrap_or_default();
            let Some(start) = before.rfind("Path(") else {
                continue;
            };
            if let Some(path) = before
                .get(start..)
                .map(|text| format!("{text})"))
                .and_then(|text| reader.value(&text))
            {
                let path = shell.path(state, &path);
                shell.act(Act::Delete { path, recursive });
            }
        }
    }
}

/// `import os as o`, `from os import system as s`: by their new names, in lower case.
fn aliases(code: &str) -> HashMap<String, String> {
    let mut aliases = HashMap::new();
    for (at, _) in code.match_indices(" as ").take(32) {
        let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let before = code.get(..at).unwrap_or_default();
        let name = before.rsplit(|c| !is_name(c)).next().unwrap_or_default();
        let alias = code
            .get(at + 4..)
            .unwrap_or_default()
            .split(|c| !is_name(c))
            .next()
            .unwrap_or_default();
        aliases.insert(alias.to_lowercase(), name.to_lowercase());
    }
    aliases
}

fn is_end_of(name: &str, known: &str) -> bool {
    name.strip_suffix(known)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with(['.', ':', '$']))
}

/// Up to the parenthesis that closes them.
fn arguments(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (at, c) in text.char_indices().take(4000) {
        match (quote, c) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') if depth > 0 => depth -= 1,
            (None, ')') => return text.get(..at).unwrap_or_default(),
            _ => {}
        }
    }
    let end = text.floor_char_boundary(4000);
    text.get(..end).unwrap_or_default()
}

/// Arguments or sums, at the outermost level.
fn parts(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start, mut escaped) = (0_usize, 0, false);
    let mut quote: Option<char> = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, c) if c == separator && depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default().trim());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default().trim());
    parts
}

/// A text in quotes at the start, and what follows.
fn literal(text: &str) -> Option<(String, &str)> {
    let bare = text.trim_start_matches(['r', 'b', 'f', 'u', 'R', 'B', 'F', 'q']);
    let prefix = text.get(..text.len() - bare.len())?;
    let open = bare
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let triple: String = std::iter::repeat_n(open, 3).collect();
    if let Some(inside) = bare.strip_prefix(&triple) {
        let (inside, rest) = inside.split_once(&triple)?;
        return Some((inside.to_owned(), rest));
    }
    let inside = bare.get(1..)?;
    let mut escaped = false;
    let end = inside.char_indices().find(|(_, c)| {
        let is_end = *c == open && !escaped;
        escaped = *c == '\\' && !escaped;
        is_end
    });
    let (end, _) = end?;
    let text = inside.get(..end)?;
    let text = if prefix.contains(['r', 'R']) {
        text.to_owned()
    } else {
        unescaped(text)
    };
    Some((text, inside.get(end + 1..)?))
}

/// Constants of the code.
struct Code {
    constants: HashMap<String, String>,
}

impl Code {
    fn assignments(&mut self, code: &str) {
        for statement in code.split([';', '\n']).take(MOST) {
            let Some((name, value)) = statement.split_once('=') else {
                continue;
            };
            let name = name
                .trim()
                .rsplit([' ', '\t'])
                .next()
                .unwrap_or_default()
                .trim_start_matches('$');
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            if let (true, Some(value)) = (is_name, self.value(value.trim())) {
                self.constants.insert(name.to_owned(), value);
            }
        }
    }

    /// What an expression is, if that can be told.
    fn value(&self, text: &str) -> Option<String> {
        self.value_within(text, 8)
    }

    fn value_within(&self, text: &str, depth: usize) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let text = text.trim();
        let value = |text: &str| self.value_within(text, depth);
        // Sums: `a + b`, `a . b` of Perl and PHP, `Path(a) / b`.
        for separator in ['+', '/', '.'] {
            let terms = parts(text, separator);
            if let (true, [first, rest @ ..]) = (terms.len() > 1, terms.as_slice()) {
                let is_join = separator == '/';
                if separator == '.' && !terms.iter().all(|term| term.starts_with(['"', '\'', '$']))
                {
                    continue;
                }
                let mut all = value(first)?;
                for term in rest {
                    if is_join {
                        all.push('/');
                    }
                    all.push_str(&value(term).unwrap_or_else(|| mark::UNKNOWN.to_string()));
                }
                return Some(all);
            }
        }
        if let Some((text, rest)) = literal(text) {
            let rest = rest.trim();
            return match rest {
                "" => Some(text),
                "[::-1]" => Some(text.chars().rev().collect()),
                rest if rest.starts_with(".join(") => {
                    let inner = arguments(rest.get(6..)?)
                        .trim()
                        .trim_start_matches(['[', '('])
                        .trim_end_matches([']', ')']);
                    let items: Option<Vec<_>> = parts(inner, ',').into_iter().map(value).collect();
                    Some(items?.join(&text))
                }
                rest if rest.starts_with(".split(") => Some(text),
                _ if rest.starts_with(".format") || rest.starts_with('%') => Some(text),
                _ if rest.starts_with(".encode")
                    || rest.starts_with(".decode")
                    || rest.starts_with(".to") =>
                {
                    Some(text)
                }
                _ => None,
            };
        }
        if let Some(number) = text
            .strip_prefix("chr(")
            .or_else(|| text.strip_prefix("String.fromCharCode("))
        {
            let codes = arguments(number)
                .split(',')
                .map(|code| code.trim().parse::<u32>().ok().and_then(char::from_u32));
            return codes.collect();
        }
        let call = text.split_once('(');
        if let Some((name, inner)) = call {
            let inner = arguments(inner);
            let name = name.trim();
            return match name {
                name if name.ends_with("expanduser")
                    || name.ends_with("Path")
                    || name.ends_with("str")
                    || name.ends_with("abspath")
                    || name.ends_with("realpath")
                    || name.ends_with("String")
                    || name.ends_with("glob")
                    || name.ends_with("quote")
                    || name.ends_with("expand_path")
                    || name.ends_with("expandvars") =>
                {
                    value(parts(inner, ',').first()?)
                }
                name if name.ends_with("home") || name.ends_with("homedir") => Some("~".to_owned()),
                name if name.ends_with("getcwd")
                    || name.ends_with("cwd")
                    || name.ends_with("pwd") =>
                {
                    Some(".".to_owned())
                }
                name if name.ends_with("join") || name.ends_with("resolve") => {
                    let items: Vec<_> = parts(inner, ',')
                        .into_iter()
                        .map(|part| value(part).unwrap_or_else(|| mark::UNKNOWN.to_string()))
                        .collect();
                    Some(items.join("/"))
                }
                name if name.ends_with("b64decode")
                    || name.ends_with("atob")
                    || name.ends_with("base64_decode")
                    || name.ends_with("decode64")
                    || name.ends_with("decode_base64")
                    || name.ends_with("Buffer.from") =>
                {
                    let args = parts(inner, ',');
                    let text = value(args.first()?)?;
                    if args.get(1).is_some_and(|kind| kind.contains("hex")) {
                        return unhex(&text);
                    }
                    String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()
                }
                name if name.ends_with("fromhex")
                    || name.ends_with("unhexlify")
                    || name.ends_with("hex2bin") =>
                {
                    unhex(&value(inner)?)
                }
                name if name.ends_with("getenv") || name.ends_with("environ.get") => {
                    environment(inner.trim_matches(['"', '\'']))
                }
                name if name.ends_with("bytes") => inner
                    .trim_matches(['[', ']'])
                    .split(',')
                    .map(|code| code.trim().parse::<u32>().ok().and_then(char::from_u32))
                    .collect(),
                name if name.ends_with("mkdtemp")
                    || name.ends_with("mktemp")
                    || name.ends_with("tmpdir")
                    || name.ends_with("gettempdir") =>
                {
                    Some("/tmp/x".to_owned())
                }
                _ => None,
            };
        }
        if let Some(rest) = text
            .strip_prefix("os.environ[")
            .or_else(|| text.strip_prefix("ENV["))
            .or_else(|| text.strip_prefix("$ENV{"))
        {
            return environment(rest.trim_end_matches([']', '}']).trim_matches(['"', '\'']));
        }
        if let Some(name) = text.strip_prefix("process.env.") {
            return environment(name);
        }
        self.constants.get(text.trim_start_matches('$')).cloned()
    }

    fn call(
        &self,
        shell: &mut Shell<'_>,
        state: &mut State,
        language: &str,
        does: Does,
        args: &str,
        receiver: &str,
    ) {
        let args = parts(args, ',');
        let first = args.first().copied().unwrap_or_default();
        let value = self.value(first);
        match does {
            Does::Shell => {
                if let Some(words) = list(first) {
                    let argv: Vec<String> = words
                        .into_iter()
                        .map(|word| {
                            self.value(word)
                                .unwrap_or_else(|| mark::UNKNOWN.to_string())
                        })
                        .collect();
                    shell.invoke(state, argv, Data::default());
                } else if let Some(code) = value {
                    // `system "rm", "-rf", "/"` and `execlp("rm", "rm", …)`.
                    let mut argv = vec![code.clone()];
                    for word in args.iter().skip(1) {
                        match list(word) {
                            Some(words) => {
                                argv.extend(words.into_iter().filter_map(|word| self.value(word)))
                            }
                            None => argv.extend(literal(word).map(|(text, _)| text)),
                        }
                    }
                    if argv.len() > 1 && !code.contains(char::is_whitespace) {
                        if argv.get(1) == argv.first() {
                            argv.remove(1);
                        }
                        shell.invoke(state, argv, Data::default());
                    } else {
                        shell.text(state, &super::mark_code(&code), Data::default());
                    }
                }
            }
            Does::Delete { recursive } => {
                let recursive = recursive
                    || args
                        .iter()
                        .any(|arg| arg.contains("recursive") && arg.contains("true"));
                let paths = list(first).unwrap_or_else(|| vec![first]);
                for path in paths {
                    let text = path.to_owned();
                    if let Some(path) = self
                        .value(path)
                        .or_else(|| (language == "perl").then(|| glob(&text))?)
                    {
                        let path = path.replace('*', &mark::STAR.to_string());
                        let path = shell.path(state, &path);
                        shell.act(Act::Delete { path, recursive });
                    }
                }
            }
            Does::Write => {
                if let Some(path) = self.receiver(receiver).or(value) {
                    let path = shell.path(state, &path);
                    shell.act(Act::Write {
                        path,
                        how: Write::Replace,
                    });
                }
            }
            Does::Open => {
                let mode = args
                    .iter()
                    .skip(1)
                    .find_map(|arg| literal(arg.trim_start_matches("mode=")).map(|(mode, _)| mode));
                let is_read = mode
                    .as_deref()
                    .is_none_or(|mode| mode.starts_with(['r', '<']) && !mode.contains('+'));
                if let Some(path) = value.as_deref().filter(|_| is_read) {
                    let path = shell.path(state, path);
                    if super::is_secret(&path) {
                        shell.act(Act::Read { path });
                    }
                }
                if let (Some(path), Some(mode)) = (value, mode) {
                    let written = args
                        .iter()
                        .skip(2)
                        .find_map(|arg| literal(arg).map(|(text, _)| text));
                    // Perl: `open(F, ">", "/etc/passwd")`.
                    let path = if mode.starts_with('>') {
                        written.unwrap_or(path)
                    } else {
                        path
                    };
                    if mode.contains(['w', '>', 'a', '+']) {
                        let append = mode.contains('a') || mode.contains(">>");
                        let path = shell.path(state, &path);
                        shell.act(Act::Write {
                            path,
                            how: if append {
                                Write::Append
                            } else {
                                Write::Replace
                            },
                        });
                    }
                }
            }
            Does::Move => {
                if let (Some(from), Some(to)) = (value, args.get(1).and_then(|to| self.value(to))) {
                    let (from, to) = (shell.path(state, &from), shell.path(state, &to));
                    shell.act(Act::Move { from, to });
                }
            }
            Does::Kill => {
                let what = if first.trim() == "-1" {
                    Process::KillAll
                } else {
                    Process::Kill
                };
                shell.act(Act::Process {
                    what,
                    target: first.to_owned(),
                });
            }
            Does::Mode => {
                let (path, mode) = (value, args.get(1).copied().unwrap_or_default());
                let pair = match path {
                    Some(path) => Some((path, mode.to_owned())),
                    None => self.value(mode).map(|path| (path, first.to_owned())),
                };
                if let Some((path, mode)) = pair {
                    let mode = mode
                        .trim_start_matches("0o")
                        .trim_start_matches('0')
                        .to_owned();
                    shell.invoke(state, vec!["chmod".to_owned(), mode, path], Data::default());
                }
            }
            Does::Sql => {
                if let Some(text) = value {
                    database::statements(shell, &text);
                }
            }
            Does::Fetch => {
                let host = value.as_deref().and_then(super::host);
                if host.is_some() {
                    shell.act(Act::Net {
                        host,
                        sends: Sends::Nothing,
                    });
                }
            }
            Does::Eval => match value {
                Some(code) if language == "php" || language == "perl" || !code.is_empty() => {
                    scan(shell, state, language, &code)
                }
                _ if first.contains("decode")
                    || first.contains("fromhex")
                    || first.contains("decompress") =>
                {
                    shell.opaque(Opaque::UnknownCode)
                }
                _ => {}
            },
        }
    }

    /// What a call is made of: `Path("x").write_text(…)`.
    fn receiver(&self, before: &str) -> Option<String> {
        let start = before.rfind("Path(")?;
        self.value(before.get(start..)?.trim_end_matches('.'))
    }
}

/// The items of a list.
fn list(text: &str) -> Option<Vec<&str>> {
    let text = text.trim();
    let inner = text
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .or_else(|| text.strip_prefix('(')?.strip_suffix(')'))?;
    Some(
        parts(inner, ',')
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect(),
    )
}

/// `</etc/*>` of Perl.
fn glob(text: &str) -> Option<String> {
    Some(text.strip_prefix('<')?.strip_suffix('>')?.to_owned())
}

fn environment(name: &str) -> Option<String> {
    matches!(name, "HOME" | "USERPROFILE").then(|| "~".to_owned())
}

fn unhex(text: &str) -> Option<String> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|c| c.to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    String::from_utf8(
        digits
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect(),
    )
    .ok()
}

/// The host of the first URL in the code.
fn url_in(code: &str) -> Option<String> {
    let at = code.find("http")?;
    super::host(code.get(at..)?.split(['"', '\'', ')', ' ']).next()?)
}

/// What code writes that does nothing but write a constant.
pub(super) fn printed(code: &str, language: &str) -> Option<String> {
    let reader = Code {
        constants: HashMap::new(),
    };
    for call in [
        "print(",
        "console.log(",
        "process.stdout.write(",
        "puts(",
        "echo(",
        "printf(",
    ] {
        if let Some((_, rest)) = code.split_once(call) {
            return reader.value(arguments(rest));
        }
    }
    let bare = ["print ", "puts ", "echo ", "say "]
        .iter()
        .find_map(|word| code.split_once(word))?;
    let text = bare.1.split([';', '}']).next()?;
    let terms: Vec<_> = if language == "awk" {
        text.split(' ').collect()
    } else {
        vec![text]
    };
    let terms: Option<Vec<_>> = terms
        .into_iter()
        .filter(|term| !term.is_empty())
        .map(|term| reader.value(term))
        .collect();
    terms.map(|terms| terms.concat())
}
