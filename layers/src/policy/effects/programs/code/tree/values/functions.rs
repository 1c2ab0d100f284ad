//! Functions of libraries that have no effect, by their names.

use super::{
    super::is_end_of as is_end, Args, MAX_ITEMS, Value, bases, codes, format, letters, lists,
    machine, packed, paths, texts, words,
};
use crate::policy::effects::mark;

/// What a function gives; `None` for one that is not known here.
pub(in super::super) fn call(name: &str, args: &Args) -> Option<Value> {
    let last = name.rsplit(['.', ':', '#']).next().unwrap_or(name);
    let text = |at: usize| args.text(at);
    let made = |text: String| Some(Value::made(text));
    // `str.join(" ", list)` is a method of its first argument.
    let is_unbound = ["str.", "bytes.", "bytearray."]
        .iter()
        .any(|of| name.strip_prefix(of) == Some(last));
    if let (true, Some(value)) = (
        is_unbound,
        texts::method(&args.get(0), last, &args.behind(1)),
    ) {
        return Some(value);
    }
    match last {
        // What goes on until something comes.
        "iter" if args.values.len() == 2 => Some(Value::Name(ENDLESS.to_owned())),
        "chr" | "unichr" | "fromCharCode" | "fromCodePoint" => made(codes::of_codes(&args.values)?),
        "ord" => {
            let text = text(0)?;
            let c = text.chars().next()?;
            Some(Value::Number(f64::from(u32::from(c))))
        }
        "str" | "String" | "repr" | "strval" | "fsdecode" | "fsencode" | "fspath"
        | "ensure_str" => match args.get(0) {
            Value::Text(text) => Some(Value::Text(text)),
            value => made(value.written()),
        },
        "int" | "parseInt" | "Number" | "float" | "intval" | "Integer" | "parseFloat" => {
            match args.get(0) {
                Value::Text(text)
                    if text.contains(mark::is_unknown) || text.contains(mark::is_glob) =>
                {
                    Some(Value::Text(text))
                }
                Value::Text(text) => {
                    let radix = args.get(1).number().and_then(texts::whole).unwrap_or(10);
                    let digits = text.trim().trim_start_matches("0x");
                    let is_hex = digits.len() < text.trim().len();
                    let radix = if is_hex { 16 } else { radix };
                    // Further than that no standard goes.
                    let radix = (2..=36).contains(&radix).then_some(radix)?;
                    Some(Value::Number(f64::from(
                        i32::from_str_radix(digits, radix).ok()?,
                    )))
                }
                Value::Number(n) => Some(Value::Number(n.trunc())),
                _ => None,
            }
        }
        "len" | "strlen" | "count" if args.values.len() == 1 => {
            let count = match args.get(0) {
                Value::Text(text) => text.chars().count(),
                Value::List(items) => items.len(),
                _ => return None,
            };
            Some(Value::Number(f64::from(u32::try_from(count).ok()?)))
        }
        "bytes" | "bytearray" | "Uint8Array" | "memoryview" => match args.get(0) {
            Value::List(items) => codes::of_codes(&items).map(Value::made),
            value => Some(value),
        },
        "sorted" | "asort" | "ksort" => {
            let mut items = args.get(0).items()?;
            let is_reverse = args.is_set("reverse");
            sort(&mut items);
            if is_reverse {
                items.reverse();
            }
            Some(Value::list(items))
        }
        "pack" if is_end(name, "struct.pack") => {
            let pieces = args.values.iter().skip(1).map(|value| match value {
                Value::Number(_) => codes::of_codes(std::slice::from_ref(value)),
                value => value.text(),
            });
            let pieces: Option<Vec<_>> = pieces.collect();
            made(pieces?.concat())
        }
        "accumulate" if args.values.len() == 1 => {
            let mut sum = 0.0;
            let sums = args.get(0).items()?.into_iter().map(|item| {
                sum += item.number()?;
                Some(Value::Number(sum))
            });
            sums.collect::<Option<Vec<_>>>().map(Value::list)
        }
        "normalize" if text(0).is_some_and(|form| form.starts_with("NF")) => {
            made(text(1)?.chars().map(codes::narrow).collect())
        }
        "Map" | "Set" | "Template" if !args.values.is_empty() => Some(args.get(0)),
        "fromEntries" => {
            let pairs = args.get(0).items()?;
            let pairs = pairs.iter().filter_map(|pair| {
                let pair = pair.items()?;
                Some((pair.first()?.written(), pair.get(1)?.clone()))
            });
            Some(Value::map(pairs.collect()))
        }
        "getusersitepackages" | "getsitepackages" => {
            made("~/.local/lib/python3/site-packages".to_owned())
        }
        "Request" if args.all().any(|value| value.has(mark::SECRET)) => {
            Some(Value::list(vec![args.get(0), Value::mark(mark::SECRET)]))
        }
        "list" | "tuple" | "set" | "Array" | "iter" | "deque" | "frozenset" | "array_values"
            if !args.values.is_empty() =>
        {
            match args.get(0) {
                Value::Number(_) => None,
                value if args.values.len() == 1 => value.items().map(Value::list).or(Some(value)),
                _ => Some(Value::list(args.values.clone())),
            }
        }
        "reversed" | "array_reverse" => Some(match args.get(0) {
            Value::List(items) => Value::list(items.iter().rev().cloned().collect()),
            value => Value::list(value.items()?.into_iter().rev().collect()),
        }),
        "strrev" => made(text(0)?.chars().rev().collect()),
        "range" => {
            let numbers: Option<Vec<f64>> = args.values.iter().map(Value::number).collect();
            let (from, to, step) = match numbers?.as_slice() {
                [to] => (0.0, *to, 1.0),
                [from, to] => (*from, *to, 1.0),
                [from, to, step, ..] if *step != 0.0 => (*from, *to, *step),
                _ => return None,
            };
            let mut items = Vec::new();
            let mut at = from;
            while items.len() < MAX_ITEMS && (step > 0.0 && at < to || step < 0.0 && at > to) {
                items.push(Value::Number(at));
                at += step;
            }
            match step > 0.0 && at < to || step < 0.0 && at > to {
                true => Some(Value::Name(MANY.to_owned())),
                false => Some(Value::list(items)),
            }
        }
        "enumerate" => texts::method(
            &Value::list(args.get(0).items()?),
            "entries",
            &Args::default(),
        ),
        "zip" => {
            let lists: Option<Vec<Vec<Value>>> = args.values.iter().map(Value::items).collect();
            let lists = lists?;
            let length = lists.iter().map(Vec::len).min()?;
            let items = (0..length).map(|at| {
                Value::list(
                    lists
                        .iter()
                        .filter_map(|list| list.get(at).cloned())
                        .collect(),
                )
            });
            Some(Value::list(items.collect()))
        }
        "chain" | "from_iterable" | "array_merge" => {
            let lists: Vec<Value> = args.values.clone();
            texts::method(&Value::list(lists), "flat", &Args::default())
        }
        "b64decode" | "a2b_base64" | "atob" | "base64_decode" | "decode64" | "strict_decode64"
        | "urlsafe_decode64" | "urlsafe_b64decode" | "decodebytes" | "standard_b64decode"
        | "decode_base64" => made(codes::base64(&text(0)?)?),
        "decompress" | "inflate" | "inflateSync" | "inflateRawSync" | "gunzip" | "gunzipSync"
        | "unzipSync" | "gzinflate" | "gzuncompress" | "gzdecode" | "zlib_decode"
        | "uncompress" | "memGunzip" => made(packed::unpacked(&text(0)?)?),
        "urlsplit" | "urlparse" | "parse_url" => Some(paths::address(&text(0)?)),
        "sum" if args.values.len() == 1 => match args.get(0) {
            Value::List(items) => {
                let numbers: Option<Vec<f64>> = items.iter().map(Value::number).collect();
                Some(Value::Number(numbers?.iter().sum()))
            }
            _ => None,
        },
        "inet_ntoa" | "IPv4Address" | "ip_address" | "inet_ntop" | "long2ip" => {
            made(bases::address(args.values.last()?)?)
        }
        "b32decode" => made(bases::base32(&text(0)?)?),
        "b85decode" => made(bases::base85(&text(0)?)?),
        "unescape" if is_end(name, "html.unescape") => made(bases::entities(&text(0)?)),
        "html_entity_decode" | "htmlspecialchars_decode" | "unescapeHTML" | "decode_entities" => {
            made(bases::entities(&text(0)?))
        }
        "scalar" if args.values.len() == 1 => Some(args.get(0)),
        "unhexlify" | "fromhex" | "a2b_hex" | "hex2bin" => made(codes::hex(&text(0)?)?),
        "from" if is_end(name, "Buffer.from") => match args.get(0) {
            Value::List(items) => made(codes::of_codes(&items)?),
            value => {
                let text = value.text()?;
                let how = args.text(1).unwrap_or_default();
                made(codes::decoded(&text, &how).unwrap_or(text))
            }
        },
        "from" if is_end(name, "Array.from") => args.get(0).items().map(Value::list),
        "decode" | "encode" if is_end(name, "codecs.decode") || is_end(name, "codecs.encode") => {
            made(codes::decoded(&text(0)?, &text(1)?)?)
        }
        "str_rot13" => made(codes::decoded(&text(0)?, "rot13")?),
        "decodeURIComponent" | "decodeURI" | "unescape" | "unquote" | "unquote_plus"
        | "urldecode" | "rawurldecode" => made(codes::unquoted(&text(0)?)?),
        "join" if paths::is_path(name) => Some(paths::joined_path(&args.values)),
        "lookup" if is_end(name, "unicodedata.lookup") => {
            made(letters::named(&text(0)?)?.to_string())
        }
        // Names of hosts, and no paths.
        "resolve" if name.contains("dns") => None,
        "resolve" | "Path" | "PurePath" | "PosixPath" | "joinpath" | "Pathname" => {
            Some(paths::joined_path(&args.values))
        }
        "expanduser" | "abspath" | "realpath" | "normpath" | "normalize" | "expand_path"
        | "quote" | "glob" | "iglob" | "expandvars" | "globSync" | "escapeshellarg"
        | "escapeshellcmd" | "shellescape" | "realpathSync" | "pathToFileURL" | "fileURLToPath"
            if !args.values.is_empty() =>
        {
            let written = args.get(0).written();
            let written = match last {
                "glob" | "iglob" | "globSync" => mark::starred(&written),
                "expandvars" => written.replace("${HOME}", "~").replace("$HOME", "~"),
                _ => written,
            };
            match last {
                "glob" | "iglob" | "globSync" => Some(Value::texts([written])),
                _ => made(written),
            }
        }
        "basename" => {
            let text = text(0)?;
            made(text.rsplit('/').next().unwrap_or_default().to_owned())
        }
        "dirname" => made(paths::parent(&text(0)?)),
        "homedir" | "gethomedir" => made("~".to_owned()),
        "home" if is_end(name, "Path.home") || is_end(name, "Dir.home") => made("~".to_owned()),
        "getcwd" | "cwd" | "pwd" | "getcwdb" => made(".".to_owned()),
        "gettempdir" | "tmpdir" | "mkdtemp" | "mktemp" | "mkdtempSync" | "sys_get_temp_dir" => {
            made("/tmp/x".to_owned())
        }
        "TemporaryDirectory" | "mktmpdir" => made("/tmp/x".to_owned()),
        "NamedTemporaryFile" | "SpooledTemporaryFile" | "Tempfile" => Some(temporary()),
        "mkstemp" => Some(Value::list(vec![
            temporary(),
            Value::Text("/tmp/x".to_owned()),
        ])),
        "count" | "cycle" | "repeat"
            if name.contains("itertools") && args.get(1).number().is_none() =>
        {
            Some(Value::Name(ENDLESS.to_owned()))
        }
        "which" => made(format!("/usr/bin/{}", text(0)?)),
        "list2cmdline" | "shelljoin" => texts::joined(&args.get(0).items()?, " "),
        "join" if is_end(name, "shlex.join") || is_end(name, "Shellwords.join") => {
            texts::joined(&args.get(0).items()?, " ")
        }
        "split" if is_end(name, "shlex.split") => words::quoted(&text(0)?).map(Value::texts),
        "format" | "sprintf" if matches!(name, "util.format" | "format") || last == "sprintf" => {
            let rest = args.values.get(1..).unwrap_or_default();
            made(format::percent(&text(0)?, rest))
        }
        "sub" if is_end(name, "re.sub") && text(1).is_some() => {
            made(texts::replaced(&text(0)?, &text(2)?, &text(1)?)?)
        }
        "str_replace" => {
            let parts = Args::of(vec![args.get(0), args.get(1)]);
            texts::method(&args.get(2), "replace", &parts)
        }
        "str_repeat" => texts::repeated(&text(0)?, args.get(1).number()?),
        "implode" => texts::joined(&args.get(1).items()?, &text(0)?),
        "explode" => texts::method(&args.get(1), "split", &Args::of(vec![args.get(0)])),
        "str_split" => args.get(0).items().map(Value::list),
        "strtolower" => made(text(0)?.to_lowercase()),
        "substr" if !args.values.is_empty() => texts::method(
            &args.get(0),
            "substr",
            &Args::of(args.values.get(1..)?.to_vec()),
        ),
        "trim" => made(text(0)?.trim().to_owned()),
        "pack" if text(0).is_some_and(|how| how.starts_with(['C', 'c', 'U', 'W'])) => {
            made(codes::of_codes(args.values.get(1..)?)?)
        }
        "pack" if text(0).is_some_and(|how| how.starts_with(['a', 'A'])) => {
            texts::joined(args.values.get(1..)?, "")
        }
        "pack" => codes::hex(&text(1)?)
            .filter(|_| text(0).is_some_and(|how| how.starts_with('H')))
            .map(Value::made),
        "raw" if is_end(name, "String.raw") => Some(args.get(0)),
        "parse" | "loads" if is_end(name, "JSON.parse") || is_end(name, "json.loads") => {
            serde_json::from_str(&text(0)?).ok().map(of_json)
        }
        "dumps" | "stringify" | "dict" | "entries" | "urlencode" | "to_json" | "json_encode"
        | "b64encode" | "btoa" | "compress" | "hexlify" | "b2a_base64" | "encode64"
        | "base64_encode" | "Blob" | "BytesIO" | "StringIO"
            if args.values.iter().any(|value| value.has(mark::SECRET)) =>
        {
            Some(Value::mark(mark::SECRET))
        }
        "dict" if args.values.is_empty() => Some(Value::map(args.named.clone())),
        "entries" => match args.get(0) {
            Value::Map(pairs) => Some(lists::entries(&pairs)),
            _ => None,
        },
        "values" | "keys" if is_end(name, "Object.values") || is_end(name, "Object.keys") => {
            texts::method(&args.get(0), last, &Args::default())
        }
        "assign" | "freeze" if name.starts_with("Object.") => {
            Some(args.get(args.values.len().saturating_sub(1)))
        }
        "maketrans" => translation(args),
        "promisify"
        | "wraps"
        | "partialmethod"
        | "staticmethod"
        | "classmethod"
        | "cache"
        | "lru_cache"
        | "vars"
        | "URL"
        | "URI"
        | "stream_context_create"
        | "Request"
        | "TextEncoder"
            if !args.values.is_empty() =>
        {
            Some(args.get(0))
        }
        "lambda" | "proc" | "Proc" => args.functions().into_iter().next(),
        "oct" | "hex" => texts::method(&args.get(0), last, &Args::default()),
        "lc" | "uc" | "lcfirst" | "ucfirst" => match last {
            "lc" => made(text(0)?.to_lowercase()),
            "uc" => made(text(0)?.to_uppercase()),
            _ => Some(args.get(0)),
        },
        "parse" if is_end(name, "URI.parse") => Some(args.get(0)),
        "partial" => {
            let (first, rest) = args.values.split_first()?;
            Some(Value::part(first.clone(), rest.to_vec()))
        }
        "bool" | "Boolean" => Some(Value::unknown()),
        _ => machine::told(name, last, args),
    }
}

/// What never ends.
pub(in super::super) const ENDLESS: &str = "endless";
/// Numbers, more of them than are looked at.
pub(in super::super) const MANY: &str = "range()";

fn temporary() -> Value {
    Value::File {
        path: "/tmp/x".to_owned(),
        is_written: true,
        is_secret: false,
    }
}

/// Numbers by their size, all else by letters.
fn sort(items: &mut [Value]) {
    items.sort_by(|a, b| match (a.number(), b.number()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => a.written().cmp(&b.written()),
    });
}

/// `str.maketrans("ab", "cd")`
fn translation(args: &Args) -> Option<Value> {
    if let Value::Map(pairs) = args.get(0) {
        return Some(Value::Map(pairs));
    }
    let (from, to) = (args.text(0)?, args.text(1)?);
    let pairs = from.chars().zip(to.chars());
    let pairs = pairs.map(|(from, to)| (from.to_string(), Value::Text(to.to_string())));
    Some(Value::map(pairs.collect()))
}

fn of_json(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::String(text) => Value::made(text),
        serde_json::Value::Number(n) => n.as_f64().map_or(Value::Nothing, Value::Number),
        serde_json::Value::Bool(is) => Value::bool(is),
        serde_json::Value::Array(items) => Value::list(items.into_iter().map(of_json).collect()),
        serde_json::Value::Object(pairs) => Value::map(
            pairs
                .into_iter()
                .map(|(key, value)| (key, of_json(value)))
                .collect(),
        ),
        serde_json::Value::Null => Value::Nothing,
    }
}
