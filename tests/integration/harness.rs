//! Tests of the harness itself: what it promises to the other tests.

mod leftovers;
mod programs;
mod proxy;
