//! Clerk sign-in as a typed, fresh and race-free row of your own `users` table.

pub mod id;
pub mod time;

pub mod claim;

pub mod user;

#[doc(hidden)]
pub mod __private;
