//! Functions of libraries by their names: which of them does what.

mod commands;
mod data;
mod files;
mod hosts;
mod own;
mod removals;

use self::{
    commands::COMMANDS, data::DATA, files::FILES, hosts::HOSTS, own::OWN, removals::REMOVALS,
};
use super::{super::is_end_of, library::Does};

/// By a name in lower case, or the end of one. The first that fits is taken.
pub(super) fn find(name: &str, language: &str) -> Option<Does> {
    let own = OWN
        .iter()
        .find(|(whose, known, _)| *known == name && *whose == language);
    let known = [COMMANDS, REMOVALS, HOSTS, FILES, DATA];
    let mut all = known.into_iter().flatten();
    own.map(|(.., does)| *does).or_else(|| {
        all.find(|(known, _)| is_end_of(name, known))
            .map(|(_, does)| *does)
    })
}
