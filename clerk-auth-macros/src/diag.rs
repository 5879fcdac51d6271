//! Collects every error of an item, so that one build shows them all.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// The errors of one item. It must be [finished](Diagnostics::finish): dropping it unfinished panics, because errors
/// that nobody emits would let a mistake compile.
#[derive(Debug)]
pub(crate) struct Diagnostics {
    errors: Vec<syn::Error>,
    finished: bool,
}

impl Diagnostics {
    pub(crate) fn new() -> Self {
        Self {
            errors: Vec::new(),
            finished: false,
        }
    }

    /// Notes an error under `tokens`. The message says what is wrong, in lower case and without a full stop; the
    /// help, added by [`with_help`], shows a form that compiles.
    pub(crate) fn error(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.errors.push(syn::Error::new_spanned(tokens, message));
    }

    /// Notes an error at a span.
    pub(crate) fn error_at(&mut self, span: Span, message: impl std::fmt::Display) {
        self.errors.push(syn::Error::new(span, message));
    }

    /// Notes an error of syn's.
    pub(crate) fn push(&mut self, error: syn::Error) {
        self.errors.push(error);
    }

    /// How many errors have been noted.
    pub(crate) fn count(&self) -> usize {
        self.errors.len()
    }

    /// The `compile_error!` invocations of everything that was noted.
    pub(crate) fn finish(mut self) -> TokenStream {
        self.finished = true;
        self.errors.iter().map(syn::Error::to_compile_error).collect()
    }
}

impl Drop for Diagnostics {
    fn drop(&mut self) {
        if !self.finished && !std::thread::panicking() {
            panic!(
                "diagnostics were dropped without being finished: {:?}",
                self.errors
            );
        }
    }
}

/// A message with its remedy on a line of its own.
pub(crate) fn with_help(message: impl std::fmt::Display, help: impl std::fmt::Display) -> String {
    format!("{message}\nhelp: {help}")
}
