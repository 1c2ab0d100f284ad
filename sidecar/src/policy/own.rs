use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    process,
};

use serde_json::{Map, Value};

use crate::config::Policy;

/// What the sidecar knows of itself.
#[derive(Clone, Copy)]
pub(crate) struct Own<'a> {
    /// Its configuration, if it is in a file.
    pub(crate) config: Option<&'a Path>,
    /// Where agents find it.
    pub(crate) agents: SocketAddr,
    /// Where it is administered.
    pub(crate) admin: SocketAddr,
}

/// The policy that protects it.
const PROTECTION: &str = "self-protection";

impl Own<'_> {
    /// The same policies, where those that protect the sidecar know what there is to protect.
    /// `data` are its keys, and where it records.
    pub(crate) fn told_to(&self, policies: &[Policy], data: &[PathBuf]) -> Vec<Policy> {
        let mut policies = policies.to_vec();
        for policy in &mut policies {
            if policy.builtin.as_deref() == Some(PROTECTION) {
                self.add_to(&mut policy.with, data);
            }
            let reviewers = policy
                .parallel
                .iter_mut()
                .flat_map(|parallel| &mut parallel.of);
            for reviewer in reviewers.filter(|reviewer| reviewer.builtin == PROTECTION) {
                self.add_to(&mut reviewer.with, data);
            }
        }
        policies
    }

    fn add_to(&self, with: &mut Map<String, Value>, data: &[PathBuf]) {
        // Where the system does not tell, the usual places are still protected.
        let program = env::current_exe().ok();
        let files = [self.config, program.as_deref()].into_iter().flatten();
        let files = files
            .chain(data.iter().map(PathBuf::as_path))
            .filter_map(|file| std::path::absolute(file).ok())
            .map(|file| file.display().to_string().into());
        add(with, "files", files.collect());
        // The first process of a container: whoever can see it has a number of another kind for it.
        let pid = Some(process::id()).filter(|pid| *pid > 1);
        add(with, "pids", pid.map(Value::from).into_iter().collect());
        for (name, address) in [("addresses", self.agents), ("admin", self.admin)] {
            // A port that is still to be found is none.
            let address = Some(address).filter(|address| address.port() != 0);
            add(
                with,
                name,
                address
                    .map(|address| address.to_string().into())
                    .into_iter()
                    .collect(),
            );
        }
    }
}

/// What else is in the list. What is no list is left alone: it will be said to be wrong.
fn add(with: &mut Map<String, Value>, name: &str, more: Vec<Value>) {
    let list = with.entry(name).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(list) = list {
        list.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_to_be_protected_is_added_to_what_is_named() {
        let policies: Vec<Policy> = serde_json::from_value(json!([
            { "use": "noop" },
            { "use": "self-protection", "with": { "files": ["/srv/x"], "pids": 7 } },
        ]))
        .unwrap();
        let own = Own {
            config: Some(Path::new("/etc/proxy.yaml")),
            agents: ([127, 0, 0, 1], 8000).into(),
            admin: ([127, 0, 0, 1], 8001).into(),
        };
        let told = own.told_to(&policies, &["/var/keys.json".into()]);
        assert_eq!(told[0], policies[0]);
        let with = &told[1].with;
        let files = with["files"].as_array().unwrap();
        for file in ["/srv/x", "/etc/proxy.yaml", "/var/keys.json"] {
            assert!(files.contains(&json!(file)), "{files:?}");
        }
        assert_eq!(files.len(), 4);
        assert_eq!(with["addresses"], json!(["127.0.0.1:8000"]));
        assert_eq!(with["admin"], json!(["127.0.0.1:8001"]));
        assert_eq!(with["pids"], json!(7));
    }
}
