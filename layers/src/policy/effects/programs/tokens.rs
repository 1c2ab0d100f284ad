//! Tokens of services that everybody knows: by the names of their variables, and where they may go.

use crate::policy::effects::mark;

/// Variables, each the beginning of a name, and the services whose hosts may get them.
const SERVICES: &[(&[&str], &[&str])] = &[
    (
        &[
            "GITHUB_TOKEN",
            "GH_TOKEN",
            "GITHUB_PAT",
            "GH_PAT",
            "GITHUB_API_TOKEN",
            "GITHUB_ACCESS_TOKEN",
            "HOMEBREW_GITHUB_API_TOKEN",
        ],
        &[
            "github.com",
            "githubusercontent.com",
            "ghcr.io",
            "githubcopilot.com",
        ],
    ),
    (&["GITLAB_", "CI_JOB_TOKEN", "GL_TOKEN"], &["gitlab.com"]),
    (
        &["AWS_SECRET", "AWS_ACCESS_KEY", "AWS_SESSION_TOKEN"],
        &[
            "amazonaws.com",
            "amazonaws.com.cn",
            "aws.amazon.com",
            "aws.dev",
        ],
    ),
    (&["OPENAI_"], &["openai.com", "openai.azure.com"]),
    (&["ANTHROPIC_", "CLAUDE_CODE_OAUTH"], &["anthropic.com"]),
    (
        &["GOOGLE_", "GEMINI_", "GCP_", "GCLOUD_"],
        &[
            "googleapis.com",
            "google.com",
            "gcr.io",
            "pkg.dev",
            "run.app",
        ],
    ),
    (
        &["NPM_TOKEN", "NPM_AUTH_TOKEN"],
        &["npmjs.org", "npmjs.com", "npm.pkg.github.com"],
    ),
    (&["PYPI_", "TWINE_PASSWORD"], &["pypi.org"]),
    (&["CARGO_REGISTRY_TOKEN", "CRATES_"], &["crates.io"]),
    (&["SLACK_"], &["slack.com"]),
    (
        &["HF_TOKEN", "HUGGINGFACE_", "HUGGING_FACE_"],
        &["huggingface.co", "hf.co"],
    ),
    (&["STRIPE_"], &["stripe.com"]),
    (
        &["DIGITALOCEAN_", "DO_TOKEN"],
        &["digitalocean.com", "digitaloceanspaces.com"],
    ),
    (&["CLOUDFLARE_", "CF_API_"], &["cloudflare.com"]),
    (
        &[
            "AZURE_CLIENT_SECRET",
            "ARM_CLIENT_SECRET",
            "AZURE_STORAGE_KEY",
            "AZURE_DEVOPS",
        ],
        &[
            "azure.com",
            "microsoftonline.com",
            "windows.net",
            "visualstudio.com",
        ],
    ),
    (&["HEROKU_"], &["heroku.com"]),
    (&["VERCEL_", "NETLIFY_"], &["vercel.com", "netlify.com"]),
    (
        &["SENDGRID_", "TWILIO_", "MAILGUN_"],
        &["sendgrid.com", "twilio.com", "mailgun.net"],
    ),
    (&["DISCORD_", "TELEGRAM_"], &["discord.com", "telegram.org"]),
    (
        &["DOCKER_PASS", "DOCKERHUB_", "DOCKER_TOKEN"],
        &["docker.com", "docker.io"],
    ),
];
/// What such a name has in it if it is a token's, and not that of an address or a setting.
const WORDS: &[&str] = &["TOKEN", "KEY", "SECRET", "PASS", "PAT", "OAUTH"];
/// Services that people run for themselves as well, on hosts of this name.
const OWN: &[&str] = &["gitlab", "git"];
/// Commands that write out a token, and a variable in which it could stand.
const PRINTED: &[(&str, &str)] = &[
    ("gh", "GITHUB_TOKEN"),
    ("glab", "GITLAB_TOKEN"),
    ("gcloud", "GOOGLE_TOKEN"),
    ("heroku", "HEROKU_TOKEN"),
    ("doctl", "DIGITALOCEAN_TOKEN"),
];

fn place(name: &str) -> Option<usize> {
    if !WORDS.iter().any(|word| name.contains(word)) || name.contains("URL") {
        return None;
    }
    let is_one =
        |(names, _): &(&[&str], &[&str])| names.iter().any(|start| name.starts_with(start));
    SERVICES.iter().position(is_one)
}

/// The mark for what a variable is, if that is the token of a service.
pub(in super::super) fn mark(name: &str) -> Option<char> {
    place(name).and_then(mark::token)
}

/// The same for what a program writes.
pub(super) fn printed(program: &str) -> Option<char> {
    let (_, variable) = PRINTED.iter().find(|(name, _)| *name == program)?;
    mark(variable)
}

/// Whether a text has secrets in it that are not for this host.
pub(super) fn leaks(text: &str, host: Option<&str>) -> bool {
    text.contains(mark::SECRET)
        || text
            .chars()
            .filter_map(mark::service)
            .any(|service| !is_of(service, host))
}

/// Whether code that names secrets names none but tokens of this host's service.
pub(super) fn are_own(code: &str, host: &str) -> bool {
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let mut names = code
        .split(|c: char| !is_name(c))
        .filter(|name| name.contains('_') && WORDS.iter().any(|word| name.contains(word)))
        .peekable();
    names.peek().is_some()
        && names.all(|name| place(name).is_some_and(|service| is_of(service, Some(host))))
}

fn is_of(service: usize, host: Option<&str>) -> bool {
    // Where it goes is not known, and nothing says that it is elsewhere.
    let Some(host) = host.filter(|host| !host.contains('$')) else {
        return true;
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let Some((names, hosts)) = SERVICES.get(service) else {
        return false;
    };
    let first = host.split('.').next().unwrap_or_default();
    let is_own = names.contains(&"GITLAB_") && OWN.contains(&first);
    is_own
        || super::is_here(&host)
        || hosts.iter().any(|known| {
            host.strip_suffix(known)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
}
