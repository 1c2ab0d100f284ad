//! Processes that are started, and ended.

use super::super::{
    run::Runner,
    values::{Args, Value, functions::MANY},
};
use crate::policy::effects::{
    Act, Exhaust, Process, mark,
    programs::{builtins, interpreters::SHELLS, languages},
};

impl Runner<'_, '_> {
    /// One process more.
    pub(in super::super) fn forked(&mut self) {
        if self.endless + self.often > 0 {
            self.exhausted(Exhaust::Processes);
        }
    }

    pub(in super::super) fn exhausted(&mut self, what: Exhaust) {
        self.shell.act(Act::Exhaust { what });
    }

    /// A shell that is told from another host what to do.
    pub(super) fn shell_elsewhere(&mut self) {
        if self.is_connected && self.has_shell {
            let language = self.language.to_owned();
            builtins::backdoor(self.shell, &language);
        }
    }

    /// Whether a program is started that is the code itself.
    pub(super) fn starts_itself(&mut self, words: &[String]) {
        self.itself += usize::from(words.iter().any(|word| word == "./script"));
        if self.itself > 1 {
            self.exhausted(Exhaust::Processes);
        }
        let name = words
            .first()
            .map(|word| word.rsplit('/').next().unwrap_or(word));
        let is_shell = name.is_some_and(|name| SHELLS.contains(&name));
        let is_bare = words
            .get(1)
            .is_none_or(|word| matches!(word.as_str(), "-i" | "-s" | "-"));
        if is_shell && is_bare {
            self.has_shell = true;
            self.shell_elsewhere();
        }
        // Code may come by its standard input.
        let is_told = is_shell || name.is_some_and(|name| languages::known(name).is_some());
        if is_told && is_bare {
            self.listens = Some(words.join(" "));
        }
    }

    /// Ends a process: which, or with the signal before it.
    pub(super) fn kill(&mut self, name: &str, args: &Args) -> Value {
        // Some have the signal first.
        let is_first = matches!(self.language, "perl" | "ruby") && args.values.len() > 1
            || args.get(1).number().is_some_and(|n| n < 0.0);
        let (signal, target) = match is_first {
            true => (args.get(0), args.get(1)),
            false => (args.get(1), args.get(0)),
        };
        let number = |value: &Value| value.number().or_else(|| value.text()?.parse().ok());
        // It asks whether there is one.
        let is_probe = matches!(signal.text().as_deref(), Some("0" | "ZERO" | "SIGZERO"));
        self.kills += usize::from(number(&target).is_some() && !is_probe);
        let is_all = number(&target).is_some_and(|n| n == -1.0 || n == 1.0)
            || target.text().is_some_and(|text| text.contains(mark::STAR))
            || matches!(&target, Value::Name(name) if name == MANY)
            || self.kills > 20;
        let what = match is_all {
            true => Process::KillAll,
            false => Process::Kill,
        };
        if args.values.is_empty() && name.contains("process_iter") && !self.is_chosen {
            let target = "all".to_owned();
            self.shell.act(Act::Process {
                what: Process::KillAll,
                target,
            });
        }
        // `psutil.Process(which).kill()`
        if args.values.is_empty() && name.to_lowercase().contains("process()") {
            self.shell.act(Act::Process {
                what: Process::Kill,
                target: "$".to_owned(),
            });
        }
        if !is_probe && !args.values.is_empty() {
            let others = args
                .values
                .get(2..)
                .filter(|_| is_first)
                .unwrap_or_default();
            for target in std::iter::once(&target).chain(others) {
                let target = mark::shown(&target.written());
                self.shell.act(Act::Process { what, target });
            }
        }
        Value::Nothing
    }
}
