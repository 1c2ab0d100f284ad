//! Clusters, clouds and containers.

use super::{
    Command, args::joined, compositions, containers, described, env::words_of, kubernetes,
    mark_code, packages::is_well_known,
};
use crate::policy::effects::{
    Act, mark,
    shell::{Data, Shell, State},
};

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    if !matches!(command.name, "terraform" | "tofu" | "terragrunt") {
        return carried_out(shell, state, command);
    }
    let words = with_given(state, command.words);
    let command = Command {
        words: &words,
        stdin: command.stdin.clone(),
        ..*command
    };
    carried_out(shell, state, &command)
}

/// With the words that variables put behind the name of a command: `TF_CLI_ARGS`, and those for this one alone.
fn with_given(state: &State, words: &[String]) -> Vec<String> {
    let mut all = words.to_vec();
    let Some(at) = words.iter().position(|word| !word.starts_with('-')) else {
        return all;
    };
    let name = words.get(at).map_or("", String::as_str);
    let given = ["TF_CLI_ARGS".to_owned(), format!("TF_CLI_ARGS_{name}")]
        .iter()
        .map(|name| state.variable(name))
        .filter(|value| !value.contains(mark::UNSET))
        .flat_map(|value| words_of(&value))
        .collect::<Vec<_>>();
    all.splice(at + 1..at + 1, given);
    all
}

fn carried_out(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
    let text = joined(command.words);
    let has = |word: &str| words.contains(&word);
    let any = |all: &[&str]| words.iter().any(|word| all.contains(word));
    let dry = words.iter().any(|word| {
        word.starts_with("--dry-run") && !word.ends_with("=false") && !word.ends_with("=none")
    });
    super::stores::uploads(shell, state, command);
    let opens = [
        "--clusterrole=cluster-admin",
        "policy/AdministratorAccess",
        "public-read-write",
        "roles/owner",
    ];
    if opens.iter().any(|word| text.contains(word)) {
        shell.act(Act::Disarm { what: text.clone() });
    }
    if matches!(command.name, "terraform" | "tofu" | "terragrunt" | "packer") {
        described::run(shell, state, command);
    }
    let takes_url = matches!(command.name, "kubectl" | "oc" | "helm" | "k")
        && any(&["apply", "create", "install", "upgrade"]);
    let is_web = |word: &&&str| {
        word.starts_with("http://") || word.starts_with("https://") && !is_well_known(word)
    };
    if let Some(url) = words.iter().find(|word| takes_url && is_web(word)) {
        let from = super::host(url).unwrap_or_else(|| "?".to_owned());
        shell.act(Act::RunRemote { from });
    }
    let harms = match command.name {
        "docker" | "podman" | "nerdctl" => return containers::containers(shell, state, command),
        "docker-compose" | "podman-compose" => {
            if compositions::composed(shell, state, command.words, &command.stdin) {
                return Some(Data::hidden());
            }
            compositions::compose(shell, state, command.words)
        }
        "kubectl" | "oc" | "k" | "microk8s" | "k3s" => {
            if let Some(at) = words
                .iter()
                .position(|word| *word == "--")
                .filter(|_| has("exec") || has("run") || has("debug"))
            {
                let argv = command.words.get(at + 1..).unwrap_or_default().to_vec();
                shell.invoke(state, argv, command.stdin.clone());
                return Some(Data::hidden());
            }
            if has("proxy") {
                let port = command.args(&["port", "p", "address"]);
                let port = port.value(&["port", "p"]).unwrap_or("8001");
                shell.made.remember("proxy", port);
            }
            !dry && kubernetes::takes(shell, state, command)
        }
        "terraform" | "tofu" | "terragrunt" | "cdk" | "cdktf" | "pulumi" | "sst" | "serverless"
        | "sls" | "copilot" | "eb" | "sam" | "vagrant" | "eksctl" | "kops" | "kind" | "k3d"
        | "minikube" | "ansible-galaxy" | "nomad" | "doctl" | "linode-cli" | "hcloud"
        | "flyctl" | "fly" | "heroku" | "vercel" | "netlify" | "wrangler" | "railway"
        | "firebase" | "ibmcloud" | "oci" | "openstack" | "scw" | "civo" | "exo" | "vultr-cli"
        | "amplify" | "consul" | "vault" | "etcdctl" | "juju" | "rancher" | "argocd" | "flux"
        | "crossplane" | "render" | "dokku" | "cf" | "faas-cli" | "proxmox" | "qm" | "pct"
        | "virsh" | "vboxmanage" | "govc" | "multipass" | "lxc" | "incus" | "supabase"
        | "neonctl" | "pvesh" | "xe" | "helmfile" | "velero" | "istioctl" | "linkerd"
        | "nomad-pack" | "clever" | "scalingo" | "koyeb" | "northflank" | "aliyun" | "tccli"
        | "yc" | "upctl" | "metal" | "rosa" | "ocm" | "capstan" | "eas" | "now" | "surge"
        | "cloudflared" | "temporal" | "waypoint" | "boundary" => {
            let deletes = any(&[
                "destroy",
                "delete",
                "remove",
                "apps:destroy",
                "pg:reset",
                "rm",
                "undefine",
                "down",
                "unregistervm",
                "nuke",
                "app:destroy",
                "terminate",
                "ps:destroy",
                "projects:delete",
                "destroy:all",
                "run-all",
                "delete-all",
                "purge",
                "addons:destroy",
                "firestore:delete",
                "stop-all",
                "teardown",
                "kv-delete",
                "del",
                "apps:delete",
                "hosting:disable",
                "database:remove",
                "--purge",
                "-purge",
                "prune",
                "uninstall",
                "sites:delete",
                "nodes:rm",
                "vm-destroy",
                "zap",
                "wipe",
            ]) || words.iter().any(|word| {
                // `firestore:delete`, `vm.destroy`, `vol-delete`
                let verbs = ["delete", "destroy", "undefine", "remove"];
                !word.starts_with('-')
                    && word
                        .rsplit_once([':', '.', '-'])
                        .is_some_and(|(_, verb)| verbs.contains(&verb))
            }) || command.name == "vault"
                && (has("disable") && any(&["secrets", "auth", "audit"])
                    || any(&["seal", "revoke"]));
            let local = matches!(
                command.name,
                "kind" | "k3d" | "minikube" | "vagrant" | "multipass"
            );
            // A plan that destroys, for later.
            if has("plan") && text.contains("-destroy") {
                for plan in words.iter().filter_map(|word| word.split_once("out=")) {
                    shell.made.remember("destroying", plan.1);
                }
            }
            let state_only = has("state") && any(&["rm", "push"]);
            let listing = any(&[
                "list", "ls", "show", "plan", "--help", "help", "-h", "preview",
            ]) && !any(&["destroy"]);
            (deletes && !local && !listing)
                || state_only
                || (matches!(command.name, "terraform" | "tofu" | "terragrunt")
                    && (text.contains("-destroy") && has("apply")
                        || has("apply")
                            && words.iter().any(|plan| shell.made.has("destroying", plan))
                        || has("force-unlock")
                        || has("workspace") && has("delete")))
        }
        "helm" => any(&["uninstall", "delete", "del"]) && !dry,
        "aws" => {
            let verbs = words
                .iter()
                .skip_while(|word| word.starts_with('-'))
                .take(5)
                .any(|word| {
                    [
                        "delete-",
                        "terminate-",
                        "deregister-",
                        "purge-",
                        "remove-",
                        "destroy-",
                        "schedule-key-deletion",
                        "disable-",
                        "stop-",
                        "detach-",
                        "batch-delete",
                    ]
                    .iter()
                    .any(|verb| word.starts_with(verb))
                });
            let s3 = has("s3")
                && (has("rb")
                    || has("rm") && (any(&["--recursive"]))
                    || has("sync") && has("--delete")
                    || has("mv") && has("--recursive"));
            // To nothing.
            let scales = [
                "--desired-count 0",
                "--desired-count=0",
                "--desired-capacity 0",
                "--max-size 0",
            ]
            .iter()
            .any(|none| text.contains(none));
            (scales || verbs || s3)
                && !has("--dryrun")
                && !has("--dry-run")
                && !text.contains("stop-query")
        }
        "s3cmd" | "s5cmd" | "mc" | "rclone" | "gsutil" | "b2" | "s4cmd" => {
            let verbs = any(&[
                "rb",
                "rm",
                "del",
                "purge",
                "delete",
                "rmdirs",
                "cleanup",
                "deletefile",
            ]);
            let wide = any(&[
                "--recursive",
                "-r",
                "-R",
                "--force",
                "-rf",
                "purge",
                "rb",
                "delete",
                "-ra",
            ]) || text.contains('*')
                || has("-m") && has("rm");
            let mirrors = has("sync") && any(&["--delete-removed"])
                || has("rsync") && any(&["-d"])
                || command.name == "rclone" && has("sync")
                || has("mirror") && has("--remove");
            (verbs && wide || mirrors) && !dry && !has("-n")
        }
        "gcloud" => {
            any(&[
                "delete",
                "destroy",
                "remove-iam-policy-binding",
                "disable",
                "purge",
                "reset",
            ]) && !has("list")
                || has("storage")
                    && any(&["rm", "rsync"])
                    && (any(&[
                        "-r",
                        "-R",
                        "--recursive",
                        "--delete-unmatched-destination-objects",
                    ]) || text.contains('*'))
                || has("clusters") && text.contains("--num-nodes=0")
        }
        "az" => any(&["delete", "purge", "remove"]) && !has("list"),
        "ansible" | "ansible-playbook" | "salt" | "pssh" | "pdsh" | "fab" => {
            let args = command.args(&[
                "m",
                "module-name",
                "a",
                "args",
                "i",
                "u",
                "e",
                "w",
                "h",
                "H",
            ]);
            let module = args.value(&["m", "module-name"]).unwrap_or("command");
            let words = args.value(&["a", "args"]).unwrap_or_default();
            if module.ends_with("file") && words.contains("state=absent") {
                let mut members = words
                    .split_whitespace()
                    .filter_map(|word| word.split_once('='));
                let path = members.find(|(name, _)| matches!(*name, "path" | "dest" | "name"));
                if let Some((_, path)) = path {
                    let path = shell.path(state, path);
                    shell.act(Act::Delete {
                        path,
                        recursive: true,
                    });
                }
            } else if module.ends_with("uri") || module.ends_with("get_url") {
                asked_by_module(shell, state, words);
            } else if let Some(code) = args.value(&["a", "args"]) {
                let code = mark_code(code);
                shell.text(state, &code, &Data::default());
            }
            if command.name == "salt" && text.contains("cmd.run")
                || matches!(command.name, "pssh" | "pdsh")
            {
                let code = mark_code(args.operands.last().copied().unwrap_or_default());
                shell.text(state, &code, &Data::default());
            }
            return Some(Data::hidden());
        }
        _ => return None,
    };
    let is_own = shell.made.is_own(command.name, command.words);
    if !harms || is_own {
        return None;
    }
    shell.act(Act::Infrastructure {
        program: command.name.to_owned(),
        target: text.chars().take(80).collect(),
    });
    Some(Data::default())
}

/// `url=http://host/x method=POST body=y`: what a module for requests is told.
fn asked_by_module(shell: &mut Shell<'_>, state: &State, words: &str) {
    let mut argv = vec!["curl".to_owned()];
    for (name, value) in words_of(words)
        .iter()
        .filter_map(|word| word.split_once('='))
        .take(32)
    {
        match name {
            "url" => argv.push(value.to_owned()),
            "method" => argv.extend(["-X".to_owned(), value.to_owned()]),
            "body" => argv.extend(["-d".to_owned(), value.to_owned()]),
            "src" => argv.extend(["-T".to_owned(), value.to_owned()]),
            "dest" => argv.extend(["-o".to_owned(), value.to_owned()]),
            _ => {}
        }
    }
    shell.invoke(&mut state.clone(), argv, Data::default());
}
