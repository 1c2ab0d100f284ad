//! Where code is in a text that comes piece by piece.
//!
//! Fences and code in a line are those of `CommonMark`, apart from what only a look at the whole text would tell: a backtick
//! that nobody closes makes the rest of its paragraph code. Where it is not sure, it says code: that is left alone.

/// A place in a text, told of every character up to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Markdown {
    fence: Option<Fence>,
    /// By how many backticks code in the line was begun.
    span: Option<usize>,
    /// How many backticks have come just now.
    run: usize,
    /// Whether a backslash has come just now.
    escaped: bool,
    line: Line,
    /// Whether the line before has anything in it, and is no code by its indentation.
    in_paragraph: bool,
}

#[derive(Clone, Debug)]
struct Fence {
    mark: char,
    length: usize,
    /// The word behind the marks, as far as it is of interest.
    info: String,
    /// Whether its first line still goes on.
    opening: bool,
}

/// The line so far.
#[derive(Clone, Debug, Default)]
struct Line {
    phase: Phase,
    /// Columns of white space at its beginning.
    indent: usize,
    /// Whether anything but white space has come.
    has_content: bool,
    /// Whether it is code by its indentation.
    is_code: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// White space and the marks of lists and quotes.
    #[default]
    Start,
    /// So many marks of a fence.
    Marks(char, usize),
    /// White space behind marks.
    Tail(usize),
    Body,
}

/// The longest word behind a fence that is of interest.
const INFO: usize = 32;
/// What shells and their transcripts are called behind a fence.
const SHELLS: [&str; 8] = [
    "bash",
    "console",
    "sh",
    "shell",
    "shell-session",
    "terminal",
    "zsh",
    "shellsession",
];

impl Markdown {
    /// Goes on by these characters.
    pub(super) fn feed(&mut self, text: &str) {
        text.chars().for_each(|c| self.next(c));
    }

    /// Whether what comes now is neither code nor part of a fence.
    pub(super) fn is_prose(&self) -> bool {
        if self.fence.is_some() || self.line.is_code {
            return false;
        }
        match self.line.phase {
            Phase::Marks('`', run) if run < 3 => self.span_after(run).is_none(),
            Phase::Marks(_, run) => run < 3 && self.span.is_none(),
            Phase::Start => !self.is_indented() && self.span.is_none(),
            Phase::Tail(_) | Phase::Body => self.span_after(self.run).is_none(),
        }
    }

    /// Whether what comes now stands in a block of shell commands.
    pub(super) fn is_shell(&self) -> bool {
        let fence = self.fence.as_ref().filter(|fence| !fence.opening);
        fence.is_some_and(|fence| {
            let words = fence
                .info
                .split(|c: char| c.is_whitespace() || "{},".contains(c));
            let word = words.into_iter().find(|word| !word.is_empty());
            word.is_some_and(|word| SHELLS.iter().any(|shell| word.eq_ignore_ascii_case(shell)))
        })
    }

    fn next(&mut self, c: char) {
        match (&mut self.fence, c) {
            (_, '\n') => self.end_line(),
            (Some(fence), c) if fence.opening => {
                if fence.mark == '`' && c == '`' {
                    // A fence has no backticks behind its own: it was code in a line.
                    self.span = Some(fence.length);
                    self.fence = None;
                    self.run = 1;
                    self.line.phase = Phase::Body;
                } else if fence.info.len() < INFO {
                    fence.info.push(c);
                }
            }
            (Some(fence), c) => {
                let mark = fence.mark;
                self.line.phase = match self.line.phase {
                    Phase::Start if c.is_whitespace() || c == '>' => Phase::Start,
                    Phase::Start if c == mark => Phase::Marks(mark, 1),
                    Phase::Marks(mark, count) if c == mark => Phase::Marks(mark, count + 1),
                    Phase::Marks(_, count) | Phase::Tail(count) if c.is_whitespace() => {
                        Phase::Tail(count)
                    }
                    _ => Phase::Body,
                };
            }
            (None, c) => self.outside(c),
        }
    }

    fn outside(&mut self, c: char) {
        match self.line.phase {
            Phase::Start => self.start(c),
            Phase::Marks(mark, count) if c == mark => {
                self.line.phase = Phase::Marks(mark, count + 1);
            }
            Phase::Marks(mark, count) => {
                if self.opens(mark, count) {
                    return self.next(c);
                }
                self.line.phase = Phase::Body;
                if mark == '`' {
                    self.run += count;
                }
                self.body(c);
            }
            Phase::Tail(_) | Phase::Body => self.body(c),
        }
    }

    fn start(&mut self, c: char) {
        match c {
            ' ' if !self.line.has_content => self.line.indent += 1,
            '\t' if !self.line.has_content => self.line.indent += 4,
            '`' | '~' => {
                self.line.phase = Phase::Marks(c, 1);
                self.line.has_content = true;
            }
            _ if c.is_whitespace() => {}
            // What quotes and items of lists begin with.
            '>' | '-' | '*' | '+' | '.' | ')' | '0'..='9' if !self.is_indented() => {
                self.line.has_content = true;
            }
            _ => {
                self.line.is_code = self.is_indented();
                self.line.has_content = true;
                self.line.phase = Phase::Body;
                self.body(c);
            }
        }
    }

    fn body(&mut self, c: char) {
        if c == '`' {
            let literal = self.escaped && self.run == 0 && self.span.is_none();
            self.run += usize::from(!literal);
            self.escaped = false;
            return;
        }
        self.settle();
        self.escaped = c == '\\' && !self.escaped && self.span.is_none();
    }

    /// A run of backticks has ended.
    fn settle(&mut self) {
        self.span = self.span_after(self.run);
        self.run = 0;
    }

    fn span_after(&self, run: usize) -> Option<usize> {
        match self.span {
            span if run == 0 => span,
            None => Some(run),
            Some(begun) if begun == run => None,
            span => span,
        }
    }

    /// Whether so many marks at the beginning of a line are a fence; then that begins.
    fn opens(&mut self, mark: char, length: usize) -> bool {
        let opens = length >= 3;
        if opens {
            (self.span, self.run) = (None, 0);
            self.fence = Some(Fence {
                mark,
                length,
                info: String::new(),
                opening: true,
            });
        }
        opens
    }

    fn is_indented(&self) -> bool {
        self.line.indent >= 4 && !self.in_paragraph
    }

    fn end_line(&mut self) {
        if self.fence.is_none()
            && let Phase::Marks(mark, count) = self.line.phase
            && !self.opens(mark, count)
            && mark == '`'
        {
            self.run += count;
        }
        match &mut self.fence {
            Some(fence) if fence.opening => fence.opening = false,
            Some(fence) => {
                if let Phase::Marks(_, count) | Phase::Tail(count) = self.line.phase
                    && count >= fence.length
                {
                    self.fence = None;
                }
            }
            None => {
                self.settle();
                if !self.line.has_content {
                    self.span = None;
                }
            }
        }
        self.in_paragraph = self.line.has_content && !self.line.is_code;
        self.escaped = false;
        self.line = Line::default();
    }
}
