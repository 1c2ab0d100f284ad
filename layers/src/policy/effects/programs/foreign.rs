//! Shells and programs of Windows: nobody here reads them.

const PROGRAMS: &[&str] = &[
    "powershell",
    "pwsh",
    "cmd",
    "cmd.exe",
    "wscript",
    "cscript",
    "mshta",
    "rundll32",
    "regsvr32",
    "certutil",
    "bitsadmin",
    "wmic",
    "iex",
    "rd",
    "del",
    "erase",
    "format",
    "diskpart",
    "vssadmin",
    "bcdedit",
    "takeown",
    "icacls",
    "cipher",
    "reg",
    "schtasks",
    "wsl",
];

/// Whether it is one of them.
pub(super) fn is_foreign(name: &str) -> bool {
    PROGRAMS.contains(&name) || is_cmdlet(name)
}

/// `remove-item`, `invoke-expression`: a verb of that other shell.
fn is_cmdlet(name: &str) -> bool {
    const VERBS: &[&str] = &[
        "remove",
        "invoke",
        "get",
        "set",
        "new",
        "stop",
        "start",
        "clear",
        "format",
        "restart",
        "write",
        "out",
        "import",
        "convertfrom",
        "add",
        "disable",
        "enable",
        "unregister",
        "register",
        "copy",
        "move",
    ];
    const NOUNS: &[&str] = &[
        "item",
        "expression",
        "content",
        "webrequest",
        "restmethod",
        "process",
        "service",
        "computer",
        "volume",
        "disk",
        "partition",
        "childitem",
        "object",
        "host",
        "eventlog",
        "itemproperty",
        "scheduledtask",
        "mppreference",
        "localuser",
        "location",
        "executionpolicy",
        "command",
        "module",
        "string",
        "netfirewallrule",
        "netfirewallprofile",
        "physicaldisk",
        "adaccount",
        "recyclebin",
    ];
    name.split_once('-')
        .is_some_and(|(verb, noun)| VERBS.contains(&verb) && NOUNS.contains(&noun))
}
