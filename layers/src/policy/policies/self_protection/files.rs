//! What changes its files.

use wildmatch::WildMatch;

use super::{Harm, SelfProtection};
use crate::policy::{
    effects::{Act, Effects, PathRef, Place, Scope},
    policies::guard::{self, names::is_at},
};

/// Programs that change, hide or lock what they are given.
const CHANGERS: &[&str] = &[
    "mount",
    "umount",
    "bindfs",
    "chattr",
    "setfacl",
    "chcon",
    "restorecon",
    "gzip",
    "bzip2",
    "xz",
    "zstd",
    "compress",
    "strip",
    "fallocate",
    "crudini",
    "augtool",
    "sqlite3",
    "xattr",
    "chflags",
    "attr",
    "setfattr",
];
/// What they are told if they change nothing.
const KEEPS: &[&str] = &[
    "-c", "-k", "-t", "-l", "--stdout", "--keep", "--test", "--list", "-dc", "-kc", "-ck", "--get",
    "-g",
];

impl SelfProtection {
    /// Its files, changed by whichever tool.
    pub(super) fn changes(
        &self,
        text: &str,
        effects: &Effects,
        place: &Place,
    ) -> Option<(Harm, String)> {
        // What the call has copied itself is a copy.
        let copies: Vec<&str> = effects
            .iter()
            .filter_map(|effect| self.copied(&effect.act, place))
            .collect();
        let is_copy = |path: &PathRef| copies.contains(&path.resolved.as_str());
        let is_own = |path: &PathRef, tree: bool| !is_copy(path) && self.is_own(path, tree, place);
        let effect = effects.iter().find(|effect| {
            let (itself, tree) = changed(&effect.act);
            itself.into_iter().flatten().any(|path| is_own(path, false))
                || tree.is_some_and(|path| is_own(path, true))
                || guard::thrown_away(effect, place).is_some_and(|path| is_own(&path, true))
                || self.copied(&effect.act, place).is_none()
                    && brought(&effect.act).is_some_and(|path| is_own(&path, false))
                || self.is_changed_by(&effect.act, text, place)
        })?;
        Some((Harm::Changed, effect.to_string()))
    }

    /// Where one of its files is copied to, if that is for looking at it.
    fn copied<'a>(&self, act: &'a Act, place: &Place) -> Option<&'a str> {
        let Act::Copy { from, to } = act else {
            return None;
        };
        let is_aside = matches!(to.scope, Scope::Project | Scope::Below | Scope::Temporary);
        (is_aside && !self.is_placed(to, false, place) && self.is_own(from, false, place))
            .then_some(to.resolved.as_str())
    }

    fn is_changed_by(&self, act: &Act, text: &str, place: &Place) -> bool {
        let Act::Exec { program, args } = act else {
            return false;
        };
        let is_mount = program.ends_with("mount") || program == "bindfs";
        let keeps = args.iter().any(|word| KEEPS.contains(&word.as_str()));
        if !CHANGERS.contains(&program.as_str()) || keeps && !is_mount {
            return false;
        }
        let words = args.iter().filter(|word| !word.starts_with('-'));
        // Of a mount, what lies behind is what is hidden.
        let mut words: Vec<&String> = words.collect();
        if is_mount {
            words.drain(..words.len().saturating_sub(1));
        }
        words.iter().any(|word| {
            let path = PathRef::new(word, place);
            let is_hidden = is_mount && word.contains('$') && self.has_name(text);
            is_hidden || self.is_own(&path, is_mount && path.scope != Scope::Root, place)
        })
    }

    /// Whether a path is one of its files; with `tree`, or has one of them below it.
    fn is_own(&self, path: &PathRef, tree: bool, place: &Place) -> bool {
        let everything = (tree || path.all) && matches!(path.scope, Scope::Root | Scope::Home);
        let is =
            |path: &PathRef| self.is_placed(path, tree, place) || self.is_called_so(path, place);
        everything || is(path) || path.collapsed.as_deref().is_some_and(is)
    }

    /// Whether it is where its files are.
    fn is_placed(&self, path: &PathRef, tree: bool, place: &Place) -> bool {
        let full = match (place.home.as_deref(), path.resolved.strip_prefix('~')) {
            (Some(home), Some(rest)) => format!("{}{rest}", home.trim_end_matches('/')),
            _ => path.resolved.clone(),
        };
        // Somebody else's home, as somebody who may do more.
        let short = path.in_home().map(|rest| format!("~/{rest}"));
        let ways = [Some(path.resolved.clone()), Some(full), short];
        let above = tree || path.all;
        ways.into_iter().flatten().any(|way| {
            // Some folder below, or none.
            let way = way.replace("/$/", "/*/").replace("/$", "/*");
            let is_there = way.trim_matches(['/', '~', '*', '.']).len() > 1;
            self.files
                .iter()
                .filter(|file| !file.starts_with("*/"))
                .any(|file| {
                    let folder = format!("{}/", way.trim_end_matches('/'));
                    WildMatch::new(file).matches(&way)
                        || above && file.starts_with(['/', '~']) && file.starts_with(&folder)
                        || is_there
                            && same_root(&way, file)
                            && is_at(&way, file.trim_end_matches('*'), above)
                })
        })
    }

    /// Whether it has the name of one of its files, wherever that is; in the project, only at the top.
    fn is_called_so(&self, path: &PathRef, place: &Place) -> bool {
        let is_aside = match path.scope {
            Scope::Temporary => true,
            Scope::Below => {
                let project = place.project();
                let rest = path
                    .resolved
                    .strip_prefix(project.as_ref())
                    .unwrap_or(&path.resolved);
                rest.trim_start_matches(['.', '/']).contains('/')
            }
            _ => false,
        };
        let name = format!("*/{}", path.name());
        !is_aside
            && self
                .files
                .iter()
                .filter(|file| file.starts_with("*/"))
                .any(|file| {
                    WildMatch::new(file).matches(&path.resolved) || file.eq_ignore_ascii_case(&name)
                })
    }
}

/// Whether both begin at the same root.
fn same_root(path: &str, file: &str) -> bool {
    path.chars().next() == file.chars().next()
}

/// The paths that an act changes themselves, and the one of which everything below it goes.
fn changed(act: &Act) -> ([Option<&PathRef>; 2], Option<&PathRef>) {
    match act {
        Act::Delete { path, recursive }
        | Act::Permissions {
            path, recursive, ..
        } => ([Some(path), None], recursive.then_some(path)),
        // Where a folder is written, something is unpacked in it.
        Act::Write { path, .. } => ([Some(path), None], Some(path)),
        Act::Move { from, to } => ([Some(from), Some(to)], Some(from)),
        Act::Copy { to, .. } => ([Some(to), None], None),
        _ => ([None, None], None),
    }
}

/// What something becomes that is put into a folder.
fn brought(act: &Act) -> Option<PathRef> {
    match act {
        Act::Copy { from, to } | Act::Move { from, to } => Some(guard::landed(from, to)),
        _ => None,
    }
}
