//! Ways that code may go, or not.

use super::{
    super::{syntax::Node, values::Value},
    Flow, Runner,
};

impl Runner<'_, '_> {
    /// What a loop leaves out, as far as anybody knows here. It might not: what it does counts, what it changes does not.
    pub(super) fn passed_over(&mut self, nodes: &[Node]) {
        let Some(flow) = self.flow.filter(|_| !nodes.is_empty()) else {
            return;
        };
        for node in nodes {
            self.in_vain(node);
        }
        self.flow = Some(flow);
    }

    /// What is done only if nobody knows better: what it does counts, what it changes and writes does not.
    fn in_vain(&mut self, node: &Node) {
        if matches!(node, Node::Nothing | Node::Break | Node::Next) {
            return;
        }
        let (before, out) = (self.snapshot(), self.out.clone());
        let flow = self.flow.take();
        self.vain += 1;
        self.eval(node);
        self.vain -= 1;
        self.flow = flow;
        self.out = out;
        self.restore(before);
    }

    /// Both ways are gone, whatever decides. Where that is known, one of them in vain.
    pub(super) fn decided(&mut self, parts: &[Node; 3]) -> Value {
        let [condition, then, or] = parts;
        let Some(decision) = self.eval(condition).number() else {
            let values = [self.eval(then), self.eval(or)];
            // Whether the loop goes on is not known then.
            self.flow = None;
            let [then, or] = values;
            return if then.is_known() { then } else { or };
        };
        if decision == 0.0 {
            self.in_vain(then);
            return self.eval(or);
        }
        let value = self.eval(then);
        match then {
            Node::Next => self.flow = Some(Flow::Next),
            Node::Break => self.flow = Some(Flow::Ends),
            _ => {}
        }
        self.in_vain(or);
        value
    }
}
