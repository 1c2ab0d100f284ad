//! Shell text. Nothing of it is read yet: it is said to be opaque.

use super::{Act, Effects, Opaque, Place};

pub(super) fn run(text: &str, _place: &Place, effects: &mut Effects) {
    effects.add(
        Act::Opaque {
            why: Opaque::Unparsed,
        },
        text,
        false,
    );
}

pub(super) fn run_argv(words: &[String], place: &Place, effects: &mut Effects) {
    run(&words.join(" "), place, effects);
}

pub(super) fn sql(text: &str, effects: &mut Effects) {
    effects.add(
        Act::Opaque {
            why: Opaque::Unparsed,
        },
        text,
        false,
    );
}

/// The host of a URL.
pub(super) fn host(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = host.rsplit('@').next().unwrap_or(host);
    let host = host.split(':').next().unwrap_or(host);
    (!host.is_empty()).then(|| host.to_owned())
}
