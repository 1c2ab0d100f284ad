//! The command line.

mod check;
mod demo;
mod exec;
mod keys;
mod policy;
mod record;
mod serve;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::config::{self, ConfigError, Loaded, Sources};

/// Stands between AI agents and the models they call.
///
/// Agents connect to Luthien as if it were the provider; it sends their requests on, byte for byte, to Anthropic, OpenAI or
/// whoever speaks like them. On the way it knows who calls, holds limits, rates and deadlines, puts what is asked, said and
/// done before policies, and writes one line for every exchange.
///
/// Without arguments it serves on 127.0.0.1:8000 and needs no configuration: point an agent at it and go on working.
#[derive(Debug, Parser)]
#[command(name = "luthien", version, after_long_help = EXAMPLES, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  luthien                                       serve on 127.0.0.1:8000
  ANTHROPIC_BASE_URL=http://127.0.0.1:8000 claude
                                                Claude Code through it
  luthien exec -- claude                        both at once, on a port of its own
  luthien demo                                  see it work, without a key and without a network
  luthien --config luthien.yaml check           is the configuration fine?
  luthien keys new \"alice's laptop\"             a key for `identity.mode: keys`
  luthien policy list                           what may be asked, said and done
  luthien schema > luthien.schema.json          for the editor: completion and checks in YAML
";

/// Where the configuration comes from. Flags go before the environment, that before the file.
#[derive(Debug, Args)]
struct Settings {
    /// The configuration file (YAML). Everything in it may be left out.
    #[arg(
        long,
        short,
        global = true,
        env = "LUTHIEN_CONFIG",
        value_name = "FILE"
    )]
    config: Option<PathBuf>,
    /// Where agents connect [default: 127.0.0.1:8000].
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Where the admin listener is [default: 127.0.0.1:8001].
    #[arg(long, global = true, value_name = "ADDRESS")]
    admin: Option<String>,
    /// Serve although the database is away: what happens waits in the spool, and the sidecar is not ready until the
    /// database takes it.
    #[arg(long, global = true)]
    allow_degraded_log: bool,
    /// Any setting, by its path, such as limits.body=64MiB. May be given several times.
    #[arg(long, global = true, value_name = "PATH=VALUE")]
    set: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves agents: what happens without a command, too.
    Serve,
    /// Reads the configuration, says what is wrong with it and what it amounts to, and starts nothing.
    Check,
    /// Prints the JSON Schema of the configuration.
    ///
    /// With `# yaml-language-server: $schema=luthien.schema.json` in its first line, editors complete and check the file.
    Schema,
    /// Makes, lists and revokes keys for `identity.mode: keys`.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Lists, explains, checks and tries out policies.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Lists the conversations that were recorded.
    #[command(after_long_help = "Examples:
  luthien sessions --since 7d --verdict block
  luthien sessions --text '\"drop table\"' --json
")]
    Sessions(record::Sessions),
    /// Shows a conversation that was recorded, or an exchange.
    #[command(after_long_help = "Examples:
  luthien show 4f1c
  luthien show 46a94631-00000002 --bytes request > request.json
")]
    Show(record::Show),
    /// Finds what was said in conversations that were recorded.
    #[command(after_long_help = "Examples:
  luthien search 'migrat* users'
")]
    Search(record::Search),
    /// Writes conversations that were recorded into a file, to be read or to be processed.
    #[command(after_long_help = "Examples:
  luthien export 4f1c2a > conversation.md
  luthien export --since 30d --user alice --format jsonl --output alice.jsonl
")]
    Export(record::Export),
    /// Deletes conversations that were recorded, and everything that was found out about them.
    ///
    /// What other conversations have as well, they keep. Of events their hashes stay, so that `luthien log verify` can still
    /// tell whether anything else is missing.
    #[command(after_long_help = "Examples:
  luthien forget 4f1c2a9e-8d1b-4c5f-9e0a-6b7c8d9e0f10
  luthien forget --yes s-1 s-2
")]
    Forget(record::Forget),
    /// Sees to it that a conversation is not deleted, by anybody or by `record.retention`.
    #[command(after_long_help = "Examples:
  luthien hold 4f1c2a9e-8d1b-4c5f-9e0a-6b7c8d9e0f10
  luthien hold
")]
    Hold(record::Hold),
    /// Looks whether the record is still what was recorded.
    #[command(subcommand)]
    Log(record::Log),
    /// Takes in conversations that were recorded elsewhere: what `luthien export --format jsonl` has written, and transcripts of
    /// Claude Code.
    ///
    /// What is there already stays as it is.
    #[command(after_long_help = record::IMPORT)]
    Import(record::Import),
    /// Says why the provider's prompt cache did not answer: what differs between requests of a session, and who changed it.
    #[command(after_long_help = record::CACHE_WHY)]
    CacheWhy(record::CacheWhy),
    /// Says what of what was recorded policies have judged, and why not the rest.
    #[command(after_long_help = record::COVERAGE)]
    Coverage(record::Coverage),
    /// Puts conversations that were recorded before other policies, and says what would come out otherwise.
    #[command(after_long_help = record::REPLAY)]
    Replay(record::Replay),
    /// Starts, waits until ready, runs an agent with the right environment, and stops when it ends.
    ///
    /// The agent finds the sidecar by `ANTHROPIC_BASE_URL` and `OPENAI_BASE_URL`. Ports are chosen freely unless given. The log
    /// goes to a file, for the terminal is the agent's.
    #[command(
        after_long_help = "Examples:\n  luthien exec -- claude\n  luthien exec -- codex exec \"fix the test\"\n"
    )]
    Exec(exec::Exec),
    /// Sends a conversation through the whole stack and shows what happens. Needs no key and no network.
    Demo,
    /// Prints a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

impl Settings {
    fn sources(&self) -> Sources {
        let short = [("listen", &self.listen), ("admin.listen", &self.admin)];
        let short = short
            .into_iter()
            .filter_map(|(path, value)| Some(format!("{path}={}", value.as_deref()?)));
        let degraded = self.allow_degraded_log;
        let degraded = degraded.then(|| "record.allow_degraded_log=true".to_owned());
        Sources {
            file: self.config.clone(),
            flags: short
                .chain(degraded)
                .chain(self.set.iter().cloned())
                .collect(),
        }
    }

    fn load(&self) -> Result<(Loaded, Sources), ConfigError> {
        let sources = self.sources();
        Ok((sources.load()?, sources))
    }
}

/// What a command that cannot do its work says.
type Failure = Box<dyn std::error::Error>;

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None | Some(Command::Serve) => serve::run(&cli.settings),
        Some(Command::Check) => check::run(&cli.settings),
        Some(Command::Schema) => schema(),
        Some(Command::Keys(keys)) => keys::run(&cli.settings, keys),
        Some(Command::Policy(policy)) => policy::run(&cli.settings, policy),
        Some(Command::Sessions(sessions)) => record::sessions(&cli.settings, &sessions),
        Some(Command::Show(show)) => record::show(&cli.settings, &show),
        Some(Command::Search(search)) => record::search(&cli.settings, &search),
        Some(Command::Export(export)) => record::export(&cli.settings, &export),
        Some(Command::Forget(forget)) => record::forget(&cli.settings, &forget),
        Some(Command::Hold(hold)) => record::hold(&cli.settings, &hold),
        Some(Command::Log(log)) => record::log(&cli.settings, &log),
        Some(Command::CacheWhy(why)) => record::cache_why(&cli.settings, &why),
        Some(Command::Coverage(coverage)) => record::coverage(&cli.settings, &coverage),
        Some(Command::Import(import)) => record::import(&cli.settings, &import),
        Some(Command::Replay(replay)) => record::replay(&cli.settings, &replay),
        Some(Command::Exec(exec)) => exec::run(&cli.settings, exec),
        Some(Command::Demo) => demo::run(),
        Some(Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut Cli::command(), "luthien", &mut io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|failure| {
        let error = failure.downcast_ref::<io::Error>();
        if error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            // Whoever reads has read enough.
            return ExitCode::SUCCESS;
        }
        // Nothing more can be done if standard error is gone.
        writeln!(io::stderr(), "luthien: {failure}").ok();
        ExitCode::FAILURE
    })
}

fn schema() -> Result<ExitCode, Failure> {
    say(&serde_json::to_string_pretty(&config::schema())?)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a line to standard output.
fn say(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

/// Prints rows whose columns stand below each other.
fn table(rows: &[Vec<String>]) -> io::Result<()> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    for row in rows {
        let cells = row.iter().zip(&widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        say(format!("  {}", cells.join("  ")).trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
