use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::Args;
use luthien::record::store::{AnyStore, SessionRow, Store};

use super::{Failure, Settings, ask, say, short, shown, times};

#[derive(Debug, Args)]
pub(in super::super) struct Forget {
    /// Sessions, by their whole names.
    #[arg(required = true, value_name = "SESSION")]
    sessions: Vec<String>,
    /// Does not ask.
    #[arg(long, short)]
    yes: bool,
}

pub(in super::super) fn run(settings: &Settings, forget: &Forget) -> Result<ExitCode, Failure> {
    ask(settings, async |store| {
        let mut names = forget.sessions.clone();
        names.sort_unstable();
        names.dedup();
        let mut sessions = Vec::new();
        for name in &names {
            sessions.push(find(&store, name).await?);
        }
        // All of them, or none: whoever names several wants to know before the first is gone.
        for name in &names {
            if store.is_held(name).await? {
                let name = shown(name);
                return Err(format!(
                    "{name} is held and nothing was deleted: `luthien hold {name} --off` lets go of it"
                )
                .into());
            }
        }
        if !forget.yes && !is_meant(&sessions)? {
            say("Nothing was deleted.")?;
            return Ok(ExitCode::FAILURE);
        }
        for name in &names {
            let forgotten = store.forget_session(name).await?;
            say(&format!(
                "{} is forgotten: {} exchanges, {} messages that nobody else has sent.",
                shown(name),
                forgotten.transactions,
                forgotten.messages
            ))?;
        }
        store.scrub().await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// The session of exactly this name: nobody is to delete another by mistake.
async fn find(store: &AnyStore, name: &str) -> Result<SessionRow, Failure> {
    let missing = || {
        let name = shown(name);
        format!("no session is called {name:?}: `luthien sessions --json` tells their whole names")
    };
    Ok(store.session(name).await?.ok_or_else(missing)?)
}

/// Says what will be deleted, and asks whether it is to be.
fn is_meant(sessions: &[SessionRow]) -> Result<bool, Failure> {
    let mut errors = io::stderr();
    writeln!(errors, "To be deleted, for good:")?;
    for session in sessions {
        let words = session.preview.as_deref().unwrap_or_default();
        writeln!(
            errors,
            "  {}: {} exchanges, the last {}, {}",
            shown(&session.session_id),
            session.transactions,
            times::moment(session.last_at),
            short(words, 60),
        )?;
    }
    if !io::stdin().is_terminal() {
        return Err("nobody is there to be asked: `--yes` deletes without asking".into());
    }
    write!(errors, "Delete? [y/N] ")?;
    errors.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

#[derive(Debug, Args)]
pub(in super::super) struct Hold {
    /// A session, by its whole name; without one, all that are held are listed.
    session: Option<String>,
    /// Lets go of it.
    #[arg(long, requires = "session")]
    off: bool,
}

pub(in super::super) fn hold(settings: &Settings, hold: &Hold) -> Result<ExitCode, Failure> {
    ask(settings, async |store| {
        let Some(name) = &hold.session else {
            for name in store.holds().await? {
                say(&shown(&name))?;
            }
            return Ok(ExitCode::SUCCESS);
        };
        let shown = shown(name);
        if hold.off {
            if !store.is_held(name).await? {
                return Err(format!("{shown:?} is not held: `luthien hold` lists what is").into());
            }
            store.hold(name, false).await?;
            say(&format!("{shown} is not held any more."))?;
        } else {
            find(&store, name).await?;
            store.hold(name, true).await?;
            say(&format!("{shown} is held: nothing deletes it."))?;
        }
        Ok(ExitCode::SUCCESS)
    })
}
