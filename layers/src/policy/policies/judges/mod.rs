//! Policies that ask a second model: [`tool_call_judge`] scores calls, [`judge`] goes by rules in plain English.
//!
//! A judge is a model, and may be talked into anything by what it reads. So what it reads comes as one JSON value inside a text,
//! in which nothing can end; the operator's rules stand elsewhere; and it is made to answer in a form, of which anything
//! else than exactly one sound answer is a failure. Deterministic policies go first, and no judge overrules them.

mod asking;
pub mod judge;
mod shown;
#[cfg(test)]
mod tests;
pub mod tool_call_judge;
