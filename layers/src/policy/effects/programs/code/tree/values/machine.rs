//! What functions tell of the machine, and of its keys.

use super::{Args, Value};
use crate::policy::effects::mark;

/// What this machine is called, who works at it, and what its store of passwords has; `None` for any other function.
pub(super) fn told(name: &str, last: &str, args: &Args) -> Option<Value> {
    match last {
        "gethostname" | "getfqdn" | "getlogin" | "getuser" | "get_current_user" | "php_uname" => {
            Some(Value::mark(mark::HERE))
        }
        "hostname" | "userInfo" | "uname" | "node"
            if args.values.is_empty() && (name == last || is_of_system(name)) =>
        {
            Some(Value::mark(mark::HERE))
        }
        "get_password" | "get_credential" if name.contains("keyring") => {
            Some(Value::mark(mark::SECRET))
        }
        _ => None,
    }
}

/// Whether a function is one of those that tell of the machine.
fn is_of_system(name: &str) -> bool {
    let (module, _) = name.rsplit_once('.').unwrap_or_default();
    matches!(
        module,
        "os" | "platform" | "socket" | "Deno" | "Sys.Hostname" | "POSIX"
    )
}
