//! `find` and `fd`: what is found, and what is done with it.

use super::{Args, Command};
use crate::policy::effects::{
    Act, mark,
    shell::{Data, Shell, State},
};

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    match command.name {
        "find" | "gfind" => Some(find(shell, state, command.words)),
        "fd" | "fdfind" => Some(fd(shell, state, command.words)),
        _ => None,
    }
}

/// Tests that leave only some of what is there.
const NARROW: &[&str] = &[
    "-name",
    "-iname",
    "-path",
    "-ipath",
    "-regex",
    "-iregex",
    "-wholename",
    "-mtime",
    "-mmin",
    "-atime",
    "-amin",
    "-ctime",
    "-cmin",
    "-newer",
    "-size",
    "-empty",
    "-user",
    "-group",
    "-perm",
    "-links",
    "-inum",
    "-nouser",
    "-samefile",
    "-xtype",
];

/// What the tests of `find` leave.
struct Found {
    /// Only some of what is there.
    narrow: bool,
    /// What it is called.
    names: Vec<String>,
}

/// Reads the tests of `find`: each of several ways must be narrow by itself, but those that are left out.
fn tested(tests: &[String]) -> Found {
    // Names that find everything are no test.
    let is_wide = |name: &String| {
        name.chars()
            .all(|c| matches!(c, '*' | '.' | '?') || mark::is_glob(c))
            && name.contains(['*', mark::STAR])
    };
    let is_action = |test: &String| {
        test == "-delete" || test == "-print" || test == "-print0" || test.starts_with("-exec")
    };
    let (mut narrow, mut names) = (true, Vec::new());
    let is_or = |test: &String| test == "-o" || test == "-or" || test == ",";
    for way in tests.split(is_or) {
        if way.iter().any(|test| test == "-prune") && !way.iter().any(is_action) {
            continue;
        }
        // What is run has words of its own.
        let end = way
            .iter()
            .position(|test| test.starts_with("-exec") || test.starts_with("-ok"));
        let way = way.get(..end.unwrap_or(way.len())).unwrap_or_default();
        let has_name = way.iter().any(|test| test == "-name" || test == "-iname");
        let (mut is_narrow, mut is_negated) = (false, false);
        for (at, test) in way.iter().enumerate() {
            let value = way.get(at + 1);
            match test.as_str() {
                "!" | "-not" => is_negated = true,
                "(" if is_negated => {}
                test if NARROW.contains(&test) => {
                    let counts = !is_negated && !value.is_some_and(is_wide);
                    is_narrow |= counts;
                    if let ("-name" | "-iname", Some(name), true) = (test, value, counts) {
                        names.push(pattern(name));
                    } else if let ("-path" | "-wholename" | "-ipath", Some(path), true, false) =
                        (test, value, counts, has_name)
                    {
                        let path = path.trim_end_matches(['*', mark::STAR]);
                        let name = path.trim_end_matches('/').rsplit('/').next();
                        names.extend(name.filter(|name| !name.is_empty()).map(pattern));
                    }
                    is_negated = false;
                }
                _ if at > 0 && way.get(at - 1).is_some_and(|test| test.starts_with('-')) => {}
                test if test.starts_with('-') => is_negated = false,
                _ => {}
            }
        }
        narrow &= is_narrow;
    }
    Found {
        narrow: narrow && !tests.is_empty(),
        names,
    }
}

/// A name in quotes is a pattern all the same.
fn pattern(name: &str) -> String {
    let marks = [('*', mark::STAR), ('?', mark::ANY), ('[', mark::SET)];
    name.chars()
        .map(|c| {
            let mark = marks.iter().find(|(plain, _)| *plain == c);
            mark.map_or(c, |(_, mark)| *mark)
        })
        .collect()
}

fn find(shell: &mut Shell<'_>, state: &mut State, words: &[String]) -> Data {
    let starts_test = |word: &String| {
        (word.starts_with('-') && word.len() > 1) || matches!(word.as_str(), "(" | "!" | ")")
    };
    let options = words
        .iter()
        .take_while(|word| matches!(word.as_str(), "-H" | "-L" | "-P" | "-E"))
        .count();
    let words = words.get(options..).unwrap_or_default();
    let count = words.iter().position(starts_test).unwrap_or(words.len());
    let (roots, tests) = words.split_at_checked(count).unwrap_or((words, &[]));
    let here = [".".to_owned()];
    let roots = if roots.is_empty() { &here } else { roots };
    let Found { narrow, names } = tested(tests);
    let is_flat = tests.windows(2).any(|pair| {
        pair.first().is_some_and(|test| test == "-maxdepth")
            && pair.get(1).is_some_and(|depth| depth == "1")
    });
    let between = if is_flat {
        String::new()
    } else {
        format!("/{}", mark::SOME)
    };
    let mut paths: Vec<String> = Vec::new();
    for root in roots.iter().take(16) {
        let root = root.trim_end_matches('/');
        match (narrow, names.as_slice()) {
            (false, _) => paths.push(format!("{root}/{}", mark::STAR)),
            (true, []) => paths.push(format!("{root}/{0}{1}/{0}", mark::SOME, mark::STAR)),
            (true, names) => {
                paths.extend(names.iter().map(|name| format!("{root}{between}/{name}")));
            }
        }
    }
    let mut at = 0;
    while let Some(test) = tests.get(at) {
        match test.as_str() {
            "-delete" => {
                for path in &paths {
                    let path = shell.path(state, path);
                    shell.act(Act::Delete {
                        path,
                        recursive: true,
                    });
                }
            }
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                let rest = tests.get(at + 1..).unwrap_or_default();
                let end = rest
                    .iter()
                    .position(|word| matches!(word.as_str(), ";" | "+"))
                    .unwrap_or(rest.len());
                for path in paths.iter().take(16) {
                    let mut argv: Vec<String> = rest
                        .iter()
                        .take(end)
                        .map(|word| word.replace("{}", path))
                        .collect();
                    // All that is below gets them, one by one.
                    let is_mode = |word: &String| {
                        matches!(word.as_str(), "chmod" | "chown" | "chgrp" | "setfacl")
                    };
                    let place = argv.iter().position(is_mode);
                    if let Some(place) = place.filter(|_| !narrow || names.is_empty()) {
                        argv.insert(place + 1, "-R".to_owned());
                    }
                    shell.invoke(state, argv, Data::default());
                }
                at += end;
            }
            "-fprint" | "-fls" | "-fprintf" => {
                if let Some(file) = tests.get(at + 1) {
                    shell.write_file(state, file, false, &Data::hidden());
                }
            }
            _ => {}
        }
        at += 1;
    }
    Data::text(paths.join("\n"))
}

fn fd(shell: &mut Shell<'_>, state: &mut State, words: &[String]) -> Data {
    let exec = words
        .iter()
        .position(|word| matches!(word.as_str(), "-x" | "-X" | "--exec" | "--exec-batch"));
    let (tests, command) = words
        .split_at_checked(exec.unwrap_or(words.len()))
        .unwrap_or((words, &[]));
    let args = Args::of(
        tests,
        &[
            "e",
            "extension",
            "t",
            "type",
            "E",
            "exclude",
            "d",
            "max-depth",
        ],
    );
    let root = args
        .operands
        .get(1)
        .copied()
        .unwrap_or(".")
        .trim_end_matches('/');
    let is_wide =
        matches!(args.first(), "" | "." | ".*") && args.value(&["e", "extension"]).is_none();
    let path = if is_wide {
        format!("{root}/{}", mark::STAR)
    } else {
        format!("{root}/{0}/{0}", mark::SOME)
    };
    if let Some(command) = command.get(1..).filter(|command| !command.is_empty()) {
        let mut argv: Vec<String> = command
            .iter()
            .map(|word| word.replace("{}", &path))
            .collect();
        if !command.iter().any(|word| word.contains("{}")) {
            argv.push(path.clone());
        }
        shell.invoke(state, argv, Data::default());
    }
    Data::text(path)
}
