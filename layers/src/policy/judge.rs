//! One block before all policies that watch it.

use std::sync::Arc;

use futures_util::future::join_all;
use luthien_core::{
    decision::{Decision, DecisionId, Failure, Mode, Outcome, Phase, Severity, Skip},
    reject::{Rejection, RejectionKind},
    reply::BlockId,
};

use super::{
    Denial, Entry, Fail, Verdict, Watches,
    ask::{Answered, Failed, ask},
    entry::Subject,
    notice,
    run::Run,
};

/// What becomes of a block.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) fate: Fate,
    /// What is to be said in front of what is left: warnings, or why it is gone.
    pub(crate) words: Vec<String>,
    /// Whether the attempt ends here: of the calls in this reply none goes out.
    pub(crate) ends: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It goes out as it came.
    #[default]
    Keep,
    /// It goes out with this as its content.
    Change(String),
    /// It does not go out.
    Drop,
}

/// The same call denied so often running ends the attempt.
const RUNNING: u32 = 3;
/// So do this many denials in one conversation.
const ALL: u32 = 20;

/// Judges a block. Nothing of it may have gone out yet, nor will before this has answered.
pub(crate) async fn judge(run: Arc<Run>, subject: Subject) -> Judged {
    begin_shadows(&run, &subject);
    let mut bench = Bench {
        original: subject.content(),
        run: &run,
        subject,
        withheld: false,
        judged: Judged::default(),
    };
    bench.judge().await;
    bench.judged
}

struct Bench<'a> {
    run: &'a Arc<Run>,
    /// What came.
    original: Arc<str>,
    /// What earlier policies have made of it.
    subject: Subject,
    /// Whether what it says, or said, is nobody's business any more: see [`Watches::CONFIDENTIAL`].
    withheld: bool,
    judged: Judged,
}

impl Bench<'_> {
    async fn judge(&mut self) {
        let run = self.run;
        let mut group: Vec<&Entry> = Vec::new();
        let mut applied = 0;
        let entries = run.entries(self.subject.watch());
        for entry in entries.filter(|entry| entry.mode != Mode::Shadow) {
            if !run.applies(entry, &self.subject) {
                run.skip(entry, &self.subject, Skip::Condition);
                continue;
            }
            applied += 1;
            if applied == 1 && self.is_ambiguous(entry) {
                return;
            }
            // Whoever may change it is asked alone: those behind him are to see what he has made of it.
            if entry.watches.has(Watches::CHANGES) {
                self.hear(&std::mem::take(&mut group)).await;
                self.hear(&[entry]).await;
            } else {
                group.push(entry);
            }
        }
        self.hear(&group).await;
    }

    fn is_gone(&self) -> bool {
        self.judged.fate == Fate::Drop
    }

    /// Asks policies at the same time, and takes what they say in their order.
    async fn hear(&mut self, entries: &[&Entry]) {
        if self.is_gone() {
            for entry in entries {
                self.run.skip(entry, &self.subject, Skip::Refused);
            }
            return;
        }
        let (run, subject) = (self.run, &self.subject);
        let asked = entries.iter().map(|entry| async move {
            run.shared.ledger.ask(&Run::decision_on(entry, subject));
            let cx = run.context(entry);
            let answered = ask(entry, &cx, entry.policy.judge(subject, &cx)).await;
            (answered, cx.take_notes())
        });
        let answers = join_all(asked).await;
        let objects = |(entry, (answered, _)): (&&Entry, &(Answered<Verdict>, _))| {
            entry.watches.has(Watches::CONFIDENTIAL)
                && !matches!(answered.answer, Ok(Verdict::Allow))
        };
        // Those who were asked at the same time have seen it as well.
        self.withheld |= entries.iter().zip(&answers).any(objects);
        for (entry, (answered, notes)) in entries.iter().zip(answers) {
            let Answered { answer, latency } = answered;
            let mut decision = Run::decision_on(entry, &self.subject);
            decision.latency = latency;
            notes.tell(&mut decision);
            if self.withheld {
                // A judge was shown it, and may have spoken of it.
                for consulted in &mut decision.consulted {
                    (consulted.asked, consulted.answered) = ("".into(), "".into());
                }
            }
            self.take(entry, answer, &mut decision);
            self.run.tell(&decision);
        }
    }

    /// For the record, unless it does not belong there.
    fn recorded(&self, content: impl Into<Arc<str>>) -> Option<Arc<str>> {
        (!self.withheld).then(|| content.into())
    }

    fn shows_arguments(&self) -> bool {
        self.run.set.settings.show_arguments && !self.withheld
    }

    /// Takes what a policy has said.
    fn take(&mut self, entry: &Entry, answer: Result<Verdict, Failed>, decision: &mut Decision) {
        match answer {
            Ok(Verdict::Allow) => {}
            Ok(Verdict::Replace(content)) => self.replace(entry, &content, decision),
            Ok(Verdict::Warn { denial, content }) => {
                decision.outcome = Outcome::Modify;
                if let Some(content) = content {
                    self.replace(entry, &content, decision);
                }
                if decision.outcome == Outcome::Modify {
                    self.warn(entry, &denial, decision);
                }
            }
            Ok(Verdict::Drop(words)) => {
                decision.outcome = Outcome::Modify;
                decision.before = self.recorded(self.original.clone());
                decision.after = self.recorded(words.as_str());
                if entry.is_enforced() && !self.is_gone() {
                    decision.applied = true;
                    self.judged.fate = Fate::Drop;
                    self.judged.words.push(words);
                }
            }
            Ok(Verdict::Block(denial)) => {
                decision.outcome = Outcome::Block;
                self.refuse(entry, &denial, decision);
            }
            Ok(Verdict::Ask(denial)) => {
                decision.outcome = Outcome::Ask;
                // Nobody is there to be asked yet.
                let denial = Denial {
                    remedy: Some(
                        "a person would have to approve this, and approvals are not set up".into(),
                    ),
                    ..denial
                };
                self.refuse(entry, &denial, decision);
            }
            Err(failed) => self.fail(entry, &failed, decision),
        }
    }

    fn replace(&mut self, entry: &Entry, content: &str, decision: &mut Decision) {
        let Some(changed) = self.subject.with_content(content) else {
            let failed = Failed::new(
                Failure::Invalid,
                "what it put in place is not what can stand there",
            );
            return self.fail(entry, &failed, decision);
        };
        decision.outcome = Outcome::Modify;
        decision.before = self.recorded(self.subject.content());
        decision.after = self.recorded(content);
        if entry.is_enforced() && !self.is_gone() {
            decision.applied = true;
            self.judged.fate = Fate::Change(content.to_owned());
            self.subject = changed;
        }
    }

    fn warn(&mut self, entry: &Entry, denial: &Denial, decision: &mut Decision) {
        say_why(denial, decision);
        if matches!(entry.mode, Mode::Enforce | Mode::Warn) && !self.is_gone() {
            let notice = notice::Notice {
                denial,
                subject: &self.subject,
                decision: decision.id,
                show_arguments: self.shows_arguments(),
            };
            decision.applied = true;
            self.judged.words.push(notice.warning());
        }
    }

    fn refuse(&mut self, entry: &Entry, denial: &Denial, decision: &mut Decision) {
        say_why(denial, decision);
        decision.before = self.recorded(self.original.clone());
        let notice = notice::Notice {
            denial,
            subject: &self.subject,
            decision: decision.id,
            show_arguments: self.shows_arguments(),
        };
        match entry.mode {
            Mode::Enforce if !self.is_gone() => {
                decision.applied = true;
                self.judged.fate = Fate::Drop;
                self.judged.words.push(notice.blocked());
                self.count_denial();
            }
            Mode::Warn if !self.is_gone() => {
                decision.applied = true;
                self.judged.words.push(notice.warning());
            }
            _ => {}
        }
    }

    fn fail(&mut self, entry: &Entry, failed: &Failed, decision: &mut Decision) {
        decision.outcome = Outcome::Failed(failed.failure);
        decision.code = failed.code();
        decision.reason = failed.reason.clone();
        decision.severity = Severity::Critical;
        // A policy that panics over and over is closed, whatever was declared.
        let closed = entry.fail == Fail::Closed
            || failed.failure == Failure::Tripped
            || self.run.set.settings.coverage_required;
        if entry.is_enforced() && closed && !self.is_gone() {
            let denial = notice::failure();
            let notice = notice::Notice {
                denial: &denial,
                subject: &self.subject,
                decision: decision.id,
                show_arguments: self.shows_arguments(),
            };
            decision.applied = true;
            decision.before = self.recorded(self.original.clone());
            self.judged.fate = Fate::Drop;
            self.judged.words.push(notice.blocked());
        }
    }

    /// A call that two readers may read differently cannot be judged by one of them.
    fn is_ambiguous(&mut self, entry: &Entry) -> bool {
        let Subject::Call(call) = &self.subject else {
            return false;
        };
        if !call.is_ambiguous() {
            return false;
        }
        let mut decision = Run::decision_on(entry, &self.subject);
        decision.outcome = Outcome::Block;
        let denial = Denial::new("ambiguous_json", "its arguments can be read in two ways")
            .with_remedy("write each argument once");
        self.refuse(entry, &denial, &mut decision);
        self.run.tell(&decision);
        self.is_gone()
    }

    fn count_denial(&mut self) {
        let Subject::Call(call) = &self.subject else {
            return;
        };
        let what = format!("{}\0{}", call.name(), self.original);
        let denials = self.run.shared.session.denied(&what);
        if denials.running >= RUNNING {
            self.judged.ends = true;
            self.judged.words.push(notice::repeated(denials.running));
        } else if denials.all >= ALL {
            self.judged.ends = true;
            self.judged.words.push(notice::too_many(denials.all));
        }
    }
}

fn say_why(denial: &Denial, decision: &mut Decision) {
    decision.code = denial.code.as_ref().into();
    decision.reason = denial.for_operator().into();
    decision.severity = denial.severity;
}

/// A block of which nobody can say what it is: nobody is asked. It passes, unless all must be covered.
pub(crate) fn opaque(run: &Run, block: BlockId) -> Judged {
    let mut judged = Judged::default();
    for entry in run.entries(Watches::TOOL_CALLS) {
        let mut decision = Run::decision(entry, Phase::ToolCall);
        decision.block = Some(block);
        decision.outcome = Outcome::Skipped(Skip::Opaque);
        if entry.is_enforced() && run.set.settings.coverage_required && judged.fate == Fate::Keep {
            decision.applied = true;
            judged.fate = Fate::Drop;
            judged.words.push(notice::uncovered(decision.id));
        }
        run.tell(&decision);
    }
    judged
}

/// A policy that must look could not, and is closed: the reply cannot go on. Under this name it is recorded.
pub(crate) struct Closed(pub(crate) DecisionId);

impl From<Closed> for Rejection {
    fn from(Closed(decision): Closed) -> Self {
        let notice = notice::not_made("reply", decision);
        Self::new(RejectionKind::PolicyRefused, notice)
            .with_code("policy_failed")
            .with_should_retry(false)
    }
}

/// More has come than may be held: everyone who watches the reply has failed.
pub(crate) fn too_large(run: &Run) -> Result<(), Closed> {
    let mut refused = None;
    for entry in run.entries(Watches::REPLY) {
        if entry.mode == Mode::Shadow {
            continue;
        }
        let mut decision = Run::decision(entry, Phase::End);
        decision.outcome = Outcome::Failed(Failure::TooLarge);
        decision.code = "policy_too_large".into();
        decision.reason = "the reply is longer than may be held".into();
        decision.severity = Severity::Critical;
        let closed = entry.fail == Fail::Closed || run.set.settings.coverage_required;
        if entry.is_enforced() && closed {
            decision.applied = true;
            refused.get_or_insert(decision.id);
        }
        run.tell(&decision);
    }
    refused.map_or(Ok(()), |decision| Err(Closed(decision)))
}

/// A block that nobody holds: only those in the shadow look at it.
pub(crate) fn pass_over(run: &Arc<Run>, subject: &Subject) {
    let tool = subject.tool();
    let ledger = &run.shared.ledger;
    ledger.note(subject.phase(), subject.block(), tool.as_ref());
    begin_shadows(run, subject);
}

/// Asks those in the shadow, somewhere else.
fn begin_shadows(run: &Arc<Run>, subject: &Subject) {
    if !run.shadows(subject.watch()) {
        return;
    }
    for entry in run.entries(subject.watch()) {
        if entry.mode != Mode::Shadow {
            continue;
        }
        if !run.applies(entry, subject) {
            run.skip(entry, subject, Skip::Condition);
            continue;
        }
        let evaluation = {
            let (run, entry, subject) = (run.clone(), entry.clone(), subject.clone());
            async move { evaluate(&run, &entry, subject).await }
        };
        if !run.set.shadows.begin(evaluation) {
            run.skip(entry, subject, Skip::Overload);
        }
    }
}

async fn evaluate(run: &Arc<Run>, entry: &Entry, subject: Subject) {
    let cx = run.context(entry);
    let mut decision = Run::decision_on(entry, &subject);
    run.shared.ledger.ask(&decision);
    let Answered { answer, latency } = ask(entry, &cx, entry.policy.judge(&subject, &cx)).await;
    decision.latency = latency;
    cx.take_notes().tell(&mut decision);
    let mut bench = Bench {
        run,
        original: subject.content(),
        subject,
        withheld: false,
        judged: Judged::default(),
    };
    bench.withheld = entry.watches.has(Watches::CONFIDENTIAL);
    bench.take(entry, answer, &mut decision);
    run.tell(&decision);
}
