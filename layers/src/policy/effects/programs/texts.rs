//! Programs that write what they read, or what they are told.

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{Args, Command, readers};
use crate::policy::effects::{
    mark,
    shell::{Data, Shell, State, unescaped},
};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

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
                    state.set(name, vec![text]);
                    Data::text("")
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
        "base64" | "base32" | "basenc" | "openssl" | "uudecode" => {
            if command.name == "openssl"
                && !words
                    .iter()
                    .any(|word| matches!(word.as_str(), "enc" | "base64"))
            {
                return None;
            }
            let args = Args::of(words, &["w", "wrap", "in", "out", "k", "pass", "i", "o"]);
            let input = match args
                .operands
                .iter()
                .find(|word| !matches!(**word, "enc" | "base64"))
            {
                Some(file) => shell.read_file(state, file),
                None => args.value(&["in", "i"]).map_or_else(
                    || command.stdin.clone(),
                    |file| shell.read_file(state, file),
                ),
            };
            let decodes = args.has(&["d", "D", "decode"]) || command.name == "uudecode";
            let text = input.text.as_deref().filter(|_| decodes).and_then(|text| {
                let plain: String = text.split_whitespace().collect();
                let bytes = BASE64.decode(plain).ok()?;
                String::from_utf8(bytes).ok()
            });
            let mut data = input.with_text(text);
            data.is_hidden |= decodes && data.text.is_none();
            data
        }
        "xxd" | "od" | "hexdump" => {
            let decodes = words
                .iter()
                .any(|word| word.starts_with('-') && word.contains('r'));
            let text = command
                .stdin
                .text
                .as_deref()
                .filter(|_| decodes)
                .and_then(unhex);
            command.stdin.with_text(text)
        }
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
        "which" | "command-v" => Data::text(format!("/usr/bin/{}", args.first())),
        "mktemp" => Data::text("/tmp/tmp.x"),
        "yes" => Data {
            text: Some(words.first().cloned().unwrap_or_else(|| "y".to_owned())),
            is_endless: true,
            ..Data::default()
        },
        "seq" => match words {
            [to] => Data::text(
                (1..=to.parse().unwrap_or(1).min(16))
                    .map(|number: u32| format!("{number}\n"))
                    .collect::<String>(),
            ),
            _ => Data::hidden(),
        },
        "whoami" | "hostname" | "date" | "uname" | "id" | "nproc" | "arch" | "uuidgen" => {
            Data::text(mark::SOME.to_string())
        }
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
    if options.iter().any(|option| option.contains('e')) || text.contains("\\x") {
        text = unescaped(&text);
    }
    if !options.iter().any(|option| option.contains('n')) {
        text.push('\n');
    }
    shell.data_of(text)
}

/// The format over and over, until all words are used.
fn printf(words: &[String]) -> String {
    let Some((format, rest)) = words.split_first() else {
        return String::new();
    };
    let mut out = String::new();
    let mut rest = rest.iter();
    for turn in 0..64 {
        let before = rest.len();
        let mut chars = format.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '%' => {
                    let spec = format.get(at + 1..).unwrap_or_default();
                    let end = spec
                        .find(|c: char| c.is_ascii_alphabetic() || c == '%')
                        .unwrap_or(0);
                    match spec.get(end..).and_then(|spec| spec.chars().next()) {
                        Some('%') | None => out.push('%'),
                        Some('b') => out.push_str(&unescaped(
                            rest.next().map(String::as_str).unwrap_or_default(),
                        )),
                        Some('c') => out.extend(rest.next().and_then(|word| word.chars().next())),
                        Some(_) => {
                            out.push_str(rest.next().map(String::as_str).unwrap_or_default());
                        }
                    }
                    for _ in 0..=end {
                        chars.next();
                    }
                }
                '\\' => {
                    out.push(c);
                    out.extend(chars.next().map(|(_, c)| c));
                }
                c => out.push(c),
            }
        }
        if rest.len() == 0 || (rest.len() == before && turn > 0) || rest.len() == before {
            break;
        }
    }
    unescaped(&out)
}

fn unhex(text: &str) -> Option<String> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|c| c.to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    let bytes = digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    String::from_utf8(bytes).ok()
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
    if args.has(&["d", "delete"]) {
        let gone = sets.first()?;
        return Some(text.chars().filter(|c| !gone.contains(c)).collect());
    }
    if args.has(&["c", "C", "complement"]) {
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
