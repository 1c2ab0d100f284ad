//! Functions that mean something in one language alone.

use super::{
    super::{
        acts::library,
        syntax::Node,
        values::{Args, Value, paths},
    },
    Runner, is_callable,
};

impl Runner<'_, '_> {
    /// Functions that have their own names in each language.
    pub(super) fn of_language(&mut self, name: &str, last: &str, args: &Args) -> Option<Value> {
        let rest = || Args::of(args.values.get(1..).unwrap_or_default().to_vec());
        Some(match (self.language, last) {
            (
                "php",
                "call_user_func"
                | "forward_static_call"
                | "register_shutdown_function"
                | "register_tick_function",
            ) => self.call(args.get(0), &rest()),
            ("php", "call_user_func_array") => {
                let values = args.get(1).items().unwrap_or_default();
                self.call(args.get(0), &Args::of(values))
            }
            ("php", "fwrite" | "fputs" | "fprintf")
            | ("perl", "syswrite")
            | ("node" | "bun" | "deno", "writeSync")
            | ("python", "write")
                if matches!(args.get(0), Value::File { .. } | Value::Name(_))
                    && args.values.len() > 1 =>
            {
                self.method(args.get(0), "write", &rest())
            }
            ("php", "fread" | "fgets" | "stream_get_contents") | ("perl", "sysread") => {
                self.method(args.get(0), "read", &Args::default())
            }
            ("php", "RecursiveDirectoryIterator" | "DirectoryIterator" | "FilesystemIterator") => {
                self.listing(&args.get(0).written(), "**")
            }
            ("php", "RecursiveIteratorIterator" | "IteratorIterator") => args.get(0),
            // `find(sub { … }, $folder)`
            ("perl", "path") if name == "path" && args.text(0).is_some() => {
                paths::joined_path(&args.values)
            }
            ("perl", "open3" | "open2") if args.values.len() > 2 => {
                let most = if last == "open3" { 3 } else { 2 };
                self.command(last, &args.behind(most))
            }
            // A function by its name, which is called with each.
            (
                "php",
                "array_walk" | "array_filter" | "usort" | "uasort" | "array_walk_recursive",
            ) if args.text(1).is_some() => {
                let items = args.get(0).items().unwrap_or_default();
                self.over(&items, "each", &args.get(1), args)
            }
            // A pattern, what makes another of what it finds, and a text.
            ("python" | "pypy", "sub") if name == "re.sub" && is_callable(&args.get(1)) => {
                let pattern = Value::Pattern(args.text(0)?);
                return self.replaced(&args.text(2)?, &pattern, &args.get(1));
            }
            ("php", "preg_replace_callback") => {
                let pattern = args.text(0)?;
                let end = pattern.rfind(pattern.chars().next()?)?;
                let pattern = Value::Pattern(pattern.get(1..end)?.to_owned());
                return self.replaced(&args.text(2)?, &pattern, &args.get(1));
            }
            // Modules whose functions are programs.
            ("python" | "pypy", program) if name.strip_prefix("sh.") == Some(program) => {
                let words = std::iter::once(program.to_owned());
                self.argv(
                    words
                        .chain(args.values.iter().map(Value::written))
                        .collect(),
                    args,
                )
            }
            ("python" | "pypy", "FileInput" | "input")
                if args.is_set("inplace") && name.to_lowercase().starts_with("fileinput") =>
            {
                let files = match args.get(0) {
                    Value::List(files) => files.to_vec(),
                    file => vec![file],
                };
                for file in files {
                    self.write(&file, false, &Value::Nothing);
                }
                Value::unknown()
            }
            // What is rolled back has not been done.
            ("ruby", "transaction") if args.functions().iter().any(is_rolled_back) => {
                let before = self.made_up.replace(true);
                self.callbacks(&Value::unknown(), args);
                self.made_up = before;
                Value::unknown()
            }
            ("perl", "find" | "finddepth") if args.values.len() > 1 => {
                let all = self.listing(&args.get(1).written(), "**").items();
                let one = all.into_iter().flatten().next().unwrap_or(Value::unknown());
                self.set_global("$_", one.clone());
                self.set_global("$File::Find::name", one);
                self.callbacks(&Value::unknown(), args)
            }
            ("ruby" | "perl", "new") if library::find(name, self.language).is_none() => {
                let (class, _) = name.rsplit_once('.')?;
                // What is asked of these is asked of what they make.
                let is_client = class.starts_with("HTTP") || class.starts_with("LWP");
                return (!is_client).then(|| self.outside(class, args));
            }
            _ => return None,
        })
    }
}

/// Whether a block of a transaction says that nothing of it is to stay.
fn is_rolled_back(block: &Value) -> bool {
    let Value::Function(function, _) = block else {
        return false;
    };
    let mut is_back = false;
    function.body.visit(&mut |node| {
        is_back |= matches!(node, Node::Member(_, name) | Node::Name(name) if name == "Rollback");
    });
    is_back
}
