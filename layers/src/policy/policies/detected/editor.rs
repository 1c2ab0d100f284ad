use super::{Action, Counts, Detected, Where, redacted};
use crate::policy::{
    Context, TextEditor, TextEdits,
    detect::{Class, Flow},
};

/// Redacts a text while it flows, and counts.
pub(super) struct Editor {
    policy: Detected,
    cx: Context,
    flow: Flow,
    counts: Counts,
    last: Option<Class>,
}

impl Editor {
    pub(super) fn new(policy: Detected, cx: Context) -> Self {
        Self {
            flow: Flow::new(policy.detector),
            policy,
            cx,
            counts: Counts::default(),
            last: None,
        }
    }

    fn redacts(&self, class: Class) -> bool {
        self.policy.action(class) == Action::Redact
    }
}

impl TextEditor for Editor {
    fn look_behind(&self) -> usize {
        Flow::MOST
    }

    fn edit(&mut self, text: &str, last: bool) -> TextEdits {
        let settled = self.flow.push(text, last);
        let mut replacements = Vec::new();
        // The rest of something of which a mark stands there already.
        if let (Some(rest), Some(class)) = (settled.goes_on, self.last)
            && self.redacts(class)
        {
            replacements.push((rest, String::new()));
        }
        for finding in settled.findings {
            self.counts.add(Where::Replies, finding.class);
            self.last = Some(finding.class);
            if self.redacts(finding.class) {
                replacements.push((finding.span, redacted(finding.class)));
            }
        }
        if last {
            self.counts.tell(&self.policy, &self.cx);
        }
        TextEdits {
            settled: settled.bytes,
            replacements,
        }
    }
}
