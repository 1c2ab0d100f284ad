//! Disks, and what fills them.

use super::{Args, Command, args::joined};
use crate::policy::effects::{
    Act, Exhaust, Scope, Write,
    shell::{Data, Shell, State},
};

/// The most MiB that may be written without filling a disk.
const MOST: u64 = 100 * 1024;

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let args = command.args(&["t", "L", "n", "o", "N", "a", "T"]);
    let name = command.name;
    // A file that is made like a disk is a file.
    let file = |shell: &Shell<'_>, device: &str| {
        let path = shell.path(state, device);
        // Pools, groups and disks without a folder have names like files.
        let has_files = !matches!(
            name,
            "zpool" | "zfs" | "lvremove" | "lvreduce" | "vgremove" | "diskutil" | "btrfs" | "nvme"
        );
        let is_below = path.scope == Scope::Below && path.name().contains('.');
        let is_file = path.scope == Scope::Temporary || is_below;
        (has_files && is_file && !device.is_empty()).then_some(path)
    };
    let disk = |shell: &mut Shell<'_>, device: &str| match file(shell, device) {
        Some(path) => shell.act(Act::Write {
            path,
            how: Write::Replace,
        }),
        None => shell.act(Act::Disk {
            program: name.to_owned(),
            device: device.to_owned(),
        }),
    };
    match name {
        "dd" | "gdd" | "dcfldd" | "pv" if name != "pv" => return Some(dd(shell, state, command)),
        "fdisk" | "sfdisk" | "cfdisk" | "gdisk" | "sgdisk" | "parted" => {
            let only_reads = args.has(&["l", "list", "d", "dump", "p", "print"])
                && !args.has(&["delete", "zap-all", "Z", "s"]);
            if !only_reads && !joined(command.words).ends_with(" print") {
                let device = args.operands.iter().find(|word| word.starts_with('/'));
                disk(shell, device.copied().unwrap_or(args.first()));
            }
        }
        "wipefs"
            if !args.has(&["a", "all", "f", "o"])
                && !command.words.iter().any(|word| word.starts_with("-a")) => {}
        "wipefs" | "blkdiscard" | "mkswap" | "hdparm" | "nvme" | "sg_format" | "badblocks"
        | "pvremove" | "vgremove" | "lvremove" | "lvreduce" | "pvcreate" | "vgcreate"
        | "lvcreate" | "zpool" | "zfs" | "mdadm" | "cryptsetup" | "btrfs" | "diskutil"
        | "newfs" | "partprobe" | "asr" | "scrub" => {
            let text = joined(command.words);
            let harms = match name {
                "hdparm" => {
                    text.contains("erase")
                        || text.contains("trim-sector")
                        || text.contains("make-bad")
                }
                "nvme" => text.starts_with("format") || text.starts_with("sanitize"),
                "zpool" | "zfs" => {
                    text.starts_with("destroy")
                        || text.starts_with("labelclear")
                        || text.starts_with("rollback")
                        || name == "zpool"
                            && (text.starts_with("create -f")
                                || text.starts_with("remove")
                                || text.starts_with("clear"))
                }
                "mdadm" => {
                    text.contains("--zero-superblock")
                        || text.contains("--stop")
                        || text.contains("--remove")
                }
                "cryptsetup" => {
                    text.contains("luksFormat")
                        || text.contains("erase")
                        || text.contains("luksErase")
                        || text.contains("luksKillSlot")
                }
                "btrfs" => {
                    text.contains("delete")
                        || text.starts_with("device remove")
                        || text.contains("reset")
                }
                "pvcreate" | "vgcreate" | "lvcreate" | "zpool-create" => name == "pvcreate",
                "diskutil" => {
                    text.to_lowercase().contains("erase")
                        || text.contains("partitionDisk")
                        || text.contains("zeroDisk")
                        || text.contains("secureErase")
                        || text.contains("deleteContainer")
                        || text.contains("deleteVolume")
                }
                "badblocks" => text.contains("-w"),
                "partprobe" => false,
                _ => true,
            };
            let is_own = shell.made.is_own(family(name), &words_of(command));
            if !harms || is_own {
                return None;
            }
            disk(shell, args.operands.last().copied().unwrap_or_default());
        }
        name if name == "mkfs"
            || name.starts_with("mkfs.")
            || matches!(name, "mke2fs" | "mkntfs" | "mkdosfs") =>
        {
            let target = args.operands.last().copied().unwrap_or_default();
            // An image in a file is no disk.
            let path = shell.path(state, target);
            if target.starts_with("/dev/") || path.scope == Scope::Unknown {
                disk(shell, target);
            } else {
                shell.act(Act::Write {
                    path,
                    how: Write::Replace,
                });
            }
        }
        "stress" | "stress-ng" => {
            if !is_short(&command.args(&["t", "timeout", "c", "cpu", "vm-bytes"])) {
                shell.act(Act::Exhaust {
                    what: Exhaust::Processor,
                });
            }
        }
        // A file that is used as a disk; the disk is called like it.
        "losetup" if args.has(&["show", "f", "find"]) => {
            let file = args.operands.last().copied().unwrap_or_default();
            let is_file = matches!(
                shell.path(state, file).scope,
                Scope::Temporary | Scope::Below
            );
            let is_one = is_file && !file.is_empty() && !args.has(&["d", "D", "detach"]);
            super::executes(shell, name, command.words);
            return Some(if is_one {
                Data::text("/tmp/loop")
            } else {
                Data::hidden()
            });
        }
        "mount" => {
            let options = command.args(&[
                "t", "types", "o", "options", "L", "U", "label", "uuid", "source", "target",
            ]);
            let target = options.operands.last().copied().unwrap_or_default();
            if options.operands.len() > 1 {
                covered(shell, state, target);
            }
            return None;
        }
        "umount" => {
            let is_all = args.has(&["a", "all"]) || args.operands.contains(&"/");
            if is_all {
                shell.act(Act::Disarm {
                    what: "all file systems go".to_owned(),
                });
            }
            return None;
        }
        _ => return None,
    }
    Some(Data::default())
}

/// Something else is seen in place of a folder.
fn covered(shell: &mut Shell<'_>, state: &State, target: &str) {
    let path = shell.path(state, target);
    let places = [
        "/mnt",
        "/media",
        "/Volumes",
        "/run/media",
        "/srv",
        "/opt",
        "/proc",
        "/sys",
        "/dev/pts",
        "/dev/shm",
    ];
    let is_place = places.iter().any(|place| path.is_within(place));
    let is_wide = matches!(
        path.scope,
        Scope::Root | Scope::Home | Scope::System | Scope::Above
    );
    if is_wide && !is_place {
        shell.act(Act::Disarm {
            what: format!("another file system at {path}"),
        });
    }
}

/// Programs that make and take the same things.
fn family(name: &str) -> &str {
    match name {
        "lvremove" | "lvcreate" => "lv",
        "vgremove" | "vgcreate" => "vg",
        name => name,
    }
}

/// The words of a command, with the verb that is in the name of the program.
fn words_of(command: &Command<'_>) -> Vec<String> {
    let verb = match command.name {
        "lvcreate" | "vgcreate" => Some("create"),
        "lvremove" | "vgremove" => Some("remove"),
        _ => None,
    };
    let verb = verb.map(str::to_owned);
    verb.into_iter()
        .chain(command.words.iter().cloned())
        .collect()
}

/// Whether a test of the machine ends by itself, soon, and leaves it some memory.
fn is_short(args: &Args<'_>) -> bool {
    let time = args.value(&["t", "timeout"]).unwrap_or_default();
    let digits = time
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(time.len());
    let (count, unit) = time.split_at_checked(digits).unwrap_or_default();
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        _ => return false,
    };
    let is_brief = count
        .parse::<u64>()
        .is_ok_and(|count| count.saturating_mul(seconds) <= 600);
    let fills = args.value(&["vm-bytes"]).is_some_and(|part| {
        let percent = part
            .strip_suffix('%')
            .and_then(|part| part.parse::<u64>().ok());
        percent.is_some_and(|percent| percent > 80)
    });
    is_brief && !fills
}

fn dd(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    let value = |name: &str| {
        command
            .words
            .iter()
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    };
    let input = value("if").unwrap_or_default();
    let Some(output) = value("of") else {
        let is_bounded = value("count").is_some() && megabytes(value("bs"), value("count")) <= MOST;
        return match input {
            "" => command.stdin.clone(),
            input => {
                let data = shell.read_file(state, input);
                Data {
                    is_endless: data.is_endless && !is_bounded,
                    ..data
                }
            }
        };
    };
    let path = shell.path(state, output);
    if path.scope == Scope::Device {
        shell.act(Act::Disk {
            program: command.name.to_owned(),
            device: path.written,
        });
        return Data::default();
    }
    let endless = matches!(input, "/dev/zero" | "/dev/urandom" | "/dev/random");
    if endless && (value("count").is_none() || megabytes(value("bs"), value("count")) > MOST) {
        shell.act(Act::Exhaust {
            what: Exhaust::Disk,
        });
    }
    let data = if input.is_empty() {
        command.stdin.clone()
    } else {
        Data::hidden()
    };
    if matches!(input, "/dev/null") {
        shell.act(Act::Write {
            path,
            how: Write::Truncate,
        });
    } else {
        shell.write_file(state, output, false, &data);
    }
    Data::default()
}

/// How much is written, in MiB.
fn megabytes(block: Option<&str>, count: Option<&str>) -> u64 {
    let number = |text: &str| {
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at_checked(digits)?;
        let unit = match unit.chars().next() {
            None | Some('c') => 1,
            Some('k' | 'K') => 1 << 10,
            Some('m' | 'M') => 1 << 20,
            Some('g' | 'G') => 1 << 30,
            Some(_) => 1 << 40,
        };
        number.parse::<u64>().ok()?.checked_mul(unit)
    };
    let bytes = number(block.unwrap_or("512")).zip(number(count.unwrap_or("1")));
    bytes
        .and_then(|(block, count)| block.checked_mul(count))
        .map_or(u64::MAX, |bytes| bytes >> 20)
}
