//! Tests of the harness itself.

mod leftovers;
mod programs;
mod proxy;
