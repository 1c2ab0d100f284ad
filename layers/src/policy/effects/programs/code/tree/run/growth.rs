//! What grows until there is no memory left.

use super::{
    super::{
        syntax::{Call, Node, Target},
        values::Value,
    },
    Runner,
};
use crate::policy::effects::Exhaust;

impl Runner<'_, '_> {
    /// Something that is put twice into itself, without end.
    pub(super) fn doubled(&mut self, target: &Target, node: &Node, value: &Value) {
        let Target::Name(name) = target else {
            return;
        };
        if self.endless + self.lasting == 0 {
            return;
        }
        let is_long = matches!(value, Value::Text(_) | Value::List(_));
        let is_twice = match (self.find(name), value) {
            (Some(Value::Text(before)), Value::Text(text)) => {
                !before.is_empty()
                    && text.len() >= 2 * before.len()
                    && text.starts_with(before.as_str())
                    && text.ends_with(before.as_str())
            }
            _ => is_long && node.doubles(name),
        };
        if is_twice {
            self.exhausted(Exhaust::Memory);
        }
    }

    /// An operation whose result is far longer than what went in.
    pub(super) fn multiplied(&mut self, op: &str, left: &Value, right: &Value) {
        let is_doubled = matches!((left, right), (Value::Text(a), Value::Text(b)) if op == "+" && a == b && a.len() > 1 << 14);
        if is_doubled {
            self.exhausted(Exhaust::Memory);
        }
        let is_huge = |value: &Value| value.number().is_some_and(|n| n >= 1e10);
        let is_long = |value: &Value| matches!(value, Value::Text(_) | Value::List(_));
        if op == "*" && (is_long(left) && is_huge(right) || is_huge(left) && is_long(right)) {
            self.exhausted(Exhaust::Memory);
        }
    }

    /// `a.extend(a)`, without end.
    pub(super) fn added(&mut self, of: &Node, call: &Call, to: &Value) {
        let Node::Member(_, name) = &call.function else {
            return;
        };
        let is_itself =
            matches!((of, call.args.as_slice()), (Node::Name(a), [Node::Name(b)]) if a == b);
        let adds = ["push", "extend", "concat"];
        if self.endless + self.lasting > 0
            && is_itself
            && adds.contains(&name.as_str())
            && matches!(to, Value::Text(_) | Value::List(_))
        {
            self.exhausted(Exhaust::Memory);
        }
    }
}
