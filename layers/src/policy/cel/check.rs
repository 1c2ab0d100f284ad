//! What is looked at when a condition is loaded, so that nothing of it can surprise at run time: names, functions, patterns,
//! and how long it may take.

use std::collections::{BTreeMap, BTreeSet};

use cel::{
    IdedExpr,
    common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, operators},
};
use regex::{Regex, RegexBuilder};

use super::{
    ExpressionError, loops,
    names::{self, COUNTER, Vocabulary},
};
use crate::policy::known;

/// What an expression speaks of.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The variables.
    pub(super) variables: BTreeSet<&'static str>,
    /// Whether it looks at the arguments of a call, not only at the name of the tool.
    pub(super) input: bool,
    /// Whether it goes through lists.
    pub(super) loops: bool,
    /// The counters that it reads.
    pub(super) counters: BTreeSet<String>,
    /// The patterns that texts are matched with, compiled.
    pub(super) patterns: BTreeMap<String, Regex>,
}

/// The most bytes that a compiled pattern may take.
const PATTERN: usize = 1 << 20;
/// How deep an expression may be: whoever asks it goes into himself that often.
const DEPTH: usize = 24;

/// Checks an expression, and makes its loops count their steps.
pub(super) fn check(
    expression: &mut IdedExpr,
    vocabulary: Vocabulary,
) -> Result<Found, ExpressionError> {
    let mut walk = Walk {
        vocabulary,
        found: Found::default(),
        bound: Vec::new(),
        depth: 0,
    };
    walk.expression(expression)?;
    Ok(walk.found)
}

struct Walk {
    vocabulary: Vocabulary,
    found: Found,
    /// The names that loops around have given to elements.
    bound: Vec<String>,
    depth: usize,
}

impl Walk {
    fn expression(&mut self, expression: &mut IdedExpr) -> Result<(), ExpressionError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(ExpressionError::new("it is nested too deep"));
        }
        self.parts(expression)?;
        self.depth -= 1;
        Ok(())
    }

    fn parts(&mut self, expression: &mut IdedExpr) -> Result<(), ExpressionError> {
        if let Some(computed) = self.computed(&expression.expr)? {
            expression.expr = computed;
            return Ok(());
        }
        match &mut expression.expr {
            Expr::Unspecified | Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => {
                if name == "tool" {
                    self.found.input = true;
                }
                self.name(name)
            }
            Expr::Select(select) => self.member(&mut select.operand, &select.field),
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(each) => self.each(each),
            Expr::List(list) => list
                .elements
                .iter_mut()
                .try_for_each(|element| self.expression(element)),
            Expr::Map(map) => map.entries.iter_mut().try_for_each(|entry| {
                let EntryExpr::MapEntry(entry) = &mut entry.expr else {
                    return Ok(());
                };
                self.expression(&mut entry.key)?;
                self.expression(&mut entry.value)
            }),
            Expr::Struct(_) => Err(ExpressionError::new("a condition cannot make messages")),
        }
    }

    /// What stands in place of `request.text` and `session.count("name")`: a variable of its own.
    fn computed(&mut self, expression: &Expr) -> Result<Option<Expr>, ExpressionError> {
        match expression {
            Expr::Select(select) => {
                let Some(root) = self.root(&select.operand) else {
                    return Ok(None);
                };
                let name = format!("{root}.{}", select.field);
                let Some(known) = self.vocabulary.get(&name) else {
                    return Ok(None);
                };
                if select.test {
                    // It is always there.
                    let always = LiteralValue::Boolean(true.into());
                    return Ok(Some(Expr::Literal(always)));
                }
                self.found.variables.insert(known.name);
                Ok(Some(Expr::Ident(name)))
            }
            Expr::Call(call) if call.func_name == "count" && self.vocabulary.counts() => {
                let target = call.target.as_deref().and_then(|target| self.root(target));
                let name = match (target, call.args.as_slice()) {
                    (Some("session"), [name]) => &name.expr,
                    _ => return Ok(None),
                };
                let Expr::Literal(LiteralValue::String(name)) = name else {
                    return Err(ExpressionError::new(
                        "the name of a counter must be a text in quotes",
                    ));
                };
                self.found.counters.insert(name.inner().to_owned());
                Ok(Some(Expr::Ident(format!("{COUNTER}{}", name.inner()))))
            }
            _ => Ok(None),
        }
    }

    /// The name that an expression consists of, unless a loop has given it.
    fn root<'e>(&self, expression: &'e IdedExpr) -> Option<&'e str> {
        match &expression.expr {
            Expr::Ident(name) if !self.bound.contains(name) => Some(name),
            _ => None,
        }
    }

    fn name(&mut self, name: &str) -> Result<(), ExpressionError> {
        // What the parser has made up, or a loop has named.
        if name.starts_with('@') || self.bound.iter().any(|bound| bound == name) {
            return Ok(());
        }
        if let Some(known) = self.vocabulary.get(name) {
            self.found.variables.insert(known.name);
            return Ok(());
        }
        if names::TYPES.contains(&name) {
            return Ok(());
        }
        let variables = self.vocabulary.names();
        if names::is_variable(name) {
            return Err(ExpressionError::new(format!(
                "there is no {name:?} here; there are {}",
                variables.join(", ")
            )));
        }
        Err(ExpressionError::new(format!(
            "unknown name {name:?}{}; there are {}",
            known::hint(name, &variables),
            variables.join(", ")
        )))
    }

    /// `operand.member`
    fn member(&mut self, operand: &mut IdedExpr, member: &str) -> Result<(), ExpressionError> {
        let Expr::Ident(name) = &operand.expr else {
            return self.expression(operand);
        };
        let below = self.vocabulary.below(name);
        let known = self.vocabulary.get(name);
        if !self.bound.contains(name) && !below.is_empty() {
            return Err(match below.contains(&member) {
                true => ExpressionError::new(format!("write {name}.{member}")),
                false => no_member(name, member, &below),
            });
        }
        self.name(name)?;
        let Some(known) = known.filter(|_| !self.bound.contains(name)) else {
            return Ok(());
        };
        if known.members.is_empty() {
            let kind = if name == "decisions" { "list" } else { "text" };
            return Err(ExpressionError::new(format!(
                "{name:?} is a {kind}, it has no {member:?}"
            )));
        }
        if !known.members.contains(&member) {
            return Err(no_member(name, member, known.members));
        }
        self.found.input |= name == "tool" && member == "input";
        Ok(())
    }

    fn call(&mut self, call: &mut CallExpr) -> Result<(), ExpressionError> {
        let function = call.func_name.as_str();
        if !names::is_operator(function) && !names::FUNCTIONS.contains(&function) {
            let functions = [&names::FUNCTIONS[..], &names::MACROS].concat();
            return Err(ExpressionError::new(format!(
                "unknown function {function:?}{}; there are {}",
                known::hint(function, &functions),
                functions.join(", ")
            )));
        }
        if function == "matches" {
            self.pattern(call)?;
        }
        // `tool["name"]` is `tool.name`.
        if function == operators::INDEX
            && let [operand, index] = call.args.as_mut_slice()
            && let Expr::Literal(LiteralValue::String(member)) = &index.expr
        {
            return self.member(operand, member.inner());
        }
        if let Some(target) = &mut call.target {
            self.expression(target)?;
        }
        call.args
            .iter_mut()
            .try_for_each(|argument| self.expression(argument))
    }

    /// A pattern has to stand there as it is: one that was made of what a model wrote could not be compiled beforehand, and
    /// would be the model's.
    fn pattern(&mut self, call: &CallExpr) -> Result<(), ExpressionError> {
        let literal = call.args.last().map(|pattern| &pattern.expr);
        let Some(Expr::Literal(LiteralValue::String(pattern))) = literal else {
            return Err(ExpressionError::new(
                "the pattern of `matches` must be a text in quotes",
            ));
        };
        let pattern = pattern.inner();
        let compiled = RegexBuilder::new(pattern).size_limit(PATTERN).build();
        let compiled = compiled.map_err(|error| ExpressionError::new(error.to_string()))?;
        self.found.patterns.insert(pattern.to_owned(), compiled);
        Ok(())
    }

    /// A loop: what `all`, `exists`, `exists_one` and `filter` were made into.
    fn each(&mut self, each: &mut ComprehensionExpr) -> Result<(), ExpressionError> {
        self.found.loops = true;
        if names::is_variable(&each.iter_var) {
            return Err(ExpressionError::new(format!(
                "{:?} is a variable already: call the element otherwise",
                each.iter_var
            )));
        }
        // Inside the range the element has no name yet.
        self.expression(&mut each.iter_range)?;
        self.bound.push(each.iter_var.clone());
        for part in [
            &mut each.accu_init,
            &mut each.loop_cond,
            &mut each.loop_step,
            &mut each.result,
        ] {
            self.expression(part)?;
        }
        self.bound.pop();
        loops::count(each)
    }
}

fn no_member(name: &str, member: &str, known: &[&str]) -> ExpressionError {
    ExpressionError::new(format!(
        "{name:?} has no {member:?}{}; it has {}",
        known::hint(member, known),
        known.join(", ")
    ))
}
