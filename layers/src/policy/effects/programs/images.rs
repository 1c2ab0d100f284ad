//! Images of containers that are a program.

use super::Args;

/// Their names, and which program it is.
const ENTRIES: &[(&str, &str)] = &[
    ("curlimages/curl", "curl"),
    ("alpine/curl", "curl"),
    ("alpine/httpie", "http"),
    ("amazon/aws-cli", "aws"),
    ("bitnami/kubectl", "kubectl"),
    ("rancher/kubectl", "kubectl"),
    ("alpine/k8s", "kubectl"),
    ("alpine/helm", "helm"),
    ("hashicorp/terraform", "terraform"),
    ("hashicorp/vault", "vault"),
    ("alpine/git", "git"),
    ("bitnami/git", "git"),
    ("rclone/rclone", "rclone"),
    ("minio/mc", "mc"),
    ("alpine/socat", "socat"),
    ("subfuzion/netcat", "nc"),
    ("alpine/openssl", "openssl"),
    ("mikefarah/yq", "yq"),
    ("instrumentisto/rsync-ssh", "rsync"),
    ("instrumentisto/nmap", "nmap"),
    ("cloudflare/cloudflared", "cloudflared"),
    ("ngrok/ngrok", "ngrok"),
];

/// The program that stands before these words, if the image is one.
pub(super) fn program(image: &str, argv: &[String]) -> Option<&'static str> {
    let (_, program) = ENTRIES.iter().find(|(known, _)| is_image(image, known))?;
    let first = argv.first().map(String::as_str).unwrap_or_default();
    // Some take a whole command as well.
    let is_its = *program != "curl" || first.starts_with('-') || first.contains("://");
    (first != *program && is_its).then_some(*program)
}

/// `docker.io/curlimages/curl:8.1` is `curlimages/curl`.
fn is_image(given: &str, known: &str) -> bool {
    let name = given.split('@').next().unwrap_or(given);
    let name = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    };
    name.strip_suffix(known)
        .is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// Whether a container is told where the model is, or something that nobody sees here.
pub(super) fn leads(args: &Args<'_>) -> bool {
    args.has(&["env-file"])
        || args.values(&["e", "env"]).any(|pair| {
            let name = pair.split('=').next().unwrap_or(pair);
            ["_URL", "_API_BASE", "_PROXY"]
                .iter()
                .any(|end| name.ends_with(end))
        })
}
