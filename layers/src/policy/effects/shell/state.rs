//! What a shell knows while it runs.

use std::{collections::HashMap, rc::Rc};

use brush_parser::ast::FunctionDefinition;

use super::{
    super::{MAX_DEPTH, MAX_TEXT, Place, mark, programs},
    Data,
};

#[derive(Clone, Default)]
pub(in super::super) struct State {
    pub(super) variables: HashMap<String, Vec<String>>,
    /// Names that stand for others: `declare -n`.
    pub(super) references: HashMap<String, String>,
    pub(super) functions: HashMap<String, Rc<FunctionDefinition>>,
    pub(super) aliases: HashMap<String, String>,
    /// What has been written into files, by what their paths mean.
    pub(in super::super) files: HashMap<String, Data>,
    pub(in super::super) cwd: String,
    /// Where it was before.
    pub(super) before: String,
    /// Where it comes back to with `popd`.
    pub(in super::super) folders: Vec<String>,
    /// `$0`, if it is another than the shell's.
    pub(super) name: Option<String>,
    /// What leads elsewhere: links, and directories that a container sees.
    pub(in super::super) links: Vec<(String, String)>,
    /// What has been opened, by its number.
    pub(super) open: HashMap<String, String>,
    /// What programs have been copied or linked to, by what their paths mean.
    pub(in super::super) programs: HashMap<String, String>,
    /// `$1` and those behind it.
    pub(super) args: Vec<String>,
    /// The functions that are being called.
    pub(super) calls: Vec<Vec<String>>,
    pub(super) home: String,
    /// The scripts that are being run, by what their paths mean.
    pub(in super::super) running: Vec<String>,
    /// What is run in the end: `trap … EXIT`.
    pub(super) at_end: Vec<String>,
}

impl State {
    pub(super) fn new(place: &Place) -> Self {
        let cwd = place.cwd().into_owned();
        Self {
            before: cwd.clone(),
            cwd,
            home: place.home.clone().unwrap_or_else(|| "~".to_owned()),
            ..Self::default()
        }
    }

    /// Somewhere else, whose root is this directory here.
    pub(in super::super) fn container(root: &str) -> Self {
        Self {
            cwd: "/".to_owned(),
            before: "/".to_owned(),
            home: "/root".to_owned(),
            links: vec![(String::new(), root.to_owned())],
            ..Self::default()
        }
    }

    /// Whether its root is a directory of this machine.
    pub(super) fn is_container(&self) -> bool {
        self.links.first().is_some_and(|(from, _)| from.is_empty())
    }

    pub(in super::super) fn set(&mut self, name: &str, value: Vec<String>) {
        // What is longer is not looked at, and so not known.
        let length: usize = value.iter().map(String::len).sum();
        let value = match length <= MAX_TEXT {
            true => value,
            false => vec![mark::UNKNOWN.to_string()],
        };
        self.variables.insert(name.to_owned(), value);
    }

    /// A shell beside this one has ended: what it has done to files stays, and nothing else.
    pub(super) fn adopt(&mut self, inner: Self) {
        self.files = inner.files;
        self.links = inner.links;
        self.programs = inner.programs;
        self.running = inner.running;
    }

    /// As it was before.
    pub(super) fn restore(&mut self, name: &str, value: Option<Vec<String>>) {
        match value {
            Some(value) => drop(self.variables.insert(name.to_owned(), value)),
            None => drop(self.variables.remove(name)),
        }
    }

    /// The variable that a name stands for.
    pub(in super::super) fn meant(&self, name: &str) -> String {
        let meant = self.references.get(name);
        meant.cloned().unwrap_or_else(|| name.to_owned())
    }

    /// What a variable is; nothing if it is not known.
    pub(super) fn get(&self, name: &str) -> Vec<String> {
        if let Some(value) = self.variables.get(name) {
            return value.clone();
        }
        let value = match name {
            "HOME" | "USERPROFILE" => self.home.clone(),
            "PWD" => self.cwd.clone(),
            "OLDPWD" => self.before.clone(),
            "TMPDIR" | "TMP" | "TEMP" | "RUNNER_TEMP" | "XDG_RUNTIME_DIR" => "/tmp".to_owned(),
            "IFS" => " \t\n".to_owned(),
            "BASH" | "SHELL" => "/bin/bash".to_owned(),
            "XDG_CACHE_HOME" => format!("{}/.cache", self.home),
            "XDG_CONFIG_HOME" => format!("{}/.config", self.home),
            "XDG_DATA_HOME" => format!("{}/.local/share", self.home),
            "CARGO_HOME" => format!("{}/.cargo", self.home),
            "USER" | "LOGNAME" | "HOSTNAME" => mark::HERE.to_string(),
            "UID" | "EUID" | "RANDOM" | "SECONDS" | "LINENO" | "PATH" | "BASH_VERSION"
            | "ZSH_VERSION" | "OSTYPE" | "HOSTTYPE" | "MACHTYPE" | "PPID" | "BASHPID" | "SHLVL"
            | "GITHUB_WORKSPACE" | "CLAUDE_PROJECT_DIR" | "JAVA_HOME" | "VIRTUAL_ENV"
            | "CONDA_PREFIX" | "GOPATH" | "GOROOT" | "NVM_DIR" | "PYENV_ROOT" => {
                mark::SOME.to_string()
            }
            "CC" | "CXX" | "MAKE" | "CMAKE" | "PYTHON" | "PIP" | "NODE" | "NPM" | "CARGO"
            | "RUSTC" | "GO" | "EDITOR" | "VISUAL" | "PAGER" | "DOCKER" | "COMPOSE" | "KUBECTL"
            | "SUDO" => name.to_lowercase(),
            name => programs::token(name).unwrap_or(mark::UNSET).to_string(),
        };
        vec![value]
    }
}

impl State {
    pub(in super::super) fn home(&self) -> String {
        self.home.clone()
    }

    pub(in super::super) fn before(&self) -> &str {
        &self.before
    }

    /// Another working directory.
    pub(in super::super) fn go(&mut self, to: String) {
        self.before = std::mem::replace(&mut self.cwd, to);
    }

    pub(in super::super) fn set_args(&mut self, args: &[String]) {
        self.args = args.to_vec();
    }

    pub(in super::super) fn set_name(&mut self, name: &str) {
        self.name = Some(name.to_owned());
    }

    /// What separates the words of a line.
    pub(in super::super) fn separators(&self) -> String {
        self.variables
            .get("IFS")
            .map_or_else(|| " \t\n".to_owned(), |ifs| ifs.concat())
    }

    /// What a variable of the environment is, as one text.
    pub(in super::super) fn variable(&self, name: &str) -> String {
        self.get(name).concat()
    }

    /// The same, if it has been set here.
    pub(in super::super) fn set_to(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(|value| value.concat())
    }

    /// Something to be run in the end.
    pub(in super::super) fn at_end(&mut self, code: String) {
        if self.at_end.len() < MAX_DEPTH && !self.at_end.contains(&code) {
            self.at_end.push(code);
        }
    }

    pub(in super::super) fn shift(&mut self, count: usize) {
        self.args.drain(..count.min(self.args.len()));
    }

    pub(in super::super) fn alias(&mut self, name: &str, value: &str) {
        self.aliases.insert(name.to_owned(), value.to_owned());
    }
}
