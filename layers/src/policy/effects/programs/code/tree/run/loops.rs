//! Loops: over what is known as often as that is, and a few times over anything else.

use super::{
    super::{
        syntax::{Each, Node, While},
        values::{
            Args, MAX_ITEMS, MAX_TEXT, Value,
            functions::{ENDLESS, MANY},
            texts,
        },
    },
    Flow, MAX_STEPS, Runner,
};

/// How many rounds of a loop are told in full.
const ROUNDS: usize = 24;
/// How often a loop is gone through that is ended by something that nobody knows.
const TURNS: usize = 8;
/// What a loop gives that was not gone through to its end.
const CUT_OFF: &str = "loop()";

impl Runner<'_, '_> {
    pub(super) fn each(&mut self, each: &Each) -> Value {
        let over = self.eval(&each.over);
        let Some(items) = over.items() else {
            return self.each_of_unknown(each, over);
        };
        // Who makes processes by the hundred makes them without end.
        let is_many = items.len() >= 64;
        self.often += usize::from(is_many);
        let (mut values, mut told, mut left) = (Vec::new(), 0, None);
        let mut is_whole = true;
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 && self.is_tired() {
                is_whole = false;
                self.forget(&each.body);
                break;
            }
            self.assign(&each.target, item);
            let is_kept = self.kept(each);
            let value = self.round(&each.body, &mut told);
            if is_kept && left.is_none() {
                values.push(value);
            }
            if self.flow.take() == Some(Flow::Ends) && left.is_none() {
                left = Some((self.snapshot(), self.out.clone()));
            }
        }
        self.often -= usize::from(is_many);
        if let Some((before, out)) = left {
            self.restore(before);
            self.out = out;
        }
        match is_whole {
            true => Value::list(values),
            false => Value::Name(CUT_OFF.to_owned()),
        }
    }

    /// Once, for all that may come.
    fn each_of_unknown(&mut self, each: &Each, over: Value) -> Value {
        let is = |known| matches!(&over, Value::Name(name) if name == known);
        let endless = usize::from(is(ENDLESS) && !each.body.leaves());
        let often = usize::from(is(MANY) && !each.body.leaves());
        self.endless += endless;
        self.often += often;
        let one = match over {
            Value::Name(name) => Value::Name(format!("{}()", name.trim_end_matches("()"))),
            other => other,
        };
        self.assign(&each.target, one);
        let is_kept = self.kept(each);
        let value = self.eval(&each.body);
        self.flow = None;
        self.endless -= endless;
        self.often -= often;
        // There everything is a loop, and what comes of all of them is what counts.
        if self.language == "awk" {
            self.forget(&each.body);
        }
        Value::list(if is_kept { vec![value] } else { Vec::new() })
    }

    /// Whether an item counts. If nobody knows, it does.
    fn kept(&mut self, each: &Each) -> bool {
        let mut is_kept = true;
        for condition in &each.only {
            is_kept &= self.eval(condition).number() != Some(0.0);
        }
        is_kept
    }

    /// One round. Of those behind the first ones only that is told which means something.
    fn round(&mut self, body: &Node, told: &mut usize) -> Value {
        let before = self.shell.count();
        let value = self.eval(body);
        if self.shell.count() > before {
            *told += 1;
            if *told > ROUNDS {
                self.shell.forget_everyday(before);
            }
        }
        value
    }

    /// Whether loops are cut off, so that what stands behind them is read as well.
    fn is_tired(&self) -> bool {
        self.steps < MAX_STEPS / 3
    }

    /// A loop was cut off: what it would have made of its variables is not known.
    fn forget(&mut self, body: &Node) {
        for name in body.changes() {
            if let Some(
                value @ (Value::Text(_) | Value::Number(_) | Value::List(_) | Value::Map(_)),
            ) = self.find_mut(&name)
            {
                *value = Value::Name(CUT_OFF.to_owned());
            }
        }
    }

    pub(super) fn repeated(&mut self, each: &While) -> Value {
        let endless = usize::from(each.is_endless);
        // `while s`: nothing in the body makes it end, if that only adds to it.
        let lasting = usize::from(matches!(each.condition, Node::Name(_)) && !each.body.leaves());
        self.endless += endless;
        self.lasting += lasting;
        // What decides by itself tells nothing; what may end it stands in the body.
        let is_set = matches!(each.condition, Node::Number(_) | Node::Nothing);
        let (mut last, mut told, mut is_whole) = (None, 0, is_set && each.is_endless);
        for round in 0..MAX_ITEMS {
            let is_on = match self.eval(&each.condition) {
                // A text that stays the same tells nothing.
                Value::Text(text) if !text.is_empty() && last.as_ref() != Some(&text) => {
                    last = Some(text);
                    Some(1.0)
                }
                value => value.number(),
            };
            if round > 0
                && (is_on != Some(1.0) && !is_set || is_set && round >= TURNS || self.is_tired())
            {
                is_whole |= is_on == Some(0.0);
                break;
            }
            self.round(&each.body, &mut told);
            if self.flow.take() == Some(Flow::Ends) {
                is_whole = true;
                break;
            }
        }
        if !is_whole {
            self.forget(&each.body);
        }
        self.endless -= endless;
        self.lasting -= lasting;
        Value::Nothing
    }

    /// `map`, `filter`, `forEach` and the like.
    pub(super) fn over(
        &mut self,
        items: &[Value],
        name: &str,
        function: &Value,
        args: &Args,
    ) -> Value {
        if matches!(name, "reduce" | "inject") {
            return self.reduced(items, function, args);
        }
        let (mut kept, mut told) = (Vec::new(), 0);
        for (at, item) in items.iter().enumerate() {
            if at > 0 && self.is_tired() {
                return Value::Name(CUT_OFF.to_owned());
            }
            let before = self.shell.count();
            let mut values = vec![item.clone()];
            if matches!(function, Value::Function(..)) {
                values.push(Value::Number(f64::from(
                    u32::try_from(at).unwrap_or(u32::MAX),
                )));
            }
            let value = self.call(function.clone(), &Args::of(values));
            match name {
                "filter" | "select" | "reject" => {
                    let is_kept = value.number() != Some(f64::from(u8::from(name == "reject")));
                    kept.extend(is_kept.then(|| item.clone()));
                }
                "forEach" | "each" | "sort" | "sort_by" | "sortBy" | "each_with_index" => {
                    kept.push(item.clone());
                }
                _ => kept.push(value),
            }
            if self.shell.count() > before {
                told += 1;
                if told > ROUNDS {
                    self.shell.forget_everyday(before);
                }
            }
        }
        let kept = Value::list(kept);
        match name {
            "flatMap" | "flat_map" => self.member(kept, "flat"),
            _ => kept,
        }
    }

    /// What a function makes of each place that a pattern finds in a text.
    pub(super) fn replaced(&mut self, text: &str, from: &Value, function: &Value) -> Option<Value> {
        let (mut out, mut end) = (String::new(), 0);
        for place in texts::places(text, from)? {
            if self.is_tired() || out.len() > MAX_TEXT {
                return Some(Value::Name(CUT_OFF.to_owned()));
            }
            let found = Value::Text(text.get(place.clone())?.to_owned());
            // In some languages it stands first among what has been found of it.
            let found = match self.language {
                "php" | "python" | "pypy" => Value::list(vec![found]),
                _ => found,
            };
            let made = self.call(function.clone(), &Args::of(vec![found]));
            out.push_str(text.get(end..place.start)?);
            out.push_str(&made.written());
            end = place.end;
        }
        out.push_str(text.get(end..)?);
        Some(Value::made(out))
    }

    fn reduced(&mut self, items: &[Value], function: &Value, args: &Args) -> Value {
        let (mut sum, rest) = match (args.values.get(1), items.split_first()) {
            (Some(first), _) => (first.clone(), items),
            (None, Some((first, rest))) => (first.clone(), rest),
            (None, None) => return Value::unknown(),
        };
        for (at, item) in rest.iter().enumerate() {
            if at > 0 && self.is_tired() {
                return Value::Name(CUT_OFF.to_owned());
            }
            sum = self.call(function.clone(), &Args::of(vec![sum, item.clone()]));
        }
        sum
    }

    /// `map(f, list)`, and `reduce(f, list, start)`.
    pub(super) fn mapped(&mut self, name: &str, args: &Args) -> Value {
        let (function, over) = (args.get(0), args.get(1));
        let Some(items) = over.items() else {
            return self.call(function, &Args::of(vec![over]));
        };
        let name = if name == "array_map" { "map" } else { name };
        if name == "starmap" {
            let values = items.into_iter().map(|item| {
                let args = item.items().unwrap_or_default();
                self.call(function.clone(), &Args::of(args))
            });
            return Value::list(values.collect());
        }
        let mut rest = args.clone();
        rest.values.remove(1);
        self.over(&items, name, &function, &rest)
    }
}
