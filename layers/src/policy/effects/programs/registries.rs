//! Variables and options that say where programs connect: proxies, registries, services.

use super::address::met;
use crate::policy::effects::shell::Shell;

/// Ends of the names of such variables, in lower case.
const ENDS: &[&str] = &[
    "_registry",
    "_index_url",
    "_index",
    "index_url",
    "uv_default_index",
    "find_links",
    "goproxy",
    "gosumdb",
    "_endpoint",
    "_endpoint_url",
    "aws_endpoint_url",
    "docker_host",
    "rubygems_host",
    "_registry_server",
    "rustup_dist_server",
    "rustup_update_root",
    "bottle_domain",
    "_git_remote",
    "_channel_alias",
    "_mirror",
    "_dist_url",
    "svn_ssh_host",
];
/// Beginnings of them.
const STARTS: &[&str] = &[
    "aws_endpoint_url",
    "cargo_registries_",
    "bundle_mirror",
    "uv_index",
    "pip_",
    "git_config_key_",
    "git_config_value_",
    "git_config_parameters",
    "npm_config_",
    "yarn_",
];

/// A variable is set that says where programs connect. Whoever sets it means them to.
pub(super) fn variable(shell: &mut Shell<'_>, name: &str, value: &str) {
    let name = name.to_ascii_lowercase();
    let is_proxy =
        name.ends_with("_proxy") && !name.starts_with("no_") && !name.ends_with("use_proxy")
            || name == "proxy";
    let is_registry = ENDS.iter().any(|end| name.ends_with(end))
        || STARTS.iter().any(|start| name.starts_with(start));
    if !is_proxy && !is_registry || name == "goprivate" {
        return;
    }
    for part in value.split([',', '|', ' ', '\'']).take(8) {
        let part = part
            .split_once('+')
            .filter(|(kind, _)| *kind == "sparse")
            .map_or(part, |(_, url)| url);
        let part = part.strip_prefix("url.").unwrap_or(part);
        // A proxy needs no scheme; a registry without one is a word.
        let is_bare = is_proxy && part.contains(['.', ':']);
        if part.contains("://") && !part.starts_with("unix:") || is_bare {
            met(shell, part);
        }
    }
}
