//! What people keep at home: folders that are nobody's to empty, unless their names say that they are made anew.

use crate::policy::effects::PathRef;

/// Words in names of what is made anew, or was never meant to stay.
const ANEW: &[&str] = &[
    "tmp",
    "temp",
    "temporary",
    "scratch",
    "sandbox",
    "playground",
    "throwaway",
    "junk",
    "trash",
    "cache",
    "caches",
    "build",
    "builds",
    "dist",
    "target",
    "out",
    "output",
    "outputs",
    "obj",
    "artifacts",
    "release",
    "releases",
    "coverage",
    "htmlcov",
    "generated",
    "test",
    "tests",
    "testing",
    "fixtures",
    "demo",
    "demos",
    "example",
    "examples",
    "sample",
    "bench",
    "benchmark",
    "benchmarks",
    "repro",
    "log",
    "logs",
    "crash",
    "dumps",
    "wt",
    "devel",
    "gems",
    "texmf",
    "worktree",
    "worktrees",
    "venv",
    "virtualenv",
    "virtualenvs",
    "env",
    "envs",
    "vendor",
    "modules",
    "packages",
    "pods",
    "deriveddata",
    "pycache",
    "checkout",
    "clone",
    "clones",
    "mirror",
    "stage",
    "staging",
    "install",
    "prefix",
    "sysroot",
    "toolchain",
    "toolchains",
    "sdk",
    "sdks",
];
/// What package managers and the like have at home, and bring again.
const BROUGHT: &[&str] = &[
    "go/pkg",
    "go/bin",
    "Android/Sdk",
    "anaconda3",
    "miniconda3",
    "miniforge3",
    "mambaforge",
    "micromamba",
    "google-cloud-sdk",
    "flutter",
    "nltk_data",
    "scikit_learn_data",
    "fontconfig",
    "snap",
    "perl5",
    "R",
    "depot_tools",
    "emsdk",
    "esp",
    "nvm",
    "Downloads",
];
/// Words in names of what people have put aside, whatever else they are called.
const ASIDE: &[&str] = &["backup", "backups", "bak", "archive", "archives", "keep"];

/// Whether it is a folder in which somebody may keep what is nowhere else: `rest` of its path below a home directory.
pub(super) fn is_kept(path: &PathRef, rest: &str) -> bool {
    let names: Vec<&str> = rest.split('/').filter(|name| !name.is_empty()).collect();
    // What is hidden, and what programs have in the library of a Mac, is told by name elsewhere.
    let is_of_programs = names
        .first()
        .is_none_or(|name| name.starts_with('.') || *name == "Library");
    let is_brought = BROUGHT.iter().any(|folder| {
        let below = rest.strip_prefix(folder);
        below.is_some_and(|below| below.starts_with('/') || below.is_empty())
    });
    let is_file = !path.all && names.last().is_some_and(|name| is_file(name));
    !is_of_programs && !is_brought && !is_file && !names.iter().any(|name| is_anew(name))
}

/// Whether a name says that it is made anew, or never was to stay: `build-asan`, `.next`, `node_modules`, `tmp.x`.
fn is_anew(name: &str) -> bool {
    let lower = name.to_lowercase();
    let words = || lower.split(|c: char| !c.is_alphanumeric());
    // `.next`, `_site`
    let is_hidden = name.starts_with(['.', '_']) && name.len() > 1 && name != ".git";
    let is_cache = lower.contains("cache") || lower.ends_with(".egg-info");
    !words().any(|word| ASIDE.contains(&word))
        && (is_hidden
            || is_cache
            || is_release(name)
            || words()
                .any(|word| ANEW.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit()))))
}

/// Whether a name is that of something that has been unpacked: `zlib-1.3.1`.
fn is_release(name: &str) -> bool {
    let version = name.rsplit_once('-').map(|(_, version)| version);
    version.is_some_and(|version| {
        version.starts_with(|c: char| c.is_ascii_digit())
            && version.contains('.')
            && version.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}

/// Whether a name is that of a file: it ends as files do. A year or a version is no such end.
fn is_file(name: &str) -> bool {
    let end = name
        .rsplit_once('.')
        .map(|(before, end)| (before.is_empty(), end));
    end.is_some_and(|(is_hidden, end)| {
        !is_hidden
            && !name.starts_with('*')
            && (1..=5).contains(&end.len())
            && end.chars().all(char::is_alphanumeric)
            && end.chars().any(char::is_alphabetic)
    })
}

#[cfg(test)]
mod tests {
    use super::is_kept;
    use crate::policy::effects::{PathRef, Place};

    fn keeps(rest: &str) -> bool {
        let path = PathRef::new(&format!("~/{rest}"), &Place::default());
        is_kept(&path, rest)
    }

    #[test]
    fn folders_of_people_are_kept() {
        for rest in [
            "thesis",
            "research/2024",
            "projects/shop",
            "Photos2019",
            "build-backup",
            "Documents/tax",
            "notes.d/2024.11",
            "work/repo/.git",
            "talks-2024",
        ] {
            assert!(keeps(rest), "{rest}");
        }
    }

    #[test]
    fn what_is_made_anew_or_brought_again_is_not() {
        for rest in [
            ".cache/pip",
            "Library/Caches/x",
            "go/pkg/mod",
            "tmp/x",
            "projects/other/node_modules",
            "projects/other/services/api/build-asan",
            "code/x/.venv",
            "venv311",
            "miniconda3/envs/old",
            "zlib-1.3.1",
            "actions-runner/_work",
            "Downloads/file.zip",
            "notes/a.md",
            "src/x/pkg.egg-info",
            "work/repo/__pycache__",
        ] {
            assert!(!keeps(rest), "{rest}");
        }
    }
}
