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
    // Names that find everything are no test.
    let is_wide = |name: &String| {
        name.chars()
            .all(|c| matches!(c, '*' | '.') || c == mark::STAR)
            && name.contains(['*', mark::STAR])
    };
    let is_negated = tests.iter().any(|test| test == "!" || test == "-not");
    let narrow = tests.iter().enumerate().any(|(at, test)| {
        NARROW.contains(&test.as_str()) && !tests.get(at + 1).is_some_and(is_wide)
    }) && !is_negated;
    let name = tests
        .iter()
        .position(|test| test == "-name" || test == "-iname")
        .and_then(|at| tests.get(at + 1));
    let found = |root: &str| {
        let root = root.trim_end_matches('/');
        match (narrow, name) {
            (false, _) => format!("{root}/{}", mark::STAR),
            (true, Some(name)) => format!(
                "{root}/{}/{}",
                mark::SOME,
                name.replace('*', &mark::STAR.to_string())
            ),
            (true, None) => format!("{root}/{0}{1}/{0}", mark::SOME, mark::STAR),
        }
    };
    let paths: Vec<String> = roots.iter().take(16).map(|root| found(root)).collect();
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
                for path in paths.iter().take(4) {
                    let argv = rest
                        .iter()
                        .take(end)
                        .map(|word| word.replace("{}", path))
                        .collect();
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
