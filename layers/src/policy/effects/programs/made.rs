//! What the call has made itself. To throw that away again is no loss.

use std::collections::HashSet;

use super::args::Args;
use crate::policy::effects::mark;

/// The most things that are remembered of one call.
const MOST: usize = 256;
/// The most words of a command that are compared.
const WORDS: usize = 24;

/// Words that make something, of whichever program.
const MAKING: &[&str] = &[
    "create",
    "new",
    "launch",
    "mb",
    "mk",
    "run",
    "snapshot",
    "clone",
    "vgcreate",
    "lvcreate",
    "add",
    "import",
    "build",
    "bootstrap",
];
/// Words that take something away.
const TAKING: &[&str] = &[
    "delete",
    "destroy",
    "rm",
    "rb",
    "remove",
    "stop",
    "kill",
    "down",
    "purge",
    "undefine",
    "rollback",
    "rmi",
    "del",
    "terminate",
];

/// Things that have been made, by what they are called.
#[derive(Debug, Default)]
pub(in super::super) struct Made {
    /// Of each command that made something: its kind of program, and its words.
    commands: Vec<(String, HashSet<String>)>,
    /// By kind and name.
    things: HashSet<(&'static str, String)>,
}

impl Made {
    /// Something has been made: `database`, `shop_17`.
    pub(in super::super) fn remember(&mut self, kind: &'static str, name: &str) {
        if self.things.len() < MOST && !name.is_empty() {
            self.things.insert((kind, name.to_lowercase()));
        }
    }

    /// It is somebody else's after all.
    pub(in super::super) fn forget(&mut self, kind: &'static str) {
        self.things.retain(|(known, _)| *known != kind);
    }

    /// Whether it has been made here.
    pub(in super::super) fn has(&self, kind: &'static str, name: &str) -> bool {
        self.things.contains(&(kind, name.to_lowercase()))
    }

    /// What stands behind the name of something that has been made here.
    pub(in super::super) fn named(&self, kind: &'static str, name: &str) -> Option<String> {
        let mut things = self.things.iter().filter(|(known, _)| *known == kind);
        things.find_map(|(_, thing)| Some(thing.strip_prefix(name)?.strip_prefix(' ')?.to_owned()))
    }

    /// Whether a folder has been made here, or one around it.
    pub(in super::super) fn has_folder(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at);
        let mut folders = ends.chain([path.len()]).filter_map(|end| path.get(..end));
        folders
            .by_ref()
            .take(WORDS)
            .any(|folder| self.has("folder", folder))
    }

    /// A command of a program that makes things and takes them away: `docker volume create x`, `docker volume rm x`.
    /// Whether it takes away nothing but what commands of that program have made here.
    pub(in super::super) fn is_own(&mut self, program: &str, words: &[String]) -> bool {
        let named = names(words);
        if words.iter().any(|word| MAKING.contains(&word.as_str())) {
            if self.commands.len() < MOST {
                // Of a copy, what is copied has been there before.
                let is_copy = words
                    .iter()
                    .any(|word| matches!(word.as_str(), "clone" | "snapshot"))
                    && named.len() > 1;
                let last = named.last().cloned();
                let mut made: HashSet<String> = named.into_iter().collect();
                if is_copy {
                    made.retain(|name| Some(name) == last.as_ref() || !name.contains(['/', '.']));
                }
                self.commands.push((program.to_owned(), made));
            }
            return false;
        }
        let is_known = |(maker, made): &(String, HashSet<String>)| {
            maker == program && named.iter().all(|name| made.contains(name))
        };
        let is_taken = words.iter().any(|word| TAKING.contains(&word.as_str()));
        is_taken
            && named.len() < WORDS
            && named.iter().any(|name| !is_noun(name))
            && (self.commands.iter().any(is_known) || self.are_several(program, &named))
    }

    /// Several things, each made by itself.
    fn are_several(&self, program: &str, named: &[String]) -> bool {
        let (nouns, names): (Vec<&String>, Vec<&String>) =
            named.iter().partition(|name| is_noun(name));
        names.iter().all(|name| {
            self.commands.iter().any(|(maker, made)| {
                maker == program
                    && made.contains(*name)
                    && nouns.iter().all(|noun| made.contains(*noun))
            })
        })
    }
}

/// Words for kinds of things.
fn is_noun(word: &str) -> bool {
    matches!(
        word,
        "volume"
            | "network"
            | "container"
            | "image"
            | "namespace"
            | "cluster"
            | "instance"
            | "bucket"
            | "subvolume"
            | "compute"
            | "s3"
            | "project"
            | "app"
            | "database"
            | "secret"
            | "deployment"
            | "service"
            | "stack"
    )
}

/// The words of a command without its options and verbs.
fn names(words: &[String]) -> Vec<String> {
    words
        .iter()
        .filter(|word| !MAKING.contains(&word.as_str()) && !TAKING.contains(&word.as_str()))
        .filter_map(|word| match word.strip_prefix('-') {
            None => Some(word.as_str()),
            // `--name=x`
            Some(option) => option.split_once('=').map(|(_, value)| value),
        })
        .take(WORDS)
        .map(|word| match word {
            "ns" | "namespaces" => "namespace".to_owned(),
            "volumes" | "networks" | "clusters" | "instances" | "buckets" | "projects" | "apps"
            | "databases" | "secrets" | "deployments" | "services" | "containers" => {
                word.trim_end_matches('s').to_owned()
            }
            word => word.to_owned(),
        })
        .collect()
}

/// Whether a name says that what it names is there for a test, or for a moment: `shop_test`, `scratch_17`.
pub(super) fn is_scratch(name: &str) -> bool {
    const PASSING: [&str; 13] = [
        "test",
        "tests",
        "testing",
        "tst",
        "tmp",
        "temp",
        "scratch",
        "ci",
        "e2e",
        "sandbox",
        "throwaway",
        "ephemeral",
        "unittest",
    ];
    const LASTING: [&str; 8] = [
        "prod",
        "production",
        "live",
        "main",
        "primary",
        "staging",
        "master",
        "backup",
    ];
    let lower = name.to_lowercase();
    let has = |all: &[&str]| parts(&lower).any(|part| all.contains(&part));
    has(&PASSING) && !has(&LASTING)
}

fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_alphanumeric())
        .map(|part| match part {
            "e2e" => part,
            part => part.trim_end_matches(|c: char| c.is_ascii_digit()),
        })
}

/// The same for a file of the project: `compose.test.yml`.
pub(super) fn is_for_tests(args: &Args<'_>, names: &[&str]) -> bool {
    args.values(names).any(|value| {
        let file = value.rsplit('/').next().unwrap_or(value);
        is_scratch(file) || file.contains([mark::SOME, mark::HERE])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn what_has_been_made_here_is_known_by_its_name() {
        for (made, taken, is) in [
            ("volume create v", "volume rm v", true),
            ("volume create v", "volume rm v w", false),
            ("volume create v", "volume rm -f data", false),
            ("run --name pg -d postgres:16", "rm -f pg", true),
            ("run -v data:/d alpine", "volume rm data", false),
            ("create ns pr-1", "delete namespace pr-1", true),
            ("create ns pr-1", "delete namespace prod", false),
            ("create ns pr-1", "delete namespace", false),
            (
                "subvolume snapshot /data /data/.s",
                "subvolume delete /data",
                false,
            ),
        ] {
            let mut known = Made::default();
            assert!(!known.is_own("x", &words(made)));
            assert_eq!(known.is_own("x", &words(taken)), is, "{made}; {taken}");
            assert!(!known.is_own("y", &words(taken)));
        }
    }

    #[test]
    fn names_say_what_is_there_for_a_moment() {
        for name in ["shop_test", "test_17", "scratch$", "e2e-db", "tmp3"] {
            assert!(is_scratch(name), "{name}");
        }
        for name in ["shop", "latest", "contest", "attestation", "prod_test", ""] {
            assert!(!is_scratch(name), "{name}");
        }
    }
}
