//! Hosts, whichever way they are written.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use wildmatch::WildMatch;

/// A host: a name in lower case, or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Host {
    Name(String),
    Address(IpAddr),
}

/// Names under which a cloud answers its machines.
const METADATA_NAMES: &[&str] = &[
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
    "metadata.azure.internal",
    "metadata.tencentyun.com",
    "metadata.platformequinix.com",
    "rancher-metadata",
];

/// Addresses at which a cloud answers its machines. Others like them are those of devices on a wire.
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 250)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 0, 23)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

impl Host {
    /// What stands for a host; `None` if part of it is not known.
    pub(in super::super) fn of(written: &str) -> Option<Self> {
        let host: String = decoded(written).chars().map(plain).collect();
        let host = host.trim().trim_end_matches('.').to_lowercase();
        if host.is_empty() || host.contains(['$', '*', '?', ' ']) {
            return None;
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let bare = bare.split('%').next().unwrap_or(bare);
        let address = match bare.parse::<Ipv6Addr>() {
            Ok(address) => Some(embedded(address)),
            Err(_) => ipv4(&host).or_else(|| told(&host)).map(IpAddr::V4),
        };
        Some(address.map_or(Self::Name(host), Self::Address))
    }

    /// Whether an address that is known in part, with `$` for what is not, could be one at which a cloud answers.
    pub(in super::super) fn could_be_metadata(written: &str) -> bool {
        let known = written.chars().filter(char::is_ascii_digit).count();
        let is_address = |c: char| c.is_ascii_digit() || matches!(c, '.' | '$');
        written.contains('$')
            && known > 2
            && written.chars().all(is_address)
            && METADATA.iter().any(|address| {
                let address = address.to_string();
                // What is not known may be nothing, or begin a path.
                WildMatch::new(&written.replace('$', "*")).matches(&address)
            })
    }

    /// Whether it is this machine.
    pub(in super::super) fn is_here(&self) -> bool {
        match self {
            Self::Name(name) => {
                matches!(
                    name.as_str(),
                    "localhost"
                        | "localhost.localdomain"
                        | "host.docker.internal"
                        | "host.containers.internal"
                        | "ip6-localhost"
                        | "ip6-loopback"
                        | "localtest.me"
                        | "lvh.me"
                ) || [".localhost", ".localtest.me", ".lvh.me"]
                    .iter()
                    .any(|end| name.ends_with(end))
            }
            Self::Address(address) => address.is_loopback() || address.is_unspecified(),
        }
    }

    /// Whether it is of the same network, as far as its name or number tells.
    pub(in super::super) fn is_near(&self) -> bool {
        const NEAR: [&str; 10] = [
            ".local",
            ".internal",
            ".lan",
            ".corp",
            ".home",
            ".intranet",
            ".home.arpa",
            ".test",
            ".private",
            ".svc",
        ];
        match self {
            Self::Name(name) => !name.contains('.') || NEAR.iter().any(|end| name.ends_with(end)),
            Self::Address(IpAddr::V4(address)) => {
                address.is_private() || address.is_loopback() || address.is_link_local()
            }
            Self::Address(IpAddr::V6(address)) => {
                address.is_unique_local() || address.is_loopback()
            }
        }
    }

    /// Whether a cloud tells its machines there who they are, keys included.
    pub(in super::super) fn is_metadata(&self) -> bool {
        match self {
            Self::Name(name) => {
                METADATA_NAMES.contains(&name.as_str())
                    // Names that stand for the address in them.
                    || [
                        "169.254.169.254",
                        "169-254-169-254",
                        "a9fea9fe",
                        "169.254.170.2",
                        "169-254-170-2",
                    ]
                    .iter()
                    .any(|part| name.contains(part))
            }
            Self::Address(address) => METADATA.contains(address),
        }
    }
}

/// As patterns are compared with it.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// Without `%2e` and the like.
fn decoded(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let byte = after
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte.filter(u8::is_ascii) {
            Some(byte) => {
                plain.push(char::from(byte));
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                plain.push('%');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// Wide letters and digits, and other dots, as names are read.
fn plain(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c).saturating_sub(0xfee0)).unwrap_or(c),
        '\u{3002}' | '\u{ff61}' => '.',
        '\u{2460}'..='\u{2468}' => {
            char::from_u32(u32::from(c).saturating_sub(0x2460 - 0x31)).unwrap_or(c)
        }
        '\u{24ea}' => '0',
        c => c,
    }
}

/// An address in any of the forms that `inet_aton` takes: `0xa9.0376.43518`, `2852039166`.
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut parts = Vec::new();
    for part in text.split('.') {
        if parts.len() == 4 {
            return None;
        }
        parts.push(number(part)?);
    }
    let last = parts.pop()?;
    let free = 4_usize.checked_sub(parts.len())?;
    let mut address = 0_u32;
    for part in &parts {
        address = (address << 8) | u32::from(u8::try_from(*part).ok()?);
    }
    let bits = u32::try_from(free.checked_mul(8)?).ok()?;
    // Curl takes the last bits of a number that is too large.
    let rest = match bits {
        32 => u32::try_from(last & 0xffff_ffff).ok()?,
        bits => {
            let rest = u32::try_from(last).ok()?;
            if rest >> bits != 0 {
                return None;
            }
            rest
        }
    };
    let above = address.checked_shl(bits).unwrap_or(0);
    Some(Ipv4Addr::from_bits(above | rest))
}

/// The address that stands in a name, of a host that stands for it: `x.10.0.0.1.nip.io`, `10-0-0-1.sslip.io`, `7f000001.nip.io`.
fn told(host: &str) -> Option<Ipv4Addr> {
    const TELLING: [&str; 8] = [
        ".nip.io",
        ".sslip.io",
        ".xip.io",
        ".traefik.me",
        ".ip.addr.tools",
        ".local-ip.co",
        ".backname.io",
        ".ipq.co",
    ];
    let name = TELLING.iter().find_map(|end| host.strip_suffix(end))?;
    let parts: Vec<&str> = name.split(['.', '-']).collect();
    let four = parts
        .windows(4)
        .find_map(|four| four.join(".").parse().ok());
    let hex = || {
        let mut hex = parts.iter().filter(|part| part.len() == 8);
        hex.find_map(|part| u32::from_str_radix(part, 16).ok())
            .map(Ipv4Addr::from_bits)
    };
    four.or_else(hex)
}

/// Decimal, hexadecimal or octal.
fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_plain.then(|| u64::from_str_radix(digits, radix).ok())?
}

/// The older address in a newer one, if there is one.
fn embedded(address: Ipv6Addr) -> IpAddr {
    if let Some(inner) = address.to_ipv4_mapped() {
        return IpAddr::V4(inner);
    }
    let [a, b, c, d, e, f, high, low] = address.segments();
    let is_translated = [a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0];
    let is_compatible = [a, b, c, d, e, f] == [0; 6] && high != 0;
    if is_translated || is_compatible {
        return IpAddr::V4(Ipv4Addr::from_bits(
            (u32::from(high) << 16) | u32::from(low),
        ));
    }
    IpAddr::V6(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_in_every_spelling() {
        for written in [
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "0xA9.0xFE.0xA9.0xFE",
            "0251.0376.0251.0376",
            "169.16689662",
            "169.254.43518",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "64:ff9b::a9fe:a9fe",
            "169.254.169.254.",
            "169%2e254%2e169%2e254",
            "１６９.254.169.254",
            "169。254。169。254",
            "①⑥⑨.254.169.254",
            "0000251.254.169.254",
        ] {
            let host = Host::of(written).unwrap();
            assert_eq!(host.to_string(), "169.254.169.254", "{written}");
            assert!(host.is_metadata());
        }
        for written in [
            "Metadata.Google.Internal.",
            "fd00:ec2::254",
            "169.254.169.254.nip.io",
            "a9fea9fe.nip.io",
            "x-169-254-169-254.sslip.io",
        ] {
            assert!(Host::of(written).unwrap().is_metadata(), "{written}");
        }
    }

    #[test]
    fn this_machine_is_known_and_other_names_stay_names() {
        for written in [
            "localhost",
            "127.1",
            "0x7f000001",
            "[::1]",
            "0",
            "api.localhost",
        ] {
            assert!(Host::of(written).unwrap().is_here(), "{written}");
        }
        for written in [
            "1.2.3.4.5",
            "example.com",
            "256.256.256.256",
            "10.0.0",
            "0x",
        ] {
            let host = Host::of(written).unwrap();
            assert!(!host.is_here() && !host.is_metadata(), "{written}: {host}");
        }
        for written in ["", "$", "$.github.com"] {
            assert_eq!(Host::of(written), None);
        }
    }
}
