//! What ends the sidecar.

use regex::RegexBuilder;

use super::{
    Harm, SelfProtection,
    commands::{
        HOLDERS, SUPERVISORS, begins_to_end, ends, ends_all, holds, is_unknown, only_asks,
        patterns, single_letters,
    },
    route::contains_word,
    test_runs::is_test_run,
};
use crate::policy::{
    ToolCall,
    effects::{Act, Effect, Effects, Process},
    policies::guard::names::is_name,
};

/// Programs that speak with those that look after services, and what they say to end one.
const SPEAKERS: &[&str] = &["busctl", "gdbus", "dbus-send", "qdbus"];
const SAID: &[&str] = &[
    "StopUnit",
    "KillUnit",
    "RestartUnit",
    "ReplaceUnit",
    "MaskUnit",
    "DisableUnit",
    "FreezeUnit",
    "SetUnitProperties",
    "TryRestart",
    "ReloadOrRestart",
    "Unit.Stop",
    "Unit.Kill",
    "Unit.Restart",
    "Unit.Freeze",
    "UnitFiles",
    "StopTransient",
];
const SAID_ALONE: &[&str] = &["Stop", "Kill", "Restart", "Freeze", "SetProperties"];
/// Programs that find processes for others to end.
const FINDERS: &[&str] = &[
    "pgrep", "pidof", "lsof", "fuser", "ps", "ss", "netstat", "sockstat", "fstat", "procs",
    "psutil",
];

impl SelfProtection {
    /// Its process, its service or its container, ended.
    pub(super) fn stops(&self, call: &ToolCall, effects: &Effects) -> Option<(Harm, String)> {
        // Whoever ends what cannot be told, and speaks of it.
        let looks = |effect: &Effect| matches!(&effect.act, Act::Exec { program, .. } if FINDERS.contains(&program.as_str()));
        let is_found = self.has_name(call.input())
            || self.has_port(call.input()) && effects.iter().any(looks)
            || effects.iter().any(|effect| self.is_looked_for(effect));
        if self.is_spoken_of(call, effects) {
            return Some((
                Harm::Stopped,
                "its process is named beside what ends processes".to_owned(),
            ));
        }
        let effect = effects.iter().find(|effect| match &effect.act {
            Act::Process { what, target } => match what {
                Process::Shutdown => true,
                Process::KillAll => {
                    !only_asks(&effect.evidence)
                        && (ends_all(&effect.evidence) || self.is_among(&effect.evidence))
                }
                Process::Kill => {
                    !only_asks(target) && (self.has_pid(target) || is_found && is_unknown(target))
                }
                Process::KillNamed => {
                    !only_asks(&effect.evidence)
                        && (self.is_named_by(target) || self.is_among(&effect.evidence))
                }
                _ => {
                    is_found && is_unknown(target)
                        || self.has_name(target)
                        || target.split_whitespace().any(|word| self.could_be(word))
                }
            },
            Act::Exec { program, args } => {
                let is_unit = |word: &String| word.contains('$') && !word.starts_with('-');
                self.is_ended(program, args)
                    || is_found
                        && HOLDERS.contains(&program.as_str())
                        && holds(program, args)
                        && args.iter().any(|word| is_unknown(word))
                    || is_found && args.iter().any(is_unit) && ends(program, args)
            }
            // What keeps groups of processes, and the process itself, as files.
            Act::Write { path, .. } => {
                let is_group = path.is_within("/sys/fs/cgroup") || path.is_within("/run/systemd");
                let is_process = path.is_within("/proc") && !path.is_within("/proc/sys");
                is_group && self.has_name(&path.resolved)
                    || is_process && path.resolved.split('/').any(|part| self.has_pid(part))
            }
            Act::Infrastructure { target, .. } => {
                let is_found = self.has_name(call.input()) && target.contains('$');
                is_found || self.has_name(target) || self.has_name(&effect.evidence)
            }
            _ => false,
        })?;
        Some((Harm::Stopped, format!("{effect}, in {:?}", effect.evidence)))
    }

    /// Code of another language, or a debugger, in which its number stands.
    fn is_spoken_of(&self, call: &ToolCall, effects: &Effects) -> bool {
        // What is only written down, and what is told by its effects, says it better.
        let is_run = effects.iter().any(|effect| match &effect.act {
            Act::Opaque { .. } => true,
            Act::Process { target, .. } => !only_asks(target),
            Act::Exec { program, args } => {
                !matches!(program.as_str(), "git" | "gh" | "ps") && !is_test_run(program, args)
            }
            _ => false,
        });
        let is_debugged = ["gdb", "lldb"]
            .iter()
            .any(|word| contains_word(call.input(), word));
        if !is_run && !is_debugged {
            return false;
        }
        let is_text = ["content", "new_string", "file_text", "new_str"]
            .iter()
            .any(|name| {
                call.arguments()
                    .is_some_and(|input| input.get(*name).is_some())
            });
        let ends = ["kill", "gdb", "lldb"]
            .iter()
            .any(|word| call.input().contains(word));
        !is_text && ends && self.names_pid(call.input())
    }

    fn is_ended(&self, program: &str, args: &[String]) -> bool {
        let names_it = || {
            args.iter()
                .any(|word| self.has_name(word) || self.could_be(word))
        };
        match program {
            program if SPEAKERS.contains(&program) => {
                let says = |word: &String| {
                    SAID_ALONE.contains(&word.as_str())
                        || SAID.iter().any(|said| word.contains(said))
                };
                args.iter().any(|word| self.has_name(word)) && args.iter().any(says)
            }
            "fuser" => {
                args.iter()
                    .any(|word| word.starts_with('-') && word.contains('k'))
                    && (names_it() || args.iter().any(|word| self.has_port(word)))
            }
            "gdb" | "lldb" | "taskkill" => names_it() || args.iter().any(|word| self.has_pid(word)),
            program if HOLDERS.contains(&program) => {
                holds(program, args)
                    && (names_it()
                        || args.iter().any(|word| {
                            let value = word
                                .split_once('=')
                                .map_or(word.as_str(), |(_, value)| value);
                            self.has_pid(value.trim_start_matches("-p"))
                        }))
            }
            "ss" => {
                args.iter().any(|word| word == "-K" || word == "--kill")
                    && args.iter().any(|word| self.has_port(word))
            }
            "tcpkill" | "cutter" => args.iter().any(|word| self.has_port(word)),
            "kill-port" | "killport" | "fkill" => {
                names_it() || args.iter().any(|word| self.has_port(word))
            }
            program if is_test_run(program, args) && !begins_to_end(args) => false,
            program if SUPERVISORS.contains(&program) => names_it() && ends(program, args),
            _ => false,
        }
    }

    /// Whether a pattern of a shell or of `systemctl` stands for its name, with something known in it.
    fn could_be(&self, word: &str) -> bool {
        let word = word.trim_end_matches(".service").trim_matches(['"', '\'']);
        let known = word.chars().filter(|c| c.is_alphanumeric()).count();
        word.contains(['*', '?', '['])
            && known > 1
            && self.processes.iter().any(|name| is_name(word, name))
    }

    /// A command that looks for its process: what it finds may be ended then.
    fn is_looked_for(&self, effect: &Effect) -> bool {
        match &effect.act {
            Act::Exec { program, args } if FINDERS.contains(&program.as_str()) => {
                let mut words = patterns(args.iter().map(String::as_str));
                words.any(|word| self.is_named_by(word) || self.has_port(word))
            }
            Act::Exec { program, args } if SUPERVISORS.contains(&program.as_str()) => {
                args.iter().any(|word| self.could_be(word))
            }
            Act::Read { path } => self.has_name(&path.resolved),
            _ => false,
        }
    }

    /// Whether its name stands in a text as a word, or as the beginning of one: `luthien.service`, `my-luthien-1`.
    pub(super) fn has_name(&self, text: &str) -> bool {
        // `[l]uthien` finds it, and not who looks for it.
        let text = single_letters(&text.to_lowercase());
        self.processes
            .iter()
            .any(|name| text.contains(&name.to_lowercase()))
    }

    /// Whether it is one of those that a command ends by their names.
    fn is_among(&self, command: &str) -> bool {
        patterns(command.split_whitespace().skip(1)).any(|word| self.is_named_by(word))
    }

    /// Whether a pattern of `pkill` is for it.
    fn is_named_by(&self, pattern: &str) -> bool {
        if pattern.is_empty() || pattern.starts_with('-') {
            return false;
        }
        let regex = RegexBuilder::new(pattern)
            .case_insensitive(true)
            .size_limit(1 << 16)
            .build();
        self.processes.iter().any(|name| {
            let name = name.to_lowercase();
            let line = format!("/usr/bin/{name} serve");
            let pattern = pattern.to_lowercase();
            let is_part = pattern.len() > 2 && name.contains(&pattern) || pattern.contains(&name);
            is_part
                || regex.as_ref().is_ok_and(|regex| {
                    regex.is_match(&name) || regex.as_str().contains(' ') && regex.is_match(&line)
                })
        })
    }

    /// Whether its number is one of the words; those with a dash are signals, or groups if they are large.
    fn has_pid(&self, words: &str) -> bool {
        words.split_whitespace().any(|word| {
            let number = word.trim_start_matches('-');
            let is_signal = number.len() < word.len() && number.len() < 3;
            let pid = number.parse::<u32>();
            !is_signal && pid.is_ok_and(|pid| self.pids.contains(&pid))
        })
    }

    /// Whether its number stands in a text, if it is one that stands nowhere by chance.
    fn names_pid(&self, text: &str) -> bool {
        let mut numbers = text.split(|c: char| !c.is_ascii_digit());
        numbers.any(|number| {
            let pid = number.parse::<u32>();
            number.len() > 3 && pid.is_ok_and(|pid| self.pids.contains(&pid))
        })
    }

    /// `:8000`, `8000/tcp`, `-i:8000`.
    pub(super) fn has_port(&self, text: &str) -> bool {
        let is_one = |port: u16| self.ports.contains(&port) || self.admin_ports.contains(&port);
        let mut words = text.split(|c: char| !c.is_ascii_digit());
        // `0xfa0`
        let mut others = text.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| word.parse().is_ok_and(is_one))
            || others.any(|word| {
                let hex = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
                hex.is_some_and(|hex| u16::from_str_radix(hex, 16).is_ok_and(is_one))
            })
    }
}
