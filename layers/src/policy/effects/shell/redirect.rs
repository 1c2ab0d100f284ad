//! What goes where.

use brush_parser::ast::{
    IoFileRedirectKind as Kind, IoFileRedirectTarget as Target, IoRedirect,
    ProcessSubstitutionKind, RedirectList, SubshellCommand,
};

use super::{
    super::{Act, Exhaust, Write, mark, programs},
    Data, MAX_TEXT, Shell, State,
};

/// Whether it is no file, but a connection: `/dev/tcp/host/80`.
fn is_wire(name: &str) -> bool {
    name.starts_with("/dev/tcp/") || name.starts_with("/dev/udp/")
}

/// A file that is written by a command, and whether it is added to.
pub(super) type Written = (String, bool);

impl Shell<'_> {
    pub(super) fn redirects(
        &mut self,
        state: &mut State,
        list: Option<&RedirectList>,
        stdin: Data,
    ) -> (Data, Vec<Written>) {
        let redirects: Vec<_> = list.into_iter().flat_map(|list| &list.0).collect();
        self.redirects_of(state, &redirects, stdin)
    }

    /// What the command reads then, and into which files it writes.
    pub(super) fn redirects_of(
        &mut self,
        state: &mut State,
        redirects: &[&IoRedirect],
        mut stdin: Data,
    ) -> (Data, Vec<Written>) {
        let mut files = Vec::new();
        for redirect in redirects {
            match redirect {
                IoRedirect::HereDocument(_, document) => {
                    let text = match document.requires_expansion {
                        true => self.document(state, &document.doc.value),
                        false => document.doc.value.clone(),
                    };
                    stdin = Data::text(text);
                }
                IoRedirect::HereString(_, word) => {
                    let text = self.whole(state, &word.value);
                    stdin = self.data_of(text);
                }
                IoRedirect::OutputAndError(word, append) => {
                    let name = self.whole(state, &word.value);
                    files.push((name, *append));
                }
                IoRedirect::File(fd, kind, target) => {
                    let name = match target {
                        Target::Filename(word) => self
                            .fields(state, &word.value)
                            .into_iter()
                            .next()
                            .unwrap_or_default(),
                        Target::ProcessSubstitution(kind, group) => {
                            self.process_substitution(state, kind, group)
                        }
                        Target::Duplicate(word) => {
                            let name = self.whole(state, &word.value);
                            if let Some(name) = state.open.get(&name).cloned() {
                                match kind {
                                    Kind::DuplicateInput => stdin = self.read_file(state, &name),
                                    _ => files.push((name, true)),
                                }
                                continue;
                            }
                            // `>&file`
                            if name.parse::<u32>().is_ok() || name.starts_with('-') || fd.is_some()
                            {
                                continue;
                            }
                            name
                        }
                        Target::Fd(number) => {
                            if let Some(name) = state.open.get(&number.to_string()).cloned() {
                                match kind {
                                    Kind::DuplicateInput => stdin = self.read_file(state, &name),
                                    _ => files.push((name, true)),
                                }
                            }
                            continue;
                        }
                    };
                    if let Some(number) = fd.filter(|number| *number > 2) {
                        state.open.insert(number.to_string(), name.clone());
                    }
                    let reads = matches!(kind, Kind::Read | Kind::DuplicateInput);
                    // Complaints go there; what the command has to say goes on.
                    if *fd == Some(2) && !reads {
                        let append = matches!(kind, Kind::Append);
                        self.write_file(state, &name, append, &Data::hidden());
                        continue;
                    }
                    match kind {
                        Kind::Read | Kind::DuplicateInput => stdin = self.read_file(state, &name),
                        Kind::Append => files.push((name, true)),
                        Kind::Write
                        | Kind::Clobber
                        | Kind::ReadAndWrite
                        | Kind::DuplicateOutput => files.push((name, false)),
                    }
                }
            }
        }
        (stdin, files)
    }

    /// What text is, that has come out of an expansion.
    pub(in super::super) fn data_of(&self, text: String) -> Data {
        if text.len() > MAX_TEXT {
            return Data::hidden();
        }
        Data {
            remote: text
                .contains(mark::REMOTE)
                .then(|| self.remote.clone().unwrap_or_else(|| "?".to_owned())),
            is_secret: text.contains(mark::SECRET),
            is_hidden: text.contains(mark::is_unknown),
            is_for_shells: text.contains(mark::HOOK),
            is_content: text.contains(mark::is_content),
            is_packed: text.contains(mark::PACKED),
            is_private: text.contains(mark::PRIVATE),
            bytes: None,
            service: None,
            is_sealed: false,
            is_endless: false,
            text: (!text.chars().all(mark::is_unknown)).then_some(text),
        }
    }

    /// What is in a file, as far as it has been written here.
    pub(in super::super) fn read_file(&mut self, state: &State, name: &str) -> Data {
        if is_wire(name) {
            let host = name.split('/').nth(3).unwrap_or("?").to_owned();
            programs::socket(self, name, &Data::default());
            self.remote = Some(host.clone());
            return Data {
                remote: Some(host),
                ..Data::hidden()
            };
        }
        if matches!(
            name,
            "/dev/zero" | "/dev/urandom" | "/dev/random" | "/dev/full"
        ) {
            return Data {
                is_endless: true,
                ..Data::hidden()
            };
        }
        if matches!(name, "/dev/null") {
            return Data::text("");
        }
        let path = self.path(state, name);
        if let Some(data) = state.files.get(&path.resolved) {
            return data.clone();
        }
        let is_secret = programs::is_secret(&path);
        self.act(Act::Read { path });
        Data {
            is_secret,
            is_content: true,
            ..Data::hidden()
        }
    }

    /// Writes what a command has written into files. What is then left goes on.
    pub(super) fn written(&mut self, state: &mut State, files: &[Written], data: Data) -> Data {
        if files.is_empty() {
            return data;
        }
        for (name, append) in files {
            self.write_file(state, name, *append, &data);
        }
        Data::default()
    }

    pub(in super::super) fn write_file(
        &mut self,
        state: &mut State,
        name: &str,
        append: bool,
        data: &Data,
    ) {
        if name == "/dev/null" && data.is_endless && self.forks > 0 {
            self.act(Act::Exhaust {
                what: Exhaust::Processor,
            });
        }
        if let Some(at) = self.readers.iter().rposition(|(reader, _)| reader == name) {
            let (_, command) = self.readers.swap_remove(at);
            let mut inner = state.clone();
            self.compound(&mut inner, &command, data);
            return;
        }
        if matches!(
            name,
            "" | "/dev/null" | "/dev/stdout" | "/dev/stderr" | "/dev/tty" | "-"
        ) || name.starts_with("/dev/fd/")
        {
            return;
        }
        if is_wire(name) {
            return programs::socket(self, name, data);
        }
        if data.is_endless {
            self.act(Act::Exhaust {
                what: Exhaust::Disk,
            });
        }
        let path = self.path(state, name);
        let is_nothing = data.text.as_deref() == Some("") && data.remote.is_none();
        let how = match (append, is_nothing) {
            (true, _) => Write::Append,
            (false, true) => Write::Truncate,
            (false, false) => Write::Replace,
        };
        let whole = match state.files.remove(&path.resolved) {
            Some(before) if append => before.and(data.clone()),
            _ => data.clone(),
        };
        programs::content(self, &path, data);
        state.files.insert(path.resolved.clone(), whole);
        self.act(Act::Write { path, how });
    }

    /// `<(…)`: the name of what the command writes.
    pub(super) fn process_substitution(
        &mut self,
        state: &mut State,
        kind: &ProcessSubstitutionKind,
        group: &SubshellCommand,
    ) -> String {
        let command = brush_parser::ast::CompoundCommand::Subshell(group.clone());
        let out = self.compound(state, &command, &Data::hidden());
        let name = format!("/dev/fd/{}", 63_usize.saturating_sub(state.files.len()));
        match kind {
            ProcessSubstitutionKind::Read => {
                let out = if out.is_any() { out } else { Data::hidden() };
                state.files.insert(name.clone(), out);
            }
            // What is written there is known when it is written.
            ProcessSubstitutionKind::Write => self.readers.push((name.clone(), command)),
        }
        name
    }
}
