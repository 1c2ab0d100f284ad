//! Code that goes through a folder and deletes what it finds.

use super::literal;
use crate::policy::effects::{
    Act, Scope,
    shell::{Shell, State},
};

/// What goes through a folder that is named behind it.
const WALKS: &[&str] = &[
    "os.walk(",
    "os.listdir(",
    "os.scandir(",
    "glob.glob(",
    "glob.iglob(",
    "glob(",
    "Path(",
    "readdirSync(",
    "readdir(",
    "opendir(",
    "scandir(",
    "Dir.glob(",
    "Dir[",
    "Dir.children(",
    "Dir.each_child(",
    "Find.find(",
    "find(",
    "finddepth(",
    "RecursiveDirectoryIterator(",
    "filepath.Walk(",
];
/// What deletes one thing, of which the name is not known.
const DELETES: &[&str] = &[
    "os.remove(",
    "os.unlink(",
    "os.rmdir(",
    ".unlink(",
    "rmtree(",
    "unlinkSync(",
    "rmSync(",
    "rmdirSync(",
    "fs.unlink(",
    "fs.rm(",
    "unlink",
    "File.delete",
    "FileUtils.rm",
    "os.Remove",
    "rmdir",
];

/// Deletes all of a folder outside the project, unless it is temporary: there, some of it is everyday.
pub(super) fn walks(shell: &mut Shell<'_>, state: &State, code: &str) {
    if !DELETES.iter().any(|word| code.contains(word)) {
        return;
    }
    for walk in WALKS {
        for (at, _) in code.match_indices(walk).take(8) {
            let rest = code.get(at + walk.len()..).unwrap_or_default();
            // The folder is the first argument, or stands behind a block.
            let Some(start) = rest.find(['"', '\'']).filter(|start| *start < 200) else {
                continue;
            };
            let Some((text, _)) = rest.get(start..).and_then(literal) else {
                continue;
            };
            if !text.starts_with(['/', '~']) {
                continue;
            }
            let folder = text.split('*').next().unwrap_or_default();
            let path = shell.path(state, folder);
            if !matches!(path.scope, Scope::Project | Scope::Below | Scope::Temporary) {
                shell.act(Act::Delete {
                    path,
                    recursive: true,
                });
                return;
            }
        }
    }
}
