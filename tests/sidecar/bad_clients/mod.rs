//! Clients that leave, dawdle, send too much or too many. Whatever they do: it costs little, nobody else notices, and
//! what they are told they understand.

mod crowd;
mod large;
mod leaving;
mod manners;
mod slow;
