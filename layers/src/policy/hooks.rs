use std::ops::BitOr;

use http::HeaderMap;
use luthien_core::request::LlmRequest;

use super::{Context, PolicyError, ReplyEnd, RequestVerdict, Text, TextEditor, ToolCall, Verdict};

/// A policy: says what it watches, and answers with a verdict on each finished thing. See the [module docs](super).
///
/// It never sees a chunk, and cannot break a stream: whatever it answers, the reply stays well-formed. One value serves
/// all exchanges at once, so what belongs to one exchange or one conversation does not go into its fields: a session's
/// state is in its [`Context`].
///
/// A hook that fails, panics or takes longer than the policy's deadline is a failure, and what then happens to the thing
/// it was to judge is declared with the policy, not here.
pub trait Policy: Send + Sync + 'static {
    /// What it wants to see. Asked once, when the set is put together; a hook that is not named here is never called.
    fn watches(&self) -> Watches;

    /// [`Watches::REQUEST`]: a request, before the provider sees it.
    fn on_request(
        &self,
        request: &LlmRequest,
        cx: &Context,
    ) -> impl Future<Output = Result<RequestVerdict, PolicyError>> + Send {
        let _ = (request, cx);
        async { Ok(RequestVerdict::Allow) }
    }

    /// [`Watches::HEAD`]: the head of the reply, whose headers it may add to.
    fn on_head(&self, headers: &mut HeaderMap, cx: &Context) {
        let _ = (headers, cx);
    }

    /// [`Watches::TOOL_CALLS`]: a tool call that the client is to run, complete. The client sees nothing of it before
    /// the verdict.
    fn on_tool_call(
        &self,
        call: &ToolCall,
        cx: &Context,
    ) -> impl Future<Output = Result<Verdict, PolicyError>> + Send {
        let _ = (call, cx);
        async { Ok(Verdict::Allow) }
    }

    /// [`Watches::TEXT`]: a text block, complete. The client sees nothing of it before the verdict, so a reply that is
    /// read as it is written stands still until the block ends: prefer [`text_editor`](Self::text_editor).
    fn on_text(
        &self,
        text: &Text,
        cx: &Context,
    ) -> impl Future<Output = Result<Verdict, PolicyError>> + Send {
        let _ = (text, cx);
        async { Ok(Verdict::Allow) }
    }

    /// [`Watches::THINKING`]: a thinking block, complete. It is sealed by the provider, so it can neither be held nor
    /// changed: anything but `Allow` ends the reply before its tool calls.
    fn on_thinking(
        &self,
        thinking: &Text,
        cx: &Context,
    ) -> impl Future<Output = Result<Verdict, PolicyError>> + Send {
        let _ = (thinking, cx);
        async { Ok(Verdict::Allow) }
    }

    /// [`Watches::TEXT_EDITS`]: an editor for one text block of this exchange, which changes text while it flows; `None`
    /// if there is nothing to change.
    fn text_editor(&self, cx: &Context) -> Option<Box<dyn TextEditor>> {
        let _ = cx;
        None
    }

    /// [`Watches::END`]: the reply has ended. What is answered stands at the end of its last text; only where no tool call
    /// follows, for no text may stand behind one.
    fn on_end(&self, end: &ReplyEnd, cx: &Context) -> Option<String> {
        let _ = (end, cx);
        None
    }
}

/// What a policy wants to see: any of the constants, joined by `|`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Watches(u16);

impl Watches {
    /// Nothing.
    pub const NOTHING: Self = Self(0);
    /// Requests.
    pub const REQUEST: Self = Self(1);
    /// The head of a reply.
    pub const HEAD: Self = Self(1 << 1);
    /// Tool calls: they are held until they are judged.
    pub const TOOL_CALLS: Self = Self(1 << 2);
    /// Text blocks: they are held until they are judged.
    pub const TEXT: Self = Self(1 << 3);
    /// Thinking blocks.
    pub const THINKING: Self = Self(1 << 4);
    /// Text, while it flows.
    pub const TEXT_EDITS: Self = Self(1 << 5);
    /// The end of a reply.
    pub const END: Self = Self(1 << 6);
    /// The conversation so far, while the reply is judged: [`Context::request`]. It stays in memory as long as the reply
    /// lasts.
    pub const CONVERSATION: Self = Self(1 << 7);
    /// Answers [`Verdict::Replace`], or [`Verdict::Warn`] with other content. Policies that do not are asked at the same time.
    pub const CHANGES: Self = Self(1 << 8);
    /// What it objects to, or puts in place, is secret: as soon as it does anything but let pass, nothing of the block is
    /// recorded in decisions or shown in explanations, nor what policies behind it say of the block.
    pub const CONFIDENTIAL: Self = Self(1 << 9);
    /// Asks what calls do, where the client works: [`Context::effects`].
    #[cfg(feature = "guards")]
    pub const EFFECTS: Self = Self(1 << 10);

    /// Everything of a reply that is judged or changed.
    pub(crate) const REPLY: Self = Self(
        Self::TOOL_CALLS.0 | Self::TEXT.0 | Self::THINKING.0 | Self::TEXT_EDITS.0 | Self::END.0,
    );

    /// Whether it has anything of `other`.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Watches {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
