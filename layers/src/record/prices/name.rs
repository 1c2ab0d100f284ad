//! The names under which a model goes.

/// Longer names are no model's.
const LONGEST: usize = 256;

/// The forms of a model's name, from the one that stands there to the plainest: without the place where it runs, without a date
/// and a version, as its vendor writes it. `us.anthropic.claude-opus-4-1-20250805-v1:0` is `claude-opus-4-1` as well.
pub(super) fn forms(model: &str) -> Vec<String> {
    if model.len() > LONGEST {
        return Vec::new();
    }
    let mut forms = vec![model.to_owned()];
    let mut add = |form: &str| {
        if !form.is_empty() && forms.iter().all(|known| known != form) {
            forms.push(form.to_owned());
        }
    };
    let lower = model.to_ascii_lowercase();
    add(&lower);
    let mut name = lower.rsplit('/').next().unwrap_or_default();
    add(name);
    for vendor in ["anthropic.", "openai."] {
        name = name.rsplit_once(vendor).map_or(name, |(_, name)| name);
    }
    add(name);
    while let Some(shorter) = shorter(name) {
        name = shorter;
        add(name);
    }
    if name.starts_with("claude") {
        add(&name.replace('.', "-"));
    }
    forms
}

/// The name without the last thing behind it that makes no other model of it.
fn shorter(name: &str) -> Option<&str> {
    if let Some((name, _)) = name.rsplit_once('@') {
        return Some(name);
    }
    if let Some(name) = name.strip_suffix("[1m]").or(name.strip_suffix("-latest")) {
        return Some(name);
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((name, revision)) = name.rsplit_once(':') {
        return is_number(revision).then_some(name);
    }
    let (before, last) = name.rsplit_once('-')?;
    let is_version = last.strip_prefix('v').is_some_and(is_number);
    if is_version || (last.len() == 8 && is_number(last)) {
        return Some(before);
    }
    // 2026-11-28
    let (before, month) = before.rsplit_once('-')?;
    let (before, year) = before.rsplit_once('-')?;
    let lengths = [year.len(), month.len(), last.len()];
    let is_date = lengths == [4, 2, 2] && [year, month, last].into_iter().all(is_number);
    is_date.then_some(before)
}
