//! Policies: from the configuration to those that judge, and what they decide into the log.

mod build;
mod log;
mod own;
mod secrets;

pub(crate) use self::{
    build::{build, settings},
    log::{DecisionLog, why},
    own::Own,
};
