//! `luthien replay`.

pub(in crate::cli) mod compare;
pub(in crate::cli) mod recorded;
mod report;
#[cfg(test)]
mod tests;

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use luthien::{
    limit::Repair,
    policy::Sessions,
    record::store::{AnyStore, SessionRow, Store},
};

use self::{
    compare::{Kind, Outcome, compare},
    report::Report,
};
use super::{Failure, Settings, Which, ask, say, sessions_of, short};
use crate::{
    cli::{policy::chosen::Policies, table},
    config::Document,
    keyfile, policy, record,
    trial::Trial,
};

pub(in super::super) const HELP: &str = "\
Every exchange goes through the layers of a sidecar once more, in this process and without a network: what its client has
asked, and what the provider has answered, in the order of each conversation, so that policies remember what came before.
What comes of it is compared with what was recorded. Ends with 1 if anything would come out otherwise.

Policies that ask models get the answers that were recorded to the same questions; exchanges in which something else would be
asked are counted, and not compared. Policies of the kind `http` are left out.

Examples:
  luthien replay --since 7d --policies stricter.yaml
  luthien --config new.yaml replay --set database=sqlite:/srv/luthien.db --report replay.json
  luthien replay 4f1c2a --policies stricter.yaml
";

#[derive(Debug, Args)]
pub(in super::super) struct Replay {
    /// Sessions, by their names. All that the filters let through, if none is named.
    sessions: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// The policies of this file (`policies` and `policy`, as in a configuration), in place of those of the configuration.
    #[arg(long, value_name = "FILE")]
    policies: Option<PathBuf>,
    /// Everything that came of it, as JSON into this file.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

pub(in super::super) fn run(settings: &Settings, replay: &Replay) -> Result<ExitCode, Failure> {
    let (trial, left_out, repair) = policies(settings, replay)?;
    let report = ask(settings, async |store| {
        let sessions = sessions_of(&store, &replay.sessions, &replay.which).await?;
        let names = trial.entries.iter().map(|entry| entry.name().to_owned());
        let mut replayer = Replayer {
            report: Report::new(names, left_out.clone()),
            store,
            trial: &trial,
            repair,
            tells: io::stderr().is_terminal(),
        };
        // The earliest first: what was said later is read later.
        for session in sessions.iter().rev() {
            replayer.session(session).await?;
        }
        if replayer.tells {
            writeln!(io::stderr())?;
        }
        Ok(replayer.report)
    })?;
    if let Some(path) = &replay.report {
        let text = format!("{}\n", serde_json::to_string_pretty(&report)?);
        fs::write(path, text)
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    print(&report)?;
    Ok(if report.changes.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A policy that asks a service: offline there is none.
const OVER_THE_NETWORK: &str = "http";

/// The policies to be tried out, those of them that cannot be, and how requests are put right.
fn policies(settings: &Settings, replay: &Replay) -> Result<(Trial, Vec<String>, Repair), Failure> {
    let document = match &replay.policies {
        Some(file) => Document::read(file)?.with_files()?,
        None => settings.sources().document()?.0,
    };
    let mut policies: Policies = document.parse()?;
    let mut left_out = Vec::new();
    policies.policies.retain(|policy| {
        let reviewers = policy.parallel.iter().flat_map(|parallel| &parallel.of);
        let mut kinds = reviewers
            .map(|reviewer| reviewer.builtin.as_str())
            .chain(policy.builtin.as_deref());
        let asks = kinds.any(|kind| kind == OVER_THE_NETWORK);
        if asks {
            left_out.push(policy.own_name().to_owned());
        }
        !asks
    });
    let (loaded, _) = settings.load()?;
    let config = &loaded.config;
    let own = policy::Own {
        config: settings.config.as_deref(),
        agents: config.listen,
        admin: config.admin.listen,
    };
    let keys = keyfile::path(config.identity.keys.as_deref());
    let data = [&[keys], &*record::files(config)].concat();
    policies.policies = own.told_to(&policies.policies, &data);
    let trial = policies.trial().map_err(|error| document.placed(error))?;
    let repair = Repair {
        duplicate_tools: config.repair.duplicate_tools.0,
        orphan_tool_results: config.repair.orphan_tool_results.0,
    };
    Ok((trial, left_out, repair))
}

struct Replayer<'a> {
    report: Report,
    store: AnyStore,
    trial: &'a Trial,
    repair: Repair,
    tells: bool,
}

impl Replayer<'_> {
    async fn session(&mut self, session: &SessionRow) -> Result<(), Failure> {
        let remembered = Sessions::default();
        let mut cursor = None;
        self.report.sessions += 1;
        loop {
            let page = self
                .store
                .transactions(&session.session_id, cursor, 200)
                .await?;
            for row in &page.items {
                self.exchange(&row.transaction_id, &remembered).await?;
            }
            if self.tells {
                let (sessions, compared) = (self.report.sessions, self.report.compared);
                write!(io::stderr(), "\r{sessions} sessions, {compared} exchanges")?;
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }

    async fn exchange(&mut self, id: &str, remembered: &Sessions) -> Result<(), Failure> {
        let Some(exchange) = self.store.transaction(id).await? else {
            return Ok(());
        };
        let recorded = match recorded::read(&self.store, &exchange).await? {
            Ok(recorded) => recorded.within(remembered, self.repair),
            Err(why) => {
                self.report.skip(why);
                return Ok(());
            }
        };
        let tried = self
            .trial
            .run_in(&recorded.scenario, &recorded.around)
            .await;
        if recorded.answers.unanswered() > 0 {
            self.report.unanswered.push(id.to_owned());
            return Ok(());
        }
        let is_error = !recorded.around.status.is_success();
        let after = Outcome::of(tried, recorded.has_reply, is_error);
        let differs = compare(&recorded.outcome, &after, recorded.is_whole);
        let session = exchange.session_id.as_deref();
        self.report
            .add(session, id, differs, (&recorded.outcome, &after));
        Ok(())
    }
}

fn print(report: &Report) -> Result<(), Failure> {
    let policies = &report.policies;
    if !policies.is_empty() {
        let head = ["policy", "blocks now", "no longer blocks", "edits", "fails"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for (policy, counts) in policies {
            let count = |kind| counts.get(&kind).copied().unwrap_or_default().to_string();
            let mut row = vec![short(policy, 40)];
            row.extend(Kind::ALL.map(count));
            rows.push(row);
        }
        table(&rows)?;
        say("")?;
    }
    for kind in Kind::ALL {
        let changes = report.changes.iter().filter(|change| change.kind == kind);
        let rows: Vec<_> = changes
            .map(|change| {
                let session = change.session_id.as_deref().unwrap_or_default();
                vec![
                    short(&change.transaction_id, 40),
                    short(session, 40),
                    short(&change.why(), 120),
                ]
            })
            .collect();
        if !rows.is_empty() {
            say(&format!("{}: {}", kind.words(), rows.len()))?;
            table(&rows)?;
            say("")?;
        }
    }
    for policy in &report.left_out {
        say(&format!(
            "Left out, for it asks over the network: {}.",
            short(policy, 64)
        ))?;
    }
    if !report.unanswered.is_empty() {
        say(&format!(
            "Not compared, for a model would be asked what it was not asked then: {}.",
            report.unanswered.len()
        ))?;
    }
    for (why, count) in &report.skipped {
        say(&format!("Not replayed, {why}: {count}."))?;
    }
    let (changes, compared) = (report.changes.len(), report.compared);
    say(&match changes {
        0 => format!("All {compared} exchanges would end as they did."),
        _ => format!("{changes} of {compared} exchanges would end otherwise."),
    })?;
    Ok(())
}
