//! Variables that are set.

use brush_parser::ast::{Assignment, AssignmentName, AssignmentValue, Word};

use super::{
    super::{mark, programs},
    Data, Shell, State, params,
};

/// How many elements a list has.
const MOST_ELEMENTS: usize = 1024;
/// Variables with the name of a script that a shell runs when it starts.
const START: &[&str] = &["BASH_ENV", "ENV"];
/// Variables in which substitutions are carried out when they are shown.
const SHOWN: &[&str] = &["PS0", "PS1", "PS2", "PS4", "PROMPT"];
/// Variables in which a command stands.
const RUN: &[&str] = &[
    "PROMPT_COMMAND",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_EXTERNAL_DIFF",
    "GIT_EDITOR",
    "GIT_SEQUENCE_EDITOR",
    "GIT_PAGER",
    "PAGER",
    "MANPAGER",
    "EDITOR",
    "VISUAL",
    "BROWSER",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "GIT_PROXY_COMMAND",
    "RSYNC_RSH",
    "RSYNC_CONNECT_PROG",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "LESSOPEN",
    "LESSCLOSE",
    "SUDO_EDITOR",
    "SYSTEMD_EDITOR",
    "MANROFFOPT",
    "CMAKE_C_COMPILER_LAUNCHER",
    "CMAKE_CXX_COMPILER_LAUNCHER",
    "GIT_TRANSPORT_HELPER",
    "TEXEDIT",
    "FCEDIT",
];

impl Shell<'_> {
    pub(super) fn assign(&mut self, state: &mut State, assignment: &Assignment) {
        let (AssignmentName::VariableName(name) | AssignmentName::ArrayElementName(name, _)) =
            &assignment.name;
        let mut value: Vec<String> = match &assignment.value {
            AssignmentValue::Scalar(word) => vec![self.whole(state, &word.value)],
            AssignmentValue::Array(words) => self.elements(state, name, words),
        };
        if let AssignmentName::ArrayElementName(_, index) = &assignment.name {
            let key = self.whole(state, index);
            let place = self.number(state, &key);
            let place = place.and_then(|place| usize::try_from(place).ok());
            let Some(place) = place.filter(|place| *place < MOST_ELEMENTS) else {
                // A word in the place of a number; what has all of them has this one as well.
                state.set(&params::keyed(name, &key), value.clone());
                let all = state.variables.entry(name.clone()).or_default();
                all.extend(value);
                return;
            };
            let mut all = state.variables.remove(name).unwrap_or_default();
            all.resize(all.len().max(place + 1), String::new());
            if let Some(element) = all.get_mut(place) {
                match assignment.append {
                    true => element.push_str(&value.concat()),
                    false => *element = value.concat(),
                }
            }
            state.set(name, all);
            return;
        }
        if assignment.append {
            let mut before = state.variables.get(name).cloned().unwrap_or_default();
            match (&assignment.value, before.last_mut()) {
                (AssignmentValue::Scalar(_), Some(last)) => {
                    last.push_str(&value.concat());
                }
                _ => before.append(&mut value),
            }
            value = before;
        }
        let meant = state.meant(name);
        if meant != *name {
            state.set(name, value.clone());
        }
        self.assigned(state, &meant, value);
    }

    /// A variable is set. What stands in some is run by shells, and by programs that show or ask something.
    pub(in super::super) fn assigned(&mut self, state: &mut State, name: &str, value: Vec<String>) {
        let text = value.concat();
        if RUN.contains(&name) {
            self.text(state, text.trim_start_matches('|'), &Data::default());
        } else if SHOWN.contains(&name) {
            self.document(state, &text);
        } else if START.contains(&name) && !text.is_empty() && !text.contains(mark::is_unknown) {
            let script = self.read_file(state, &text);
            if let Some(code) = script.text {
                self.text(&mut state.clone(), &code, &Data::default());
            }
        }
        programs::variable(self, name, &value);
        state.set(name, value);
    }

    /// The elements of a list, of which some may have a word in the place of a number.
    fn elements(
        &mut self,
        state: &mut State,
        name: &str,
        words: &[(Option<Word>, Word)],
    ) -> Vec<String> {
        let mut all = Vec::new();
        for (index, word) in words.iter().take(MOST_ELEMENTS) {
            let values = self.fields(state, &word.value);
            if let Some(index) = index {
                let key = self.whole(state, &index.value);
                if key.parse::<usize>().is_err() {
                    state.set(&params::keyed(name, &key), values.clone());
                }
            }
            all.extend(values);
        }
        all
    }
}
