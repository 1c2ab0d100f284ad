//! Programs that write what they read, or what they are told.

use super::{Args, Command, encodings, formats::printf, readers};
use crate::policy::effects::{
    Act, Exhaust, Write, mark,
    shell::{Data, Shell, State, unescaped, unescaped_bytes},
};

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let words = command.words;
    let args = command.args(&["d", "n", "c", "f", "w", "e", "s", "l", "p"]);
    let data = match command.name {
        "echo" => echo(shell, words),
        "printf" => {
            let words = words.strip_prefix(&["--".to_owned()]).unwrap_or(words);
            match words {
                [option, name, rest @ ..] if option == "-v" => {
                    let text = printf(rest);
                    shell.assigned(state, name, vec![text]);
                    Data::text("")
                }
                // Without a place to fill in, its bytes are known.
                [format] | [format, _] if is_binary(words) => {
                    let bytes = words.get(1).unwrap_or(format);
                    Data::hidden().with_bytes(Some(unescaped_bytes(bytes)))
                }
                words => shell.data_of(printf(words)),
            }
        }
        "cat" | "tac" | "head" | "tail" | "less" | "more" | "nl" | "bat" | "strings" | "zcat"
        | "gunzip" | "gzip" | "bzcat" | "xz" | "xzcat" | "sort" | "uniq" | "cut" | "grep"
        | "egrep" | "fgrep" | "rg" | "jq" | "yq" | "column" | "fold" | "wc" | "diff" | "ag" => {
            return Some(readers::run(shell, state, command));
        }
        "tee" => {
            let append = Args::of(words, &[]).has(&["a", "append"]);
            for file in Args::of(words, &[]).operands {
                shell.write_file(state, file, append, &command.stdin);
            }
            command.stdin.clone()
        }
        "base64" | "gbase64" | "base32" | "basenc" | "openssl" | "uudecode" => {
            if command.name == "openssl"
                && !words
                    .iter()
                    .any(|word| matches!(word.as_str(), "enc" | "base64"))
            {
                return None;
            }
            encodings::bases(shell, state, command)
        }
        "xxd" | "od" | "hexdump" => encodings::hex(shell, state, command),
        "rev" => {
            let reverse = |text: &str| {
                text.lines()
                    .map(|line| line.chars().rev().chain(['\n']).collect::<String>())
                    .collect::<String>()
            };
            command
                .stdin
                .with_text(command.stdin.text.as_deref().map(reverse))
        }
        "tr" => {
            let text = command
                .stdin
                .text
                .as_deref()
                .and_then(|text| tr(text, words));
            command.stdin.with_text(text)
        }
        "rot13" | "caesar" => {
            let text = command
                .stdin
                .text
                .as_deref()
                .map(|text| text.chars().map(rot13).collect());
            command.stdin.with_text(text)
        }
        "basename" => {
            let name = args
                .first()
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or_default();
            Data::text(
                name.strip_suffix(args.nth(1))
                    .filter(|name| !name.is_empty())
                    .unwrap_or(name),
            )
        }
        "dirname" => {
            let path = args.first().trim_end_matches('/');
            Data::text(path.rsplit_once('/').map_or(".", |(folder, _)| {
                if folder.is_empty() { "/" } else { folder }
            }))
        }
        "realpath" | "readlink" => {
            Data::text(shell.path(state, Args::of(words, &[]).first()).resolved)
        }
        "expr" => match shell.number(state, &words.join(" ")) {
            Some(number) => Data::text(number.to_string()),
            None => return None,
        },
        "bc" => match calculated(
            shell,
            state,
            command.stdin.text.as_deref().unwrap_or_default(),
        ) {
            Some(text) => Data::text(text),
            None => return None,
        },
        "which" | "command-v" => Data::text(format!("/usr/bin/{}", args.first())),
        "mktemp" => temporary(shell, state, words),
        "yes" => Data {
            text: Some(words.first().cloned().unwrap_or_else(|| "y".to_owned())),
            is_endless: true,
            ..Data::default()
        },
        "seq" => sequence(words),
        // As much as there is.
        "df" => {
            super::executes(shell, command.name, words);
            Data::text("99999999999999\n")
        }
        "gcc" | "clang" | "cc" | "g++" | "clang++"
            if words.iter().any(|word| word.starts_with("-print-")) =>
        {
            let name = words.iter().find_map(|word| {
                let option = word.strip_prefix("-print-")?;
                option.split_once('=').map(|(_, name)| name)
            });
            Data::text(format!("/usr/lib/{}\n", name.unwrap_or_default()))
        }
        "stat" | "du" => {
            super::executes(shell, command.name, words);
            Data::text(mark::SOME.to_string())
        }
        "split" | "csplit" => {
            let args = command.args(&["b", "l", "n", "a", "C", "bytes", "lines", "number"]);
            let file = args.first();
            let data = match file.is_empty() || super::is_stdin(file) {
                true => command.stdin.clone(),
                false => shell.read_file(state, file),
            };
            if data.is_endless {
                shell.act(Act::Exhaust {
                    what: Exhaust::Disk,
                });
            }
            let prefix = match args.nth(1) {
                "" => "x",
                prefix => prefix,
            };
            shell.write_file(state, &format!("{prefix}aa"), false, &data);
            Data::default()
        }
        "sponge" => {
            let args = Args::of(words, &[]);
            for file in &args.operands {
                shell.write_file(state, file, args.has(&["a"]), &command.stdin);
            }
            match args.operands.is_empty() {
                true => command.stdin.clone(),
                false => Data::default(),
            }
        }
        "whoami" | "hostname" | "id" | "logname" | "users" | "dnsdomainname" => {
            Data::text(mark::HERE.to_string())
        }
        // Which system it is says nothing of the machine.
        "uname" if args.has(&["a", "all", "n", "nodename"]) => Data::text(mark::HERE.to_string()),
        "date" | "uname" | "nproc" | "arch" | "uuidgen" => Data::text(mark::SOME.to_string()),
        "printenv" if words.len() == 1 => Data::text(state.variable(args.first())),
        "env" | "printenv" if words.is_empty() || command.name == "printenv" => Data {
            is_secret: words.is_empty(),
            ..Data::hidden()
        },
        "ls" | "dir" | "tree" => {
            // The names in a folder; of what is named with stars, what is named.
            let named = Args::of(words, &["I", "w", "T", "L"]).operands;
            let named = named
                .into_iter()
                .filter(|name| name.contains(mark::is_glob));
            let named: Vec<_> = named.collect();
            Data::text(match named.is_empty() {
                true => mark::STAR.to_string(),
                false => named.join("\n"),
            })
        }
        _ => return None,
    };
    Some(data)
}

/// Whether what `printf` writes is known, and no text.
fn is_binary(words: &[String]) -> bool {
    let text = match words {
        [text] if !text.contains('%') => text,
        [format, text] if format == "%b" => text,
        _ => return false,
    };
    text.contains('\\')
        && !text.contains(mark::is_unknown)
        && std::str::from_utf8(&unescaped_bytes(text)).is_err()
}

fn echo(shell: &Shell<'_>, words: &[String]) -> Data {
    let is_option = |word: &&String| {
        word.len() > 1
            && word.starts_with('-')
            && word.chars().skip(1).all(|c| matches!(c, 'n' | 'e' | 'E'))
    };
    let options = words.iter().take_while(is_option).count();
    let (options, words) = words.split_at_checked(options).unwrap_or_default();
    let mut text = super::mark_code(&words.join(" "));
    // Some shells read escapes without being asked to.
    if options.iter().any(|option| option.contains('e'))
        || ["\\x", "\\0", "\\1"]
            .iter()
            .any(|escape| text.contains(escape))
    {
        if is_binary(std::slice::from_ref(&text)) {
            return Data::hidden().with_bytes(Some(unescaped_bytes(&text)));
        }
        text = unescaped(&text);
    }
    if !options.iter().any(|option| option.contains('n')) {
        text.push('\n');
    }
    shell.data_of(text)
}

/// A file that is made for a while, somewhere or where it is said.
fn temporary(shell: &mut Shell<'_>, state: &State, words: &[String]) -> Data {
    let args = Args::of(words, &["p", "tmpdir", "suffix"]);
    let template = args.first();
    let number = match shell.temporary {
        0 => String::new(),
        number => number.to_string(),
    };
    shell.temporary += 1;
    let name = match template.trim_end_matches('X') {
        "" => format!("tmp.x{number}"),
        name => format!("{name}x{number}"),
    };
    let suffix = args.value(&["suffix"]).unwrap_or_default();
    let folder = args.value(&["p", "tmpdir"]);
    let is_there = folder.is_some() || template.is_empty() || args.has(&["t", "tmpdir"]);
    let path = match (is_there, folder.unwrap_or("/tmp")) {
        (true, folder) => format!("{}/{name}{suffix}", folder.trim_end_matches('/')),
        (false, _) => format!("{name}{suffix}"),
    };
    let is_asked = args.has(&["u", "dry-run"]);
    if !is_asked {
        let path = shell.path(state, &path);
        shell.act(Act::Write {
            path,
            how: Write::Append,
        });
    }
    Data::text(path)
}

/// Numbers, one on each line.
fn sequence(words: &[String]) -> Data {
    let args: Vec<&String> = words
        .iter()
        .filter(|word| word.parse::<f64>().is_ok() || !word.starts_with('-'))
        .collect();
    let number = |word: &String| word.parse::<i64>().ok();
    let is_endless = args
        .last()
        .is_some_and(|last| last.starts_with("inf") || last.len() > 9);
    let (from, step, to) = match args.as_slice() {
        [to] => (Some(1), Some(1), number(to)),
        [from, to] => (number(from), Some(1), number(to)),
        [from, step, to] => (number(from), number(step), number(to)),
        _ => return Data::hidden(),
    };
    let text = from.zip(step).zip(to.or(is_endless.then_some(16)));
    let text = text
        .filter(|((_, step), _)| *step != 0)
        .map(|((from, step), to)| {
            let numbers = std::iter::successors(Some(from), |number| number.checked_add(step));
            numbers
                .take(16)
                .take_while(|number| {
                    if step > 0 {
                        *number <= to
                    } else {
                        *number >= to
                    }
                })
                .map(|number| format!("{number}\n"))
                .collect()
        });
    Data {
        is_endless,
        is_hidden: text.is_none(),
        text,
        ..Data::default()
    }
}

fn rot13(c: char) -> char {
    let turned =
        |c: char, from: u8| u8::try_from(c).map_or(c, |c| char::from((c - from + 13) % 26 + from));
    match c {
        'a'..='z' => turned(c, b'a'),
        'A'..='Z' => turned(c, b'A'),
        c => c,
    }
}

fn tr(text: &str, words: &[String]) -> Option<String> {
    let args = Args::of(words, &[]);
    let sets: Vec<Vec<char>> = args
        .operands
        .iter()
        .map(|set| set_of(&super::mark_code(set)))
        .collect();
    let is_complement = args.has(&["c", "C", "complement"]);
    if args.has(&["d", "delete"]) {
        let gone = sets.first()?;
        let kept = |c: &char| gone.contains(c) == is_complement || mark::is_unknown(*c);
        return Some(text.chars().filter(kept).collect());
    }
    if is_complement {
        return None;
    }
    let [from, to] = sets.as_slice() else {
        return Some(text.to_owned());
    };
    let last = *to.last()?;
    let turned = |c: char| match from.iter().position(|from| *from == c) {
        Some(at) => to.get(at).copied().unwrap_or(last),
        None => c,
    };
    Some(text.chars().map(turned).collect())
}

fn set_of(text: &str) -> Vec<char> {
    let text = match text {
        "[:upper:]" => "A-Z",
        "[:lower:]" => "a-z",
        "[:space:]" => " \t\n",
        "[:digit:]" => "0-9",
        "[:alpha:]" => "A-Za-z",
        "[:alnum:]" => "A-Za-z0-9",
        "[:xdigit:]" => "0-9A-Fa-f",
        "[:blank:]" => " \t",
        "[:punct:]" => "!-/:-@[-`{-~",
        text => text,
    };
    let chars: Vec<char> = unescaped(text).chars().collect();
    let mut set = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        match (chars.get(at + 1), chars.get(at + 2)) {
            (Some('-'), Some(end)) if c <= end => {
                set.extend((*c..=*end).take(256));
                at += 3;
            }
            _ => {
                set.push(*c);
                at += 1;
            }
        }
    }
    set
}

/// What `bc` makes of the last line that it is given; numbers of another base are read as such.
fn calculated(shell: &mut Shell<'_>, state: &mut State, text: &str) -> Option<String> {
    let mut base = 10;
    let mut last = None;
    for line in text.split([';', '\n']).map(str::trim).take(64) {
        match line.split_once('=') {
            Some(("ibase", number)) => base = number.trim().parse().ok()?,
            Some(_) => {}
            None if line.is_empty() || line == "quit" => {}
            None if base != 10 => {
                let base = (2..=36).contains(&base).then_some(base)?;
                last = i64::from_str_radix(line, base).ok();
            }
            None => last = shell.number(state, line),
        }
    }
    last.map(|number| format!("{number}\n"))
}
