//! Lists, pipelines and compound commands.

use brush_parser::ast::{
    AndOr, AssignmentName, AssignmentValue, Command, CommandPrefixOrSuffixItem as Item,
    CompoundCommand, CompoundList, ExtendedTestExpr, Pipeline, Program, SeparatorOperator,
    SimpleCommand,
};

use super::{super::programs, Data, Shell, State};

impl Shell<'_> {
    pub(super) fn program(&mut self, state: &mut State, program: &Program, stdin: &Data) -> Data {
        let mut out = Data::default();
        for list in &program.complete_commands {
            out = out.and(self.list(state, list, stdin));
        }
        out
    }

    pub(super) fn list(&mut self, state: &mut State, list: &CompoundList, stdin: &Data) -> Data {
        let mut out = Data::default();
        for item in &list.0 {
            let is_background = matches!(item.1, SeparatorOperator::Async);
            self.forks += usize::from(is_background);
            out = out.and(self.pipeline(state, &item.0.first, stdin));
            let mut known = match item.0.additional.is_empty() {
                true => None,
                false => self.truth(state, &item.0.first),
            };
            for next in &item.0.additional {
                let (pipeline, wanted) = match next {
                    AndOr::And(pipeline) => (pipeline, true),
                    AndOr::Or(pipeline) => (pipeline, false),
                };
                if known.is_some_and(|known| known != wanted) {
                    self.skipped(state, |shell, aside| {
                        shell.pipeline(aside, pipeline, stdin);
                    });
                    continue;
                }
                out = out.and(self.pipeline(state, pipeline, stdin));
                known = known.and_then(|_| self.truth(state, pipeline));
            }
            self.forks -= usize::from(is_background);
        }
        out
    }

    /// What is not run, as far as anybody knows: it is looked at, and sets nothing.
    fn skipped(&mut self, state: &State, look: impl FnOnce(&mut Self, &mut State)) {
        let mut aside = state.clone();
        look(self, &mut aside);
    }

    fn pipeline(&mut self, state: &mut State, pipeline: &Pipeline, stdin: &Data) -> Data {
        let mut data = stdin.clone();
        if let [command] = pipeline.seq.as_slice() {
            return self.command(state, command, data);
        }
        let cwd = state.cwd.clone();
        self.forks += 1;
        let last = pipeline.seq.len().saturating_sub(1);
        for (place, command) in pipeline.seq.iter().enumerate() {
            // Each is a shell of its own, but in some shells the last.
            data = match place == last {
                true => self.command(state, command, data),
                false => {
                    let mut inner = state.clone();
                    let data = self.command(&mut inner, command, data);
                    state.adopt(inner);
                    data
                }
            };
            if !data.is_any() {
                data.is_hidden = true;
            }
        }
        state.cwd = cwd;
        self.forks -= 1;
        data
    }

    fn command(&mut self, state: &mut State, command: &Command, stdin: Data) -> Data {
        match command {
            Command::Simple(command) => self.simple(state, command, stdin),
            Command::Compound(command, redirects) => {
                let (stdin, files) = self.redirects(state, redirects.as_ref(), stdin);
                let out = self.compound(state, command, &stdin);
                self.written(state, &files, out)
            }
            Command::Function(function) => {
                let name = function.fname.value.clone();
                state.functions.insert(name, function.clone().into());
                Data::default()
            }
            Command::ExtendedTest(test, redirects) => {
                self.test(state, &test.expr);
                let (_, files) = self.redirects(state, redirects.as_ref(), stdin);
                self.written(state, &files, Data::default())
            }
        }
    }

    pub(super) fn compound(
        &mut self,
        state: &mut State,
        command: &CompoundCommand,
        stdin: &Data,
    ) -> Data {
        match command {
            CompoundCommand::BraceGroup(group) => self.list(state, &group.list, stdin),
            CompoundCommand::Subshell(group) => {
                let mut inner = state.clone();
                let out = self.until_its_end(&mut inner, |shell, inner| {
                    shell.list(inner, &group.list, stdin)
                });
                state.adopt(inner);
                out
            }
            CompoundCommand::ForClause(each) => self.for_each(state, each, stdin),
            CompoundCommand::ArithmeticForClause(each) => self.for_sum(state, each, stdin),
            CompoundCommand::WhileClause(each) => {
                self.turns(state, &each.0, &each.1.list, stdin, false)
            }
            CompoundCommand::UntilClause(each) => {
                self.turns(state, &each.0, &each.1.list, stdin, true)
            }
            CompoundCommand::IfClause(branch) => {
                let mut out = self.list(state, &branch.condition, stdin);
                let mut known = self.condition(state, &branch.condition);
                out = out.and(self.branch(state, &branch.then, stdin, known == Some(false)));
                for branch in branch.elses.iter().flatten() {
                    let is_done = known == Some(true);
                    if let Some(condition) = &branch.condition {
                        out = out.and(self.branch(state, condition, stdin, is_done));
                        known = known.and_then(|known| match known {
                            true => Some(true),
                            false => self.condition(state, condition),
                        });
                        let is_skipped = is_done || known == Some(false);
                        out = out.and(self.branch(state, &branch.body, stdin, is_skipped));
                    } else {
                        out = out.and(self.branch(state, &branch.body, stdin, is_done));
                    }
                }
                out
            }
            CompoundCommand::CaseClause(case) => {
                self.fields(state, &case.value.value);
                let mut out = Data::default();
                for branch in case.cases.iter().filter_map(|case| case.cmd.as_ref()) {
                    out = out.and(self.list(state, branch, stdin));
                }
                out
            }
            CompoundCommand::Coprocess(process) => {
                self.command(state, &process.body, stdin.clone())
            }
            CompoundCommand::Arithmetic(sum) => {
                self.number(state, &sum.expr.value);
                Data::default()
            }
        }
    }

    /// One of several ways, of which this may be known not to be gone.
    fn branch(
        &mut self,
        state: &mut State,
        list: &CompoundList,
        stdin: &Data,
        is_skipped: bool,
    ) -> Data {
        if !is_skipped {
            return self.list(state, list, stdin);
        }
        self.skipped(state, |shell, aside| drop(shell.list(aside, list, stdin)));
        Data::default()
    }

    fn test(&mut self, state: &mut State, test: &ExtendedTestExpr) {
        match test {
            ExtendedTestExpr::And(one, other) | ExtendedTestExpr::Or(one, other) => {
                self.test(state, one);
                self.test(state, other);
            }
            ExtendedTestExpr::Not(test) | ExtendedTestExpr::Parenthesized(test) => {
                self.test(state, test);
            }
            ExtendedTestExpr::UnaryTest(_, word) => drop(self.fields(state, &word.value)),
            ExtendedTestExpr::BinaryTest(_, one, other) => {
                self.fields(state, &one.value);
                self.fields(state, &other.value);
            }
        }
    }

    fn simple(&mut self, state: &mut State, command: &SimpleCommand, stdin: Data) -> Data {
        if !self.step() {
            return Data::default();
        }
        let mut argv: Vec<String> = Vec::new();
        let mut redirects = Vec::new();
        let mut assignments = Vec::new();
        for item in command.prefix.iter().flat_map(|prefix| &prefix.0) {
            match item {
                Item::AssignmentWord(assignment, _) => assignments.push(assignment),
                Item::IoRedirect(redirect) => redirects.push(redirect),
                Item::Word(word) => argv.extend(self.fields(state, &word.value)),
                Item::ProcessSubstitution(..) => {}
            }
        }
        // They hold for the words behind it only if there is no command; whoever sets `IFS` there means to.
        let is_command = command.word_or_name.is_some();
        let mut before = Vec::new();
        for assignment in assignments {
            if let AssignmentName::VariableName(name) = &assignment.name
                && is_command
                && is_of_one_command(name)
            {
                before.push((name.clone(), state.variables.get(name).cloned()));
            }
            self.assign(state, assignment);
        }
        if let Some(word) = &command.word_or_name {
            argv.extend(self.fields(state, &word.value));
        }
        let is_declaration = matches!(
            argv.first().map(String::as_str),
            Some("export" | "declare" | "local" | "readonly" | "typeset")
        );
        for item in command.suffix.iter().flat_map(|suffix| &suffix.0) {
            match item {
                Item::Word(word) => argv.extend(self.fields(state, &word.value)),
                Item::AssignmentWord(assignment, _) if is_declaration => {
                    self.assign(state, assignment);
                    // `declare -n b=a`: another name for the same.
                    let is_name = |word: &String| word.starts_with('-') && word.contains('n');
                    if let (true, AssignmentName::VariableName(name)) =
                        (argv.iter().any(is_name), &assignment.name)
                    {
                        let meant = state.variable(name);
                        let same = state.variable(&meant);
                        state.set(name, vec![same]);
                        state.references.insert(name.clone(), meant);
                    }
                }
                Item::AssignmentWord(assignment, word) => match &assignment.value {
                    AssignmentValue::Scalar(_) => argv.extend(self.fields(state, &word.value)),
                    AssignmentValue::Array(_) => argv.push(word.value.clone()),
                },
                Item::IoRedirect(redirect) => redirects.push(redirect),
                Item::ProcessSubstitution(kind, group) => {
                    argv.push(self.process_substitution(state, kind, group));
                }
            }
        }
        let (stdin, files) = self.redirects_of(state, &redirects, stdin);
        if argv.is_empty() {
            // A file that is written by nothing is emptied; what is only read is what comes out of `$(<file)`.
            let nothing = if stdin.is_any() && files.is_empty() {
                stdin
            } else {
                Data::text("")
            };
            return self.written(state, &files, nothing);
        }
        let is_far = |name: &String| name.starts_with("/dev/tcp/") || name.starts_with("/dev/udp/");
        if files.iter().any(|(name, _)| is_far(name)) {
            programs::to_far(self, &argv);
        }
        let out = self.call(state, argv, stdin);
        for (name, value) in before {
            state.restore(&name, value);
        }
        self.written(state, &files, out)
    }
}

/// Variables that say how one command works, or where: `RAILS_ENV=test` before one says nothing of the next.
fn is_of_one_command(name: &str) -> bool {
    [
        "IFS",
        "HOME",
        "_ENV",
        "_URL",
        "_DATABASE",
        "HOST",
        "PORT",
        "DATABASE",
        "_MODULE",
        "_NAME",
        "_FILE",
    ]
    .iter()
    .any(|end| name.ends_with(end))
}
