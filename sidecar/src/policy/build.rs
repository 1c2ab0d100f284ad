use std::{collections::BTreeMap, time::Duration};

use luthien::policy::{self, BuildError, Entry, Mode, Parallel, When, builtins};
use serde_json::{Map, Value};

use super::secrets;
use crate::config::{
    self, ConfigError, Coverage, Fail, Policy, PolicyMode, PolicySettings, Reviewer, Time, below,
    in_our_words, nearest,
};

/// The policies of a list that stands under `policies`, in order.
pub(crate) fn build(policies: &[Policy]) -> Result<Vec<Entry>, ConfigError> {
    let mut names = Names::default();
    let policies = policies.iter().enumerate();
    policies
        .map(|(index, policy)| entry(&format!("policies.{index}"), policy, &mut names))
        .collect()
}

/// What stands under `policy`.
pub(crate) fn settings(settings: &PolicySettings) -> policy::PolicySettings {
    policy::PolicySettings {
        held: settings.held.0,
        show_arguments: settings.show_arguments,
        coverage_required: settings.coverage == Coverage::Required,
        project: settings.project.clone().map(String::from),
        home: settings.home.clone().map(String::from),
    }
}

fn entry<'a>(path: &str, policy: &'a Policy, names: &mut Names<'a>) -> Result<Entry, ConfigError> {
    names.take(path, policy)?;
    let entry = match (&policy.builtin, &policy.parallel) {
        (Some(builtin), None) => alone(path, builtin, &policy.with)?,
        (None, Some(parallel)) if policy.with.is_empty() => together(path, parallel)?,
        (None, Some(_)) => {
            let error = ConfigError::new(format!("{path}.with"), "belongs to one of those in `of`");
            return Err(error);
        }
        (Some(_), Some(_)) => {
            let message = "expected `use` or `parallel`, and not both";
            return Err(ConfigError::new(format!("{path}.parallel"), message));
        }
        (None, None) => {
            let message = "expected `use`, or `parallel`";
            return Err(ConfigError::new(path, message).with_hint(
                "such as `use: deny-tools`; `luthien policy list` shows what there is",
            ));
        }
    };
    let entry = Place {
        path,
        name: policy.name.as_deref(),
        mode: policy.mode,
        fail: policy.fail,
        deadline: policy.deadline,
        when: policy.when.as_deref(),
    }
    .of(entry.with_name(policy.own_name()))?;
    Ok(match policy.system {
        true => entry.with_system(),
        false => entry,
    })
}

/// A policy that comes with Luthien.
fn alone(path: &str, name: &str, with: &Map<String, Value>) -> Result<Entry, ConfigError> {
    let known = || builtins().iter().map(|builtin| builtin.name);
    let Some(builtin) = builtins().iter().find(|builtin| builtin.name == name) else {
        let error = ConfigError::new(
            format!("{path}.use"),
            format!("no policy is named {name:?}"),
        );
        return Err(match nearest(name, known()) {
            Some(nearest) => error.with_hint(format!("did you mean `{nearest}`?")),
            None => {
                let known = known().collect::<Vec<_>>().join(", ");
                error.with_hint(format!("there are: {known}"))
            }
        });
    };
    let mut with = with.clone();
    secrets::resolve(&format!("{path}.with"), name, &mut with)?;
    let built = builtin.build(&Value::Object(with));
    built.map_err(|error| wrong(&format!("{path}.with"), &error))
}

/// Several that look at the same time.
fn together(path: &str, parallel: &config::Parallel) -> Result<Entry, ConfigError> {
    let path = format!("{path}.parallel");
    let of = parallel.of.iter().enumerate();
    let members = of.map(|(index, member)| reviewer(&format!("{path}.of.{index}"), member));
    let members = members.collect::<Result<_, _>>()?;
    let built = Parallel::new(parallel.decide.clone(), members);
    let built = built.map_err(|error| wrong(&path, &error))?;
    Ok(built.into_entry("parallel"))
}

fn reviewer(path: &str, reviewer: &Reviewer) -> Result<Entry, ConfigError> {
    let entry = alone(path, &reviewer.builtin, &reviewer.with)?;
    let name = reviewer.name.as_deref();
    let place = Place {
        path,
        name,
        mode: reviewer.mode,
        fail: reviewer.fail,
        deadline: reviewer.deadline,
        when: reviewer.when.as_deref(),
    };
    place.of(match name {
        Some(name) => entry.with_name(name),
        None => entry,
    })
}

fn wrong(path: &str, error: &BuildError) -> ConfigError {
    in_our_words(below(path, error.path()), error.message())
}

/// Where a policy stands, and how.
struct Place<'a> {
    path: &'a str,
    name: Option<&'a str>,
    mode: PolicyMode,
    fail: Fail,
    deadline: Option<Time>,
    when: Option<&'a str>,
}

impl Place<'_> {
    fn of(&self, entry: Entry) -> Result<Entry, ConfigError> {
        let wrong = |name: &str, message: &str| {
            let path = format!("{}.{name}", self.path);
            ConfigError::new(path, message)
        };
        if self.name.is_some_and(|name| !is_name(name)) {
            let message = "expected at most 64 letters, digits, `-`, `_` and `.`";
            return Err(wrong("name", message));
        }
        let mut entry = entry.with_mode(mode(self.mode)).with_fail(fail(self.fail));
        if let Some(Time(deadline)) = self.deadline {
            if deadline == Duration::MAX {
                let message = "a policy that may think for ever would hold a reply for ever";
                return Err(wrong("deadline", message).with_hint("set a time, such as 30s"));
            }
            entry = entry.with_deadline(deadline);
        }
        if let Some(when) = self.when {
            let when = when.parse::<When>();
            entry = entry.with_condition(when.map_err(|error| wrong("when", &error.to_string()))?);
        }
        Ok(entry)
    }
}

fn mode(mode: PolicyMode) -> Mode {
    match mode {
        PolicyMode::Enforce => Mode::Enforce,
        PolicyMode::Warn => Mode::Warn,
        PolicyMode::Observe => Mode::Observe,
        PolicyMode::Shadow => Mode::Shadow,
    }
}

fn fail(fail: Fail) -> policy::Fail {
    match fail {
        Fail::Closed => policy::Fail::Closed,
        Fail::Open => policy::Fail::Open,
    }
}

/// Names that are taken, and where.
#[derive(Default)]
struct Names<'a>(BTreeMap<&'a str, String>);

impl<'a> Names<'a> {
    fn take(&mut self, path: &str, policy: &'a Policy) -> Result<(), ConfigError> {
        let name = policy.own_name();
        match self.0.insert(name, path.to_owned()) {
            None => Ok(()),
            Some(other) => {
                let message = format!("{other} is named {name:?} as well");
                Err(ConfigError::new(path, message).with_hint("give one of them another `name`"))
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}
