//! Loops: how often they are gone through, and those that never end.

use brush_parser::ast::{
    ArithmeticForClauseCommand, AssignmentName, AssignmentValue, Command,
    CommandPrefixOrSuffixItem as Item, CompoundList, ForClauseCommand, SeparatorOperator,
};

use super::{
    super::{Act, Exhaust, Git, Write, mark},
    Data, Shell, State,
};

/// How many turns of a loop are looked at.
const TURNS: usize = 256;
/// And how many of one that stands in another, or that goes on for as long as something is so.
const FEW: usize = 16;

impl Shell<'_> {
    pub(super) fn for_each(
        &mut self,
        state: &mut State,
        each: &ForClauseCommand,
        stdin: &Data,
    ) -> Data {
        let values: Vec<_> = match &each.values {
            Some(words) => words
                .iter()
                .flat_map(|word| self.fields(state, &word.value))
                .collect(),
            None => state.args.clone(),
        };
        let most = if self.loops > 0 { FEW } else { TURNS };
        let mut out = Data::default();
        let start = self.count();
        let is_loop = usize::from(values.len() > 1);
        self.loops += is_loop;
        for (turn, value) in values.into_iter().take(most).enumerate() {
            // A turn is only taken for what is there.
            let value = value.replace(mark::CONTENT, mark::LINE.encode_utf8(&mut [0; 4]));
            let is_unsure = |c| mark::is_unsure(c) && !matches!(c, mark::PACKED | mark::SECRET);
            let value = value.replace(is_unsure, mark::SOME.encode_utf8(&mut [0; 4]));
            state.set(&each.variable_name, vec![value]);
            let before = self.count();
            out = out.and(self.list(state, &each.body.list, stdin));
            self.repeated(start, before, turn);
        }
        self.loops -= is_loop;
        out
    }

    pub(super) fn for_sum(
        &mut self,
        state: &mut State,
        each: &ArithmeticForClauseCommand,
        stdin: &Data,
    ) -> Data {
        let text = |sum: &Option<brush_parser::ast::UnexpandedArithmeticExpr>| {
            sum.as_ref()
                .map(|sum| sum.value.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        let (start, condition, step) = (
            text(&each.initializer),
            text(&each.condition),
            text(&each.updater),
        );
        let is_endless = condition.as_deref().is_none_or(|text| text == "1");
        if let Some(start) = &start {
            self.arithmetic(state, start);
        }
        let before = self.count();
        let mut out = Data::default();
        let most = if self.loops > 0 { FEW } else { TURNS };
        self.loops += 1;
        for turn in 0..most {
            let since = self.count();
            let goes_on = condition
                .as_deref()
                .map(|condition| self.number(state, condition));
            // What is not run at all hides nothing either.
            if goes_on == Some(Some(0)) && turn > 0 {
                break;
            }
            out = out.and(self.list(state, &each.body.list, stdin));
            self.repeated(before, since, turn);
            let step = step.as_deref().and_then(|step| self.number(state, step));
            if step.is_none() || !matches!(goes_on, Some(Some(_))) {
                break;
            }
        }
        self.loops -= 1;
        self.endless(&each.body.list, is_endless, before);
        out
    }

    /// `while` and `until`.
    pub(super) fn turns(
        &mut self,
        state: &mut State,
        condition: &CompoundList,
        body: &CompoundList,
        stdin: &Data,
        until: bool,
    ) -> Data {
        let is_fixed = !condition.to_string().contains('$');
        let is_endless = is_fixed && self.condition(state, condition) == Some(!until);
        let lines: Vec<Data> = match &stdin.text {
            Some(text) if !text.is_empty() => text
                .lines()
                .take(if self.loops > 0 { FEW } else { TURNS })
                .map(|line| stdin.with_text(Some(line.to_owned())))
                .collect(),
            _ => Vec::new(),
        };
        let start = self.count();
        let mut out = Data::default();
        self.loops += 1;
        for (turn, stdin) in lines.iter().enumerate() {
            let before = self.count();
            out = out.and(self.list(state, condition, stdin));
            out = out.and(self.list(state, body, stdin));
            self.repeated(start, before, turn);
        }
        if lines.is_empty() {
            for turn in 0..FEW {
                out = out.and(self.list(state, condition, stdin));
                let goes_on = self.condition(state, condition).map(|is_so| is_so != until);
                if goes_on == Some(false) && turn > 0 {
                    break;
                }
                out = out.and(self.list(state, body, stdin));
                if goes_on != Some(true) || is_fixed {
                    break;
                }
            }
        }
        self.loops -= 1;
        let drops = self.effects.iter().skip(start).any(|effect| {
            let what = Git::DropStash;
            matches!(&effect.act, Act::Git { what: found, .. } if *found == what)
        });
        if drops {
            self.act(Act::Git {
                what: Git::DropStash,
                target: "clear".to_owned(),
            });
        }
        self.endless(body, is_endless, start);
        out
    }

    /// A loop without an end that never waits, and in each turn starts something, writes something, or remembers more.
    fn endless(&mut self, body: &CompoundList, is_endless: bool, before: usize) {
        if !is_endless || waits(body) {
            return;
        }
        let forks = body
            .0
            .iter()
            .any(|item| matches!(item.1, SeparatorOperator::Async));
        let nested = body.to_string();
        let evidence = std::mem::replace(&mut self.evidence, nested.clone());
        if forks || nested.contains(" &)") || nested.contains("& ") {
            self.act(Act::Exhaust {
                what: Exhaust::Processes,
            });
        }
        if self
            .effects
            .iter()
            .skip(before)
            .any(|effect| fills(&effect.act))
            || names_many(&nested)
        {
            self.act(Act::Exhaust {
                what: Exhaust::Disk,
            });
        }
        if grows(body) {
            self.act(Act::Exhaust {
                what: Exhaust::Memory,
            });
        }
        self.evidence = evidence;
    }

    /// What has been done in earlier turns is not said again; what is everyday is not, after some.
    fn repeated(&mut self, start: usize, before: usize, turn: usize) {
        if turn > FEW {
            self.forget_everyday(before);
        }
        let count = before.saturating_sub(start);
        let earlier: Vec<Act> = self
            .effects
            .iter()
            .skip(start)
            .take(count)
            .map(|effect| effect.act.clone())
            .collect();
        self.effects
            .keep(before, |effect| !earlier.contains(&effect.act));
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

/// Whether a variable is longer after each turn.
fn grows(body: &CompoundList) -> bool {
    let pipelines = body.0.iter().flat_map(|item| {
        let more = item.0.additional.iter().map(|next| match next {
            brush_parser::ast::AndOr::And(next) | brush_parser::ast::AndOr::Or(next) => next,
        });
        std::iter::once(&item.0.first).chain(more)
    });
    let commands = pipelines.flat_map(|pipeline| &pipeline.seq);
    let assignments = commands
        .filter_map(|command| match command {
            Command::Simple(command) => command.prefix.as_ref(),
            _ => None,
        })
        .flat_map(|prefix| &prefix.0)
        .filter_map(|item| match item {
            Item::AssignmentWord(assignment, _) => Some(assignment),
            _ => None,
        });
    assignments.into_iter().any(|assignment| {
        let AssignmentName::VariableName(name) = &assignment.name else {
            return assignment.append;
        };
        match &assignment.value {
            AssignmentValue::Scalar(word) => {
                let value = word.value.trim_start_matches('"');
                // A sum is no longer than the one before.
                let is_sum = value.starts_with("$(");
                let names_itself = [format!("${name}"), format!("${{{name}}}")]
                    .iter()
                    .any(|itself| value.contains(itself));
                !is_sum && (assignment.append || names_itself)
            }
            AssignmentValue::Array(words) => {
                assignment.append
                    || words
                        .iter()
                        .any(|(_, word)| word.value.contains(&format!("{name}[@]")))
            }
        }
    })
}

/// Whether files are written whose names are others in each turn.
fn names_many(body: &str) -> bool {
    body.split('>').skip(1).any(|target| {
        let target = target.trim_start().split([' ', ';', '\n', ')']).next();
        target.is_some_and(|target| target.contains('$') && !target.starts_with('&'))
    })
}

/// Whether a disk is full if that is done again and again.
fn fills(act: &Act) -> bool {
    match act {
        Act::Write { path, how } => *how == Write::Append || path.resolved.contains('$'),
        Act::Copy { .. } => true,
        _ => false,
    }
}
