//! `find` and `fd`: what is found, and what is done with it.

use super::{Args, Command, expressions};
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

/// Tests of the whole path, and whether capitals count.
const PATHS: &[(&str, bool)] = &[
    ("-path", true),
    ("-wholename", true),
    ("-ipath", false),
    ("-iwholename", false),
    ("-regex", true),
    ("-iregex", false),
];

/// What the tests of `find` leave.
#[derive(Default)]
struct Found {
    /// Only some of what is there.
    narrow: bool,
    /// What it is called.
    names: Vec<String>,
    /// Patterns of its whole path.
    paths: Vec<String>,
    /// And of that only some, by its age or the like.
    some: bool,
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
    let mut found = Found {
        narrow: !tests.is_empty(),
        ..Found::default()
    };
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
        let (mut names, mut paths) = (Vec::new(), Vec::new());
        let (mut is_narrow, mut is_negated, mut is_some) = (false, false, false);
        for (at, test) in way.iter().enumerate() {
            let value = way.get(at + 1);
            match test.as_str() {
                "!" | "-not" => is_negated = true,
                "(" if is_negated => {}
                test if NARROW.contains(&test) => {
                    let counts = !is_negated && !value.is_some_and(is_wide);
                    is_narrow |= counts;
                    is_negated = false;
                    let Some(value) = value.filter(|_| counts) else {
                        continue;
                    };
                    let of_path = PATHS.iter().find(|(name, _)| *name == test);
                    match of_path {
                        Some((name, is_exact)) => {
                            let patterns = match name.ends_with("regex") {
                                true => expressions::globs(value),
                                false => vec![pattern(value)],
                            };
                            let lower = patterns.iter().map(|path| path.to_lowercase());
                            let lower: Vec<_> = lower.filter(|_| !is_exact).collect();
                            paths.extend(patterns);
                            paths.extend(lower);
                        }
                        None if matches!(test, "-name" | "-iname") => names.push(pattern(value)),
                        None => is_some = true,
                    }
                }
                _ if at > 0 && way.get(at - 1).is_some_and(|test| test.starts_with('-')) => {}
                test if test.starts_with('-') => is_negated = false,
                _ => {}
            }
        }
        found.narrow &= is_narrow;
        found.some |= is_some;
        // What it is called says more than where it is.
        match names.is_empty() {
            true => found.paths.extend(paths),
            false => found.names.extend(names),
        }
    }
    found
}

/// What a pattern of whole paths finds below a root.
fn below(root: &str, pattern: &str) -> String {
    let is_star = |c| matches!(c, mark::STAR);
    let rest = pattern.trim_start_matches(is_star);
    if rest.len() < pattern.len() {
        return match rest.starts_with('/') || rest.is_empty() {
            true if rest.is_empty() => format!("{root}/{}", mark::STAR),
            true => format!("{root}{rest}"),
            false => format!("{root}/{}{rest}", mark::STAR),
        };
    }
    let is_below = pattern
        .strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', mark::STAR, mark::ANY]));
    if is_below {
        return pattern.to_owned();
    }
    let path = pattern.trim_end_matches([mark::STAR, '/']);
    let name = path.rsplit('/').next().unwrap_or_default();
    format!("{root}/{}/{name}", mark::SOME)
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
    let Found {
        narrow,
        names,
        paths: patterns,
        some,
    } = tested(tests);
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
        let few = format!("/{0}{1}/{0}", mark::SOME, mark::STAR);
        if !narrow {
            paths.push(format!("{root}/{}", mark::STAR));
            continue;
        }
        paths.extend(names.iter().map(|name| format!("{root}{between}/{name}")));
        for pattern in patterns.iter().take(16) {
            let path = below(root, pattern);
            paths.push(match path.strip_suffix(mark::STAR).filter(|_| some) {
                Some(folder) => folder.trim_end_matches('/').to_owned() + &few,
                None => path,
            });
        }
        if names.is_empty() && patterns.is_empty() {
            paths.push(format!("{root}{few}"));
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
    // What is looked for may be the whole path.
    let is_path = args.has(&["p", "full-path"]) && !is_wide;
    let paths: Vec<String> = match (is_wide, is_path) {
        (true, _) => vec![format!("{root}/{}", mark::STAR)],
        (_, true) => {
            let globs = expressions::globs(args.first());
            globs.iter().map(|glob| below(root, glob)).collect()
        }
        _ => vec![format!("{root}/{0}/{0}", mark::SOME)],
    };
    for path in &paths {
        let Some(command) = command.get(1..).filter(|command| !command.is_empty()) else {
            break;
        };
        let mut argv: Vec<String> = command
            .iter()
            .map(|word| word.replace("{}", path))
            .collect();
        if !command.iter().any(|word| word.contains("{}")) {
            argv.push(path.clone());
        }
        shell.invoke(state, argv, Data::default());
    }
    Data::text(paths.join("\n"))
}
