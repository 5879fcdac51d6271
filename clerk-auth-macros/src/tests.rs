//! Tests of the macros on token streams, without a compiler.

mod expansion;
mod robustness;
