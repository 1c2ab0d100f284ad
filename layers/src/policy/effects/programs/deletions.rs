//! Requests by which something goes at another host: an index, a database, what a cloud or a cluster runs.

use super::{address::Address, is_here, made::is_scratch};
use crate::policy::effects::{Act, Database, mark, shell::Shell};

/// Services of clouds, at which a question can take down what runs there.
const CLOUDS: &[&str] = &[
    "api.digitalocean.com",
    "management.azure.com",
    "api.cloudflare.com",
    "api.heroku.com",
    "api.github.com",
    "api.hetzner.cloud",
    "api.linode.com",
    "api.vultr.com",
    "api.fly.io",
    "api.vercel.com",
    "api.machines.dev",
];
/// Databases that are spoken to by requests: their port, how a path begins that means a part of one, and how many names
/// follow.
const STORES: &[(u16, &str, usize)] = &[
    (9200, "", 1),
    (5984, "", 1),
    (6333, "collections/", 1),
    (7700, "indexes/", 1),
    (8108, "collections/", 1),
    (8086, "api/v2/buckets/", 1),
    (8529, "_api/collection/", 1),
    (8529, "_api/database/", 1),
    (8500, "v1/kv/", 1),
    (15672, "api/queues/", 2),
    (15672, "api/vhosts/", 1),
    (8080, "v1/schema/", 1),
    (8983, "solr/", 1),
];
/// Kinds of things in a cluster on which others depend.
const SHARED: &[&str] = &[
    "namespaces",
    "nodes",
    "persistentvolumes",
    "persistentvolumeclaims",
    "deployments",
    "statefulsets",
    "daemonsets",
    "secrets",
    "customresourcedefinitions",
    "clusterroles",
    "storageclasses",
];

/// Something is deleted at a host.
pub(super) fn deleted(shell: &mut Shell<'_>, host: &str, url: &str) {
    let address = Address::of_url(url);
    let path = address.path.as_deref().unwrap_or_default();
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    let last = names.last().copied().unwrap_or_default();
    // An index whose name comes from a list of them.
    let is_search = host.contains("es-")
        || host.contains("elastic")
        || host.contains(".es.")
        || address.port == Some(9200);
    let is_each = is_search && last.contains(mark::is_unknown);
    let is_all = last == "_all" || last.contains(['*', mark::STAR]) || is_each;
    let is_part = |(port, start, count): &(u16, &str, usize)| {
        let is_its = address.port == Some(*port) || *port == 9200 && is_search;
        let behind = path.strip_prefix(start).unwrap_or_default();
        is_its && behind.split('/').filter(|name| !name.is_empty()).count() == *count
    };
    let is_store = !is_here(host) && !is_scratch(last) && STORES.iter().any(is_part);
    if is_all || is_store {
        return shell.act(Act::Database {
            what: match is_all {
                true => Database::DeleteAll,
                false => Database::Drop,
            },
            target: mark::shown(url),
        });
    }
    let port = address.port.unwrap_or_default().to_string();
    let is_cluster = matches!(names.as_slice(), ["api", "v1", ..] | ["apis", ..]);
    let of = names.len().checked_sub(2).and_then(|at| names.get(at));
    let is_shared = is_cluster
        && (of.is_some_and(|kind| SHARED.contains(kind)) || SHARED.contains(&last))
        && (shell.made.has("proxy", &port) || address.port == Some(6443) || !is_here(host));
    if CLOUDS.contains(&host) || host.ends_with(".googleapis.com") || is_shared {
        shell.act(Act::Infrastructure {
            program: "curl".to_owned(),
            target: mark::shown(url),
        });
    }
}

/// Everything that a search finds is deleted, and it finds everything.
pub(super) fn emptied(shell: &mut Shell<'_>, host: &str, url: &str, body: &str) {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let is_all = path.ends_with("/_delete_by_query") && body.contains("match_all")
        || path.contains("/solr/") && body.contains("<query>*:*</query>");
    if is_all && !is_here(host) {
        shell.act(Act::Database {
            what: Database::DeleteAll,
            target: mark::shown(url),
        });
    }
}
