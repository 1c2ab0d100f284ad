//! Names of functions in languages that have no grammar here, and what they do.

/// What a call does with its arguments.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    Shell,
    Delete { recursive: bool },
    Write,
    Move,
    Open,
    Eval,
}

/// By the end of its name. The first that fits is taken.
pub(super) const CALLS: &[(&str, Does)] = &[
    // Lua, and editors.
    ("os.execute", Does::Shell),
    ("io.popen", Does::Shell),
    ("os.remove", Does::Delete { recursive: false }),
    ("os.rename", Does::Move),
    ("io.open", Does::Open),
    ("system", Does::Shell),
    ("popen", Does::Shell),
    // Go, the JVM, Elixir.
    ("exec.command", Does::Shell),
    ("os.removeall", Does::Delete { recursive: true }),
    ("os.writefile", Does::Write),
    ("processbuilder", Does::Shell),
    ("system.cmd", Does::Shell),
    ("os.cmd", Does::Shell),
    ("os:cmd", Does::Shell),
    ("callcommand", Does::Shell),
    ("sys.command", Does::Shell),
    ("shell", Does::Shell),
    ("file.rm_rf", Does::Delete { recursive: true }),
    ("file.rm", Does::Delete { recursive: false }),
    ("file.write", Does::Write),
    ("files.delete", Does::Delete { recursive: false }),
    ("deletedirectory", Does::Delete { recursive: true }),
    ("deletedir", Does::Delete { recursive: true }),
    // R, Julia, Mac scripts.
    ("unlink", Does::Delete { recursive: false }),
    ("file.remove", Does::Delete { recursive: false }),
    ("script", Does::Shell),
    ("run", Does::Shell),
    ("exec", Does::Shell),
    ("spawn", Does::Shell),
    ("open", Does::Open),
    ("load", Does::Eval),
    ("loadstring", Does::Eval),
    ("eval", Does::Eval),
];

/// Those that are called without parentheses, in some languages.
pub(super) const BARE: &[&str] = &[
    "system",
    "exec",
    "unlink",
    "eval",
    "script",
    "callcommand",
    "sys.command",
    "shell",
];
