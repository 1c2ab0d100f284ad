use std::{mem, sync::Arc};

use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};

use super::{LlmRequest, RequestError};
use crate::{BoxError, Dialect, json::Edits};

/// The request body that rooms receive: a call that was looked at, or something opaque. See the [module docs](super).
///
/// It is itself an [`http_body::Body`] of [`Bytes`], so that whatever stands below the rooms can send it.
pub struct LlmBody(pub(crate) Repr);

pub(crate) enum Repr {
    Call(Arc<LlmRequest>),
    Opaque(UnsyncBoxBody<Bytes, BoxError>),
    /// Nothing to send, or all sent.
    Empty,
}

impl LlmBody {
    /// A body that nobody reads: it streams through.
    pub fn opaque<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Self(Repr::Empty);
        }
        Self(Repr::Opaque(body.map_err(Into::into).boxed_unsync()))
    }

    /// The call, if this is one.
    pub fn call(&self) -> Option<&LlmRequest> {
        match &self.0 {
            Repr::Call(request) => Some(request),
            Repr::Opaque(_) | Repr::Empty => None,
        }
    }

    /// The call, to be kept beyond the request: whoever keeps it keeps all its bytes in memory.
    pub fn shared_call(&self) -> Option<Arc<LlmRequest>> {
        match &self.0 {
            Repr::Call(request) => Some(request.clone()),
            Repr::Opaque(_) | Repr::Empty => None,
        }
    }

    /// The dialect, if this is a call.
    pub fn dialect(&self) -> Option<Dialect> {
        self.call().map(LlmRequest::dialect)
    }

    /// Changes spans of the call: `change` names them. The result is looked at again, so that whoever reads next reads
    /// what will be sent. Does nothing to an opaque body.
    ///
    /// # Errors
    ///
    /// If the result cannot be read in one way only, see [`LlmRequest::parse`]; the body is as before then.
    pub fn edit(
        &mut self,
        change: impl FnOnce(&LlmRequest, &mut Edits),
    ) -> Result<(), RequestError> {
        let Repr::Call(request) = &mut self.0 else {
            return Ok(());
        };
        let mut edits = Edits::default();
        change(request, &mut edits);
        if !edits.is_empty() {
            let bytes = edits.apply(request.bytes());
            *request = Arc::new(LlmRequest::parse(
                request.dialect(),
                bytes,
                request.limits(),
            )?);
        }
        Ok(())
    }

    /// The same body once more, for another attempt. `None` for an opaque one, which can only be sent once. Copies no
    /// bytes.
    pub fn try_clone(&self) -> Option<Self> {
        match &self.0 {
            Repr::Call(request) => Some(Self(Repr::Call(request.clone()))),
            Repr::Empty => Some(Self(Repr::Empty)),
            Repr::Opaque(_) => None,
        }
    }

    /// Takes what is in it and leaves it empty: once sent, nothing of a request is kept in memory.
    pub(crate) fn take(&mut self) -> Repr {
        mem::replace(&mut self.0, Repr::Empty)
    }
}

impl From<LlmRequest> for LlmBody {
    fn from(request: LlmRequest) -> Self {
        Self(Repr::Call(Arc::new(request)))
    }
}

/// Empty.
impl Default for LlmBody {
    fn default() -> Self {
        Self(Repr::Empty)
    }
}
