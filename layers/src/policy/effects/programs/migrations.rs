//! Tools that bring databases into a form, and back to nothing.

use super::{Command, args::joined, session};
use crate::policy::effects::{
    Act, Database,
    shell::{Data, Shell, State},
};

/// Words that each mean that everything goes, whichever of the tools they are given to.
const RESETS: &[&str] = &[
    "migrate:fresh",
    "migrate:reset",
    "db:wipe",
    "db:drop",
    "schema:drop",
    "reset_db",
    "drop",
    "ecto.drop",
    "ecto.reset",
    "dropdb",
    "drop-all",
    "dropAll",
    "migrate:rollback",
    "db:migrate:undo:all",
    "migration:fresh",
    "schema:fresh",
    "doctrine:schema:drop",
    "doctrine:database:drop",
    "sql:drop",
    "sql-drop",
    "drop-schema",
    "nuke",
];
/// Those of which all words must be there.
const TOGETHER: &[(&str, &[&str])] = &[
    ("", &["migrate", "reset"]),
    ("", &["db", "push", "--force-reset"]),
    ("prisma", &["db", "push", "--accept-data-loss"]),
    ("drizzle-kit", &["push", "--force"]),
    ("", &["db", "reset"]),
    ("", &["database", "reset"]),
    ("", &["downgrade", "base"]),
    ("", &["rollback", "--all"]),
    ("flyway", &["clean"]),
    ("wp", &["db", "clean"]),
    ("manage.py", &["flush"]),
    ("django-admin", &["flush"]),
    ("manage.py", &["migrate", "zero"]),
    ("django-admin", &["migrate", "zero"]),
    ("atlas", &["schema", "clean"]),
    ("goose", &["reset"]),
    ("goose", &["down-to", "0"]),
    ("migrate", &["down", "-all"]),
    ("mix", &["ecto.rollback", "--all"]),
    ("mix", &["do", "ecto.drop,"]),
];
/// The tools.
const TOOLS: &[&str] = &[
    "prisma",
    "drizzle-kit",
    "knex",
    "sequelize",
    "sequelize-cli",
    "typeorm",
    "typeorm-ts-node-commonjs",
    "typeorm-ts-node-esm",
    "supabase",
    "artisan",
    "alembic",
    "flask",
    "django-admin",
    "manage.py",
    "mix",
    "diesel",
    "sqlx",
    "dbmate",
    "migrate",
    "flyway",
    "liquibase",
    "wp",
    "goose",
    "doctrine",
    "console",
    "hasura",
    "mikro-orm",
    "strapi",
    "convex",
    "payload",
    "drush",
    "atlas",
    "node-pg-migrate",
    "db-migrate",
    "sail",
    "aerich",
    "yii",
    "cake",
];
/// Variables that say for what an application runs.
const STAGES: &[&str] = &[
    "RAILS_ENV",
    "RACK_ENV",
    "MIX_ENV",
    "NODE_ENV",
    "APP_ENV",
    "FLASK_ENV",
    "DJANGO_ENV",
    "ENVIRONMENT",
    "HANAMI_ENV",
    "ASPNETCORE_ENVIRONMENT",
    "DJANGO_SETTINGS_MODULE",
    "KNEX_ENV",
];
/// Variables that say which database is meant.
const ADDRESSES: &[&str] = &[
    "DATABASE_URL",
    "TEST_DATABASE_URL",
    "DB_URL",
    "POSTGRES_URL",
    "DB_DATABASE",
    "DIRECT_URL",
    "MONGO_URL",
];

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let words = command.words;
    match command.name {
        "rails" | "rake" | "bin/rails" => {
            let resets = [
                "db:drop",
                "db:reset",
                "db:migrate:reset",
                "db:schema:load",
                "db:truncate_all",
                "db:purge",
                "db:setup:all",
            ];
            let is_back = words.iter().any(|word| word == "VERSION=0")
                && words.iter().any(|word| word.starts_with("db:migrate"));
            // `db:test:prepare`, `db:reset:test` and the like are for tests by their names.
            let is_reset = words.iter().any(|word| {
                resets.iter().any(|reset| word.starts_with(reset)) && !word.ends_with(":test")
            });
            if is_reset || is_back {
                reset(shell, state, command);
                return Some(Data::default());
            }
            let is_code = words
                .first()
                .is_some_and(|word| word == "runner" || word == "r");
            let code = words
                .get(1..)
                .unwrap_or_default()
                .iter()
                .find(|word| *word == "-" || !word.starts_with('-'))
                .filter(|_| is_code)?;
            let code = match code.as_str() {
                "-" | "/dev/stdin" => command.stdin.text.clone()?,
                code if code.ends_with(".rb") => return None,
                code => super::mark_code(code),
            };
            super::code::scan(shell, state, "ruby", &code);
            Some(Data::hidden())
        }
        "manage.py" | "django-admin" if words.first().is_some_and(|word| word == "shell") => {
            let code = words
                .iter()
                .skip_while(|word| *word != "-c")
                .nth(1)
                .cloned();
            let code = code.or_else(|| command.stdin.text.clone())?;
            super::code::scan(shell, state, "python", &super::mark_code(&code));
            Some(Data::hidden())
        }
        "prisma" if words.iter().any(|word| word == "execute") => {
            if let Some(text) = &command.stdin.text {
                super::database::statements(shell, text);
            }
            None
        }
        name if TOOLS.contains(&name) => {
            let has = |all: &[&str]| all.iter().all(|part| words.iter().any(|word| word == part));
            let is_whole = TOGETHER
                .iter()
                .any(|(tool, all)| (tool.is_empty() || *tool == name) && has(all));
            let resets = is_whole
                || words
                    .iter()
                    .any(|word| RESETS.contains(&word.trim_end_matches(',')));
            let asks_only = has(&["migrate:rollback"]) && !has(&["--step"]) && words.len() == 1
                // Statements are printed.
                || matches!(name, "alembic" | "flyway") && has(&["--sql"]);
            // Without a number all steps are taken back.
            let is_back = name == "migrate" && words.last().is_some_and(|word| word == "down");
            if (resets || is_back) && !asks_only {
                reset(shell, state, command);
                return Some(Data::default());
            }
            None
        }
        _ => None,
    }
}

/// Everything is set back, unless it is there for tests.
fn reset(shell: &mut Shell<'_>, state: &State, command: &Command<'_>) {
    if super::asked::is_question(command.name, command.words) || is_for_tests(shell, state, command)
    {
        return;
    }
    shell.act(Act::Database {
        what: Database::Reset,
        target: joined(command.words).chars().take(80).collect(),
    });
}

fn is_for_tests(shell: &Shell<'_>, state: &State, command: &Command<'_>) -> bool {
    let is_test = |value: &str| {
        let last = value.rsplit('.').next().unwrap_or(value);
        matches!(
            last.to_lowercase().as_str(),
            "test" | "testing" | "tests" | "ci" | "settings_test" | "test_settings"
        )
    };
    let named = |name: &str| {
        let option = |word: &String| word.strip_prefix(name).map(str::to_owned);
        command.words.iter().find_map(option)
    };
    let behind = |names: &[&str]| {
        let mut pairs = command.words.iter().zip(command.words.iter().skip(1));
        pairs.find_map(|(option, value)| names.contains(&option.as_str()).then(|| value.clone()))
    };
    let stage = named("--env=")
        .or_else(|| named("--settings="))
        .or_else(|| named("RAILS_ENV="))
        .or_else(|| behind(&["--env", "-e", "--settings", "--environment"]));
    if let Some(stage) = stage {
        return is_test(&stage);
    }
    let url = named("--url=")
        .or_else(|| named("--database-url="))
        .or_else(|| behind(&["--url", "-u", "--database-url", "-database", "-d"]));
    if let Some(url) = url {
        return session::is_own_url(shell, state, &url);
    }
    let set = |name: &&&str| {
        let value = state.variable(name);
        (!value.contains(crate::policy::effects::mark::UNSET)).then_some(value)
    };
    // Where a database is named, that is what counts.
    let address = ADDRESSES.iter().filter_map(|name| set(&name)).next();
    if let Some(address) = address {
        return session::is_own_url(shell, state, &address)
            || !address.contains("://") && super::made::is_scratch(&address);
    }
    STAGES
        .iter()
        .filter_map(|name| set(&name))
        .any(|value| is_test(&value))
}
