//! Paths against tables of paths, name by name. Case does not count: no everyday file differs from a key in its case alone.

use wildmatch::WildMatch;

/// Whether a path is this entry of a table, or below it; with `above`, also whether the entry is below the path.
///
/// A path may hold what a shell would fill in (`*`, `?`, `[…]`): then it counts what it could become. An entry may hold `*`.
pub(crate) fn is_at(path: &str, entry: &str, above: bool) -> bool {
    let mut names = path.split('/').filter(|name| !name.is_empty()).peekable();
    if names.peek().is_none() {
        return false;
    }
    for wanted in entry.split('/').filter(|name| !name.is_empty()) {
        match names.next() {
            Some(name) if is_name(name, wanted) => {}
            Some(_) => return false,
            None => return above,
        }
    }
    true
}

/// The same for an entry that counts wherever it stands in the path.
pub(crate) fn is_somewhere(path: &str, entry: &str, above: bool) -> bool {
    let mut rest = path.trim_start_matches('/');
    loop {
        if is_at(rest, entry, above) {
            return true;
        }
        match rest.split_once('/') {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
}

/// Whether a name, or what a pattern could become, is the wanted one.
pub(crate) fn is_name(name: &str, wanted: &str) -> bool {
    if name.eq_ignore_ascii_case(wanted) {
        return true;
    }
    let name = name.to_ascii_lowercase();
    if wanted.contains('*') && WildMatch::new(&wanted.to_ascii_lowercase()).matches(&name) {
        return true;
    }
    if !name.contains(['*', '?', '[']) {
        return false;
    }
    // A shell's patterns leave alone what begins with a dot, unless they do as well.
    let is_hidden = wanted.starts_with('.');
    is_hidden == name.starts_with('.')
        && WildMatch::new(&without_sets(&name)).matches(&wanted.to_ascii_lowercase())
}

/// `[a-z]` as `?`.
fn without_sets(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, set)) = rest.split_once('[') {
        plain.push_str(before);
        plain.push('?');
        rest = set.split_once(']').map_or("", |(_, behind)| behind);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_what_it_could_become() {
        for (path, entry, above, is) in [
            (".ssh/id_rsa", ".ssh", false, true),
            (".sshx/id_rsa", ".ssh", false, false),
            (".SSH/id_rsa", ".ssh", false, true),
            (".ss?/id*", ".ssh", false, true),
            (".s[s]h", ".ssh", false, true),
            ("*/id_rsa", ".ssh", false, false),
            (".*/id_rsa", ".ssh", false, true),
            (".config", ".config/gcloud", false, false),
            (".config", ".config/gcloud", true, true),
            (
                ".claude/settings.local.json",
                ".claude/settings*.json",
                false,
                true,
            ),
            ("", ".ssh", true, false),
        ] {
            assert_eq!(is_at(path, entry, above), is, "{path} {entry}");
        }
        assert!(is_somewhere(
            "/work/shop/.git/hooks/pre-push",
            ".git/hooks",
            false
        ));
        assert!(!is_somewhere("/work/shop/git/hooks", ".git/hooks", true));
    }
}
