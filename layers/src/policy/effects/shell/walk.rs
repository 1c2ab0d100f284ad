//! Lists, pipelines and compound commands.

use brush_parser::ast::{
    AndOr, Assignment, AssignmentName, AssignmentValue, Command, CommandPrefixOrSuffixItem as Item,
    CompoundCommand, CompoundList, ExtendedTestExpr, Pipeline, Program, SeparatorOperator,
    SimpleCommand,
};

use super::{
    super::{Act, Exhaust, Write, mark, programs},
    Data, Shell, State,
};

/// Variables in which a command stands.
const RUN: &[&str] = &[
    "PROMPT_COMMAND",
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
];

/// How many turns of a loop are looked at.
const TURNS: usize = 16;

impl Shell<'_> {
    pub(super) fn program(&mut self, state: &mut State, program: &Program, stdin: &Data) -> Data {
        let mut out = Data::default();
        for list in &program.complete_commands {
            out = out.and(self.list(state, list, stdin));
        }
        out
    }

    fn list(&mut self, state: &mut State, list: &CompoundList, stdin: &Data) -> Data {
        let mut out = Data::default();
        for item in &list.0 {
            let is_background = matches!(item.1, SeparatorOperator::Async);
            self.forks += usize::from(is_background);
            out = out.and(self.pipeline(state, &item.0.first, stdin));
            for next in &item.0.additional {
                let (AndOr::And(pipeline) | AndOr::Or(pipeline)) = next;
                out = out.and(self.pipeline(state, pipeline, stdin));
            }
            self.forks -= usize::from(is_background);
        }
        out
    }

    fn pipeline(&mut self, state: &mut State, pipeline: &Pipeline, stdin: &Data) -> Data {
        let mut data = stdin.clone();
        if let [command] = pipeline.seq.as_slice() {
            return self.command(state, command, data);
        }
        let cwd = state.cwd.clone();
        self.forks += 1;
        for command in &pipeline.seq {
            data = self.command(state, command, data);
            if !data.is_any() {
                data.is_hidden = true;
            }
            // Each is a shell of its own.
            state.cwd.clone_from(&cwd);
        }
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
                let cwd = state.cwd.clone();
                let out = self.list(state, &group.list, stdin);
                state.cwd = cwd;
                out
            }
            CompoundCommand::ForClause(each) => {
                let values: Vec<_> = match &each.values {
                    Some(words) => words
                        .iter()
                        .flat_map(|word| self.fields(state, &word.value))
                        .collect(),
                    None => state.args.clone(),
                };
                let mut out = Data::default();
                for value in values.into_iter().take(TURNS) {
                    // A turn is only taken for what is there.
                    let value = value.replace(mark::CONTENT, mark::LINE.encode_utf8(&mut [0; 4]));
                    let is_unsure = |c| mark::is_unsure(c) && c != mark::PACKED;
                    let value = value.replace(is_unsure, mark::SOME.encode_utf8(&mut [0; 4]));
                    state.set(&each.variable_name, vec![value]);
                    out = out.and(self.list(state, &each.body.list, stdin));
                }
                out
            }
            CompoundCommand::ArithmeticForClause(each) => {
                let is_endless = each
                    .condition
                    .as_ref()
                    .is_none_or(|condition| condition.value.trim().is_empty());
                self.endless(&each.body.list, is_endless);
                if let Some(start) = &each.initializer
                    && let Some((name, _)) = start.value.split_once('=')
                {
                    state.set(name.trim(), vec![mark::SOME.to_string()]);
                }
                self.list(state, &each.body.list, stdin)
            }
            CompoundCommand::WhileClause(each) => self.turns(
                state,
                &each.0,
                &each.1.list,
                stdin,
                &["true", ":", "[ 1 ]", "((1))", "[ 1 -eq 1 ]", "/bin/true"],
            ),
            CompoundCommand::UntilClause(each) => self.turns(
                state,
                &each.0,
                &each.1.list,
                stdin,
                &["false", "/bin/false"],
            ),
            CompoundCommand::IfClause(branch) => {
                let mut out = self.list(state, &branch.condition, stdin);
                out = out.and(self.list(state, &branch.then, stdin));
                for branch in branch.elses.iter().flatten() {
                    if let Some(condition) = &branch.condition {
                        out = out.and(self.list(state, condition, stdin));
                    }
                    out = out.and(self.list(state, &branch.body, stdin));
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
                if sum.expr.value.contains(['$', '`']) {
                    self.whole(state, &sum.expr.value);
                }
                Data::default()
            }
        }
    }

    /// `while` and `until`.
    fn turns(
        &mut self,
        state: &mut State,
        condition: &CompoundList,
        body: &CompoundList,
        stdin: &Data,
        endless: &[&str],
    ) -> Data {
        let is_endless = endless.contains(&condition.to_string().trim().trim_end_matches(';'));
        self.endless(body, is_endless);
        let lines: Vec<Data> = match &stdin.text {
            Some(text) if !text.is_empty() => text
                .lines()
                .take(TURNS)
                .map(|line| stdin.with_text(Some(line.to_owned())))
                .collect(),
            _ => vec![stdin.clone()],
        };
        let before = self.count();
        let mut out = Data::default();
        for stdin in lines {
            out = out.and(self.list(state, condition, &stdin));
            out = out.and(self.list(state, body, &stdin));
        }
        if is_endless
            && !waits(body)
            && self
                .effects
                .iter()
                .skip(before)
                .any(|effect| fills(&effect.act))
        {
            self.act(Act::Exhaust {
                what: Exhaust::Disk,
            });
        }
        out
    }

    /// A loop without an end that starts something in each turn and never waits.
    fn endless(&mut self, body: &CompoundList, is_endless: bool) {
        let forks = body
            .0
            .iter()
            .any(|item| matches!(item.1, SeparatorOperator::Async));
        let nested = body.to_string();
        if is_endless && !waits(body) && (forks || nested.contains(" &)") || nested.contains("& "))
        {
            nested.clone_into(&mut self.evidence);
            self.act(Act::Exhaust {
                what: Exhaust::Processes,
            });
        }
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
        for assignment in assignments {
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
                        let same = state.variable(&state.variable(name));
                        state.set(name, vec![same]);
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
        let out = self.invoke(state, argv, stdin);
        self.written(state, &files, out)
    }

    pub(super) fn assign(&mut self, state: &mut State, assignment: &Assignment) {
        let (AssignmentName::VariableName(name) | AssignmentName::ArrayElementName(name, _)) =
            &assignment.name;
        let mut value: Vec<String> = match &assignment.value {
            AssignmentValue::Scalar(word) => vec![self.whole(state, &word.value)],
            AssignmentValue::Array(words) => words
                .iter()
                .flat_map(|(_, word)| self.fields(state, &word.value))
                .collect(),
        };
        let is_element = matches!(assignment.name, AssignmentName::ArrayElementName(..));
        if assignment.append || is_element {
            let mut before = state.variables.get(name).cloned().unwrap_or_default();
            match (&assignment.value, before.last_mut()) {
                (AssignmentValue::Scalar(_), Some(last)) if !is_element => {
                    last.push_str(&value.concat());
                }
                _ => before.append(&mut value),
            }
            value = before;
        }
        if let AssignmentName::ArrayElementName(_, index) = &assignment.name {
            self.whole(state, index);
        }
        // What stands there is run by shells, and by programs that show or ask something.
        if RUN.contains(&name.as_str()) {
            self.text(state, &value.concat(), &Data::default());
        }
        programs::variable(self, name, &value);
        state.set(name, value);
    }
}

/// Whether there is something in a loop that takes its time, or ends it.
fn waits(body: &CompoundList) -> bool {
    let waiting: String = body
        .0
        .iter()
        .filter(|item| !matches!(item.1, SeparatorOperator::Async))
        .map(|item| format!("{}\n", item.0))
        .collect();
    // To end where something fails is none.
    let waiting = waiting.replace("|| break", "").replace("|| exit", "");
    let words = [
        "sleep",
        "wait",
        "read",
        "inotifywait",
        "timeout",
        "poll",
        "break",
        "exit",
        "return",
    ];
    let mut all = waiting.split(|c: char| !c.is_alphanumeric() && c != '_');
    all.any(|word| words.contains(&word))
}

/// Whether a disk is full if that is done again and again.
fn fills(act: &Act) -> bool {
    match act {
        Act::Write { path, how } => *how == Write::Append || path.resolved.contains('$'),
        Act::Copy { .. } => true,
        _ => false,
    }
}
