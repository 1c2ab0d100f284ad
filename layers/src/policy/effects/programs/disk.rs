//! Disks, and what fills them.

use super::{Command, args::joined};
use crate::policy::effects::{
    Act, Exhaust, Scope, Write,
    shell::{Data, Shell, State},
};

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let args = command.args(&["t", "L", "n", "o", "N", "a", "T"]);
    let name = command.name;
    let disk = |shell: &mut Shell<'_>, device: &str| {
        shell.act(Act::Disk {
            program: name.to_owned(),
            device: device.to_owned(),
        });
    };
    match name {
        "dd" | "gdd" | "dcfldd" | "pv" if name != "pv" => return Some(dd(shell, state, command)),
        "fdisk" | "sfdisk" | "cfdisk" | "gdisk" | "sgdisk" | "parted" => {
            let only_reads = args.has(&["l", "list", "d", "dump", "p", "print"])
                && !args.has(&["delete", "zap-all", "Z", "s"]);
            if !only_reads && !joined(command.words).ends_with(" print") {
                disk(shell, args.first());
            }
        }
        "wipefs"
            if !args.has(&["a", "all", "f", "o"])
                && !command.words.iter().any(|word| word.starts_with("-a")) => {}
        "wipefs" | "blkdiscard" | "mkswap" | "hdparm" | "nvme" | "sg_format" | "badblocks"
        | "pvremove" | "vgremove" | "lvremove" | "zpool" | "zfs" | "mdadm" | "cryptsetup"
        | "btrfs" | "diskutil" | "newfs" | "partprobe" | "asr" | "scrub" => {
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
                "btrfs" => text.contains("delete"),
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
            if !harms {
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
            shell.act(Act::Exhaust {
                what: Exhaust::Processor,
            });
        }
        _ => return None,
    }
    Some(Data::default())
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
        return match input {
            "" => command.stdin.clone(),
            input => shell.read_file(state, input),
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
    if endless && (value("count").is_none() || megabytes(value("bs"), value("count")) > 100 * 1024)
    {
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
