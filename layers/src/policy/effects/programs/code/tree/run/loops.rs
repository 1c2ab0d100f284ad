//! Loops: over what is known as often as that is, and a few times over anything else.

use super::{
    super::{
        syntax::{Each, Node, While},
        values::{Args, MAX_ITEMS, Value, functions::ENDLESS},
    },
    Flow, ROUNDS, Runner,
};

impl Runner<'_, '_> {
    pub(super) fn each(&mut self, each: &Each) -> Value {
        let over = self.eval(&each.over);
        if matches!(&over, Value::Name(name) if name == ENDLESS) && !each.body.leaves() {
            self.endless += 1;
            self.assign(&each.target, Value::unknown());
            let value = self.eval(&each.body);
            self.endless -= 1;
            return Value::list(vec![value]);
        }
        let Some(items) = over.items() else {
            let one = match over {
                Value::Name(name) => Value::Name(format!("{}()", name.trim_end_matches("()"))),
                other => other,
            };
            self.assign(&each.target, one);
            return match self.kept(each) {
                true => Value::list(vec![self.eval(&each.body)]),
                false => Value::list(Vec::new()),
            };
        };
        // Who makes processes by the hundred makes them without end.
        let is_many = items.len() >= 64;
        self.endless += usize::from(is_many);
        let mut values = Vec::new();
        let mut rounds = 0;
        for item in items {
            if self.steps == 0 {
                break;
            }
            self.assign(&each.target, item);
            if !self.kept(each) {
                continue;
            }
            let before = self.shell.count();
            values.push(self.eval(&each.body));
            rounds += usize::from(self.shell.count() > before);
            if self.flow.take() == Some(Flow::Ends) || rounds >= ROUNDS {
                break;
            }
        }
        self.endless -= usize::from(is_many);
        Value::list(values)
    }

    /// Whether an item counts. If nobody knows, it does.
    pub(super) fn kept(&mut self, each: &Each) -> bool {
        let mut is_kept = true;
        for condition in &each.only {
            is_kept &= self.eval(condition).number() != Some(0.0);
        }
        is_kept
    }

    pub(super) fn repeated(&mut self, each: &While) -> Value {
        let endless = usize::from(each.is_endless);
        self.endless += endless;
        let mut last = None;
        for round in 0..MAX_ITEMS {
            let is_on = match self.eval(&each.condition) {
                // A text that stays the same tells nothing.
                Value::Text(text) if !text.is_empty() && last.as_ref() != Some(&text) => {
                    last = Some(text);
                    Some(1.0)
                }
                value => value.number(),
            };
            if self.steps == 0 || round > 0 && is_on != Some(1.0) {
                break;
            }
            let before = self.shell.count();
            self.eval(&each.body);
            if self.flow.take() == Some(Flow::Ends) {
                break;
            }
            let is_same = matches!(each.condition, Node::Number(_) | Node::Nothing);
            if is_same || self.shell.count() > before && round >= ROUNDS {
                break;
            }
        }
        self.endless -= endless;
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
            let (first, rest) = match args.values.get(1) {
                Some(first) if args.values.len() > 1 => (first.clone(), items),
                _ => match items.split_first() {
                    Some((first, rest)) => (first.clone(), rest),
                    None => return Value::unknown(),
                },
            };
            return rest.iter().fold(first, |sum, item| {
                self.call(function.clone(), &Args::of(vec![sum, item.clone()]))
            });
        }
        let mut kept = Vec::new();
        let mut rounds = 0;
        for (at, item) in items.iter().enumerate() {
            let before = self.shell.count();
            let at = f64::from(u32::try_from(at).unwrap_or(u32::MAX));
            let mut values = vec![item.clone()];
            if matches!(function, Value::Function(..)) {
                values.push(Value::Number(at));
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
            rounds += usize::from(self.shell.count() > before);
            if rounds >= ROUNDS || self.steps == 0 {
                break;
            }
        }
        let kept = Value::list(kept);
        match name {
            "flatMap" | "flat_map" => self.member(kept, "flat"),
            _ => kept,
        }
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
