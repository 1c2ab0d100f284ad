//! Tables of what the other benches have measured, printed or put into a page. `scripts/bench` runs it last.

mod markdown;
mod measured;
#[path = "../support/page.rs"]
mod page;

use std::{
    env,
    io::{self, Write},
};

use luthien_core::Dialect;
use markdown::table;
use measured::{Failure, Measured};

/// What a room may cost per event, in nanoseconds.
const BUDGET: f64 = 50.0;

fn main() -> Result<(), Failure> {
    let (bench, arguments): (Vec<_>, Vec<_>) = env::args()
        .skip(1)
        .partition(|argument| argument == "--bench");
    // A test run, before anything is measured.
    if bench.is_empty() {
        return Ok(());
    }
    let measured = Measured::open();
    let mut page = None;
    for argument in &arguments {
        let table = match argument.as_str() {
            "vocabulary" => vocabulary(&measured)?,
            "rooms" => rooms(&measured)?,
            "stack" => stack(&measured)?,
            "policy" => policy(&measured)?,
            other => {
                let path = other.strip_prefix("--write=").ok_or_else(|| {
                    format!(
                        "{other:?}: expected --write=FILE, then vocabulary, rooms, stack or policy"
                    )
                })?;
                page = Some(path.to_owned());
                continue;
            }
        };
        write!(io::stdout(), "\n{argument}\n\n{table}")?;
        if let Some(page) = &page {
            page::put(page, argument, &table)?;
        }
    }
    Ok(())
}

fn vocabulary(measured: &Measured) -> Result<String, Failure> {
    let mut requests = vec![];
    for (size, dialects) in [
        ("2 KB", &[Dialect::Anthropic] as &[_]),
        ("100 KB", &Dialect::ALL),
        ("1.5 MB", &[Dialect::Anthropic]),
    ] {
        for dialect in dialects {
            let case = format!("{size} {}", dialect.name());
            let [luthien, ignored, value] = measured
                .times("request", &case, ["luthien", "ignored", "value"])?
                .map(|time| time / 1e3);
            requests.push(vec![
                case,
                format!("{luthien:.1}"),
                format!("{ignored:.1}"),
                format!("{value:.1}"),
                format!("{:.2}", luthien / ignored),
                format!("{:.2}", luthien / value),
            ]);
        }
    }
    let requests = table(
        &[
            "request, µs",
            "Luthien",
            "`IgnoredAny`",
            "`Value`",
            "of `IgnoredAny`",
            "of `Value`",
        ],
        1,
        requests,
    );
    let mut events = vec![];
    for dialect in Dialect::ALL {
        let name = dialect.name();
        let [whole, cut] = measured.times("frames", name, ["by event", "cut"])?;
        let [luthien, value] = measured.times("events", name, ["luthien", "value"])?;
        events.push(vec![
            name.to_owned(),
            format!("{whole:.0}"),
            format!("{cut:.0}"),
            format!("{:.1}", 1e3 / whole),
            format!("{luthien:.0}"),
            format!("{value:.0}"),
            format!("{:.2}", luthien / value),
        ]);
    }
    let events = table(
        &[
            "event, ns",
            "cut, one a piece",
            "cut, in crumbs",
            "million cut a second",
            "decoded",
            "`Value`",
            "of `Value`",
        ],
        1,
        events,
    );
    Ok(format!("{requests}\n{events}"))
}

/// In the order of the stack.
fn rooms(measured: &Measured) -> Result<String, Failure> {
    let one: &[Dialect] = &[Dialect::Anthropic];
    let all: &[Dialect] = &Dialect::ALL;
    let mut rows = vec![];
    for (room, dialects) in [
        ("none", one),
        ("identity", one),
        ("session", all),
        ("limit", all),
        ("rate", one),
        ("rate of tokens", all),
        ("deadline", one),
        ("metrics", all),
        ("breaker", one),
        ("record", all),
        ("upstream", one),
    ] {
        for dialect in dialects {
            let mut row = vec![room.to_owned(), dialect.name().to_owned()];
            let group = format!("room {room}");
            for form in ["streamed", "whole"] {
                let case = format!("{} {form}", dialect.name());
                let [without, with] = measured.times(&group, &case, ["without", "with"])?;
                let adds = with - without;
                row.extend([format!("{without:.0}"), format!("{with:.0}")]);
                let missed = form == "streamed" && adds > BUDGET;
                let missed = if missed { " (missed)" } else { "" };
                row.push(format!("{adds:+.0}{missed}"));
            }
            rows.push(row);
        }
    }
    let head = [
        "room",
        "dialect",
        "event without, ns",
        "with",
        &format!("adds (to reach: ≤ {BUDGET})"),
        "whole exchange without, ns",
        "with",
        "adds",
    ];
    Ok(table(&head, 2, rows))
}

fn stack(measured: &Measured) -> Result<String, Failure> {
    let mut rows = vec![];
    for (form, unit) in [("streamed", "event"), ("whole", "whole exchange")] {
        for dialect in Dialect::ALL {
            let case = format!("{} {form}", dialect.name());
            let [nothing, gates, stack] =
                measured.times("stack", &case, ["nothing", "gates", "stack"])?;
            rows.push(vec![
                unit.to_owned(),
                dialect.name().to_owned(),
                format!("{nothing:.0}"),
                format!("{gates:.0}"),
                format!("{stack:.0}"),
                format!("{:+.0}", gates - nothing),
                format!("{:+.0}", stack - gates),
            ]);
        }
    }
    let head = [
        "per",
        "dialect",
        "no layer, ns",
        "gates",
        "stack",
        "the gates add",
        "the rooms add",
    ];
    Ok(table(&head, 2, rows))
}

/// What the layer may add to an event that no policy watches, of what the gates take.
const UNWATCHED: f64 = 0.05;
/// What holding a call and letting it go may take, in nanoseconds.
const HOLDING: f64 = 20_000.0;

/// What finding out what an everyday command does may take, in nanoseconds.
const EVERYDAY: f64 = 50_000.0;

/// How many events the exchanges have by which policies are measured.
const ELEMENTS: f64 = 200.0;
/// Policies by themselves.
const EACH: &[(&str, &str)] = &[
    ("read", "that is read at all"),
    ("noop", "`noop`"),
    ("all-caps", "`all-caps`"),
    ("replace", "`replace`, in requests and replies"),
    ("indicator", "`indicator`"),
    ("conversation-link", "`conversation-link`"),
    ("debug-log", "`debug-log`, with nobody to read it"),
    ("deny-tools", "`deny-tools`"),
    ("block-web-requests", "`block-web-requests`"),
    ("rules", "`rules`, one with a pattern"),
    ("dangerous-commands", "`dangerous-commands`"),
    ("sensitive-files", "`sensitive-files`"),
    ("network-egress", "`network-egress`"),
    ("self-protection", "`self-protection`"),
    ("flow", "`flow`"),
];

fn policy(measured: &Measured) -> Result<String, Failure> {
    let missed = |missed: bool| if missed { " (missed)" } else { "" };
    let mut rows = vec![];
    for dialect in Dialect::ALL {
        let case = format!("{} streamed", dialect.name());
        let [gates, none, elsewhere, read, text] = measured.times(
            "policy",
            &case,
            ["gates", "none", "elsewhere", "read", "text"],
        )?;
        let share = |time: f64| {
            let share = time / gates - 1.0;
            format!("{:+.1} %{}", share * 100.0, missed(share > UNWATCHED))
        };
        rows.push(vec![
            dialect.name().to_owned(),
            format!("{gates:.0}"),
            share(none),
            share(elsewhere),
            format!("{:+.0}", read - gates),
            format!("{:+.0}", text - gates),
        ]);
    }
    let events = table(
        &[
            "an event of",
            "gates, ns",
            &format!("no policy (to reach: ≤ {:+.0} %)", UNWATCHED * 100.0),
            "one that watches no reply",
            "one that reads it adds, ns",
            "one that edits text adds, ns",
        ],
        1,
        rows,
    );
    let mut rows = vec![];
    for dialect in [Dialect::Anthropic, Dialect::Responses] {
        // Two calls, which are judged at once.
        let case = format!("{} whole", dialect.name());
        let [read, calls, rules] = measured.times("policy", &case, ["read", "calls", "rules"])?;
        let one = (calls - read) / 2.0;
        rows.push(vec![
            dialect.name().to_owned(),
            format!("{:.1}{}", one / 1e3, missed(one > HOLDING)),
            format!("{:+.1}", (rules - calls) / 2e3),
        ]);
    }
    let calls = table(
        &[
            "a call of",
            &format!(
                "judged, held, let go, µs (to reach: ≤ {:.0})",
                HOLDING / 1e3
            ),
            "a rule with a pattern adds, µs",
        ],
        1,
        rows,
    );
    let mut rows = vec![];
    for (variant, words) in [
        ("read", "read"),
        ("edited", "read, and looked through by an editor"),
        ("no-apologies", "by `no-apologies`"),
        ("no-yapping", "by `no-yapping`"),
        ("plain-dashes", "by `plain-dashes`"),
        ("prefer-uv", "by `prefer-uv`"),
    ] {
        let [time] = measured.times("policy window", "long text", [variant])?;
        rows.push(vec![words.to_owned(), format!("{:.0}", 1e3 / time)]);
    }
    let windows = table(&["text that flows", "MB a second"], 1, rows);
    let mut rows = vec![];
    for name in [
        "everyday",
        "disguise",
        "Python",
        "JavaScript",
        "disguise in Python",
        "64 KiB of disguise",
    ] {
        let [time] = measured.times("policy effects", name, ["effects"])?;
        let late = missed(name == "everyday" && time > EVERYDAY);
        rows.push(vec![name.to_owned(), format!("{:.1}{late}", time / 1e3)]);
    }
    let effects = table(
        &[
            "what a command does",
            &format!("found out in µs (everyday: ≤ {:.0})", EVERYDAY / 1e3),
        ],
        1,
        rows,
    );
    let mut rows = vec![];
    for (case, words, elements) in [
        ("long text", "a KB of text that flows", 1e3),
        ("anthropic streamed", "an event", 1.0),
    ] {
        let variants = ["read", "secrets", "personal-data", "secret-vault"];
        let [read, secrets, personal, vault] = measured.times("policy search", case, variants)?;
        let of = |time: f64| format!("{:+.0}", (time - read) * elements);
        rows.push(vec![words.to_owned(), of(secrets), of(personal), of(vault)]);
    }
    let search = table(
        &[
            "looked through",
            "`secrets` adds, ns",
            "`personal-data` adds, ns",
            "`secret-vault` adds, ns",
        ],
        1,
        rows,
    );
    let mut rows = vec![];
    for (name, words) in EACH {
        let [gates, with] = measured.times("policy each", "anthropic streamed", ["gates", name])?;
        // Of the whole exchange.
        let added = (with - gates) * ELEMENTS / 1e3;
        rows.push(vec![(*words).to_owned(), format!("{added:+.1}")]);
    }
    let each = table(
        &["an exchange with text and a call", "adds to the gates, µs"],
        1,
        rows,
    );
    Ok(format!(
        "{events}\n{calls}\n{windows}\n{effects}\n{search}\n{each}"
    ))
}
