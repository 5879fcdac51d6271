//! Collects all errors of an item, so that one build shows them all.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};

/// The errors of one item. They must be [finished](Diagnostics::finish): dropping them unfinished panics, because a
/// lost error would let a mistake compile.
#[derive(Debug)]
pub(crate) struct Diagnostics {
    errors: Vec<syn::Error>,
    /// Mistakes that are left for rustc to reject.
    left: Vec<(Span, String)>,
    finished: bool,
}

impl Diagnostics {
    pub(crate) fn new() -> Self {
        Self {
            errors: Vec::new(),
            left: Vec::new(),
            finished: false,
        }
    }

    /// Records an error under `tokens`. The message states the mistake, in lower case and without a full stop. The
    /// help, added by [`with_help`], shows a form that compiles.
    pub(crate) fn error(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.errors.push(syn::Error::new_spanned(tokens, message));
    }

    /// Records an error at a span.
    pub(crate) fn error_at(&mut self, span: Span, message: impl std::fmt::Display) {
        self.errors.push(syn::Error::new(span, message));
    }

    /// Leaves a mistake to rustc, which reports it at the user's code. If rustc reports nothing, the message becomes an
    /// error, so that code that was not understood never compiles.
    pub(crate) fn leave_to_rustc(&mut self, span: Span, message: impl std::fmt::Display) {
        self.left.push((span, message.to_string()));
    }

    /// Records an error of syn.
    pub(crate) fn push(&mut self, error: syn::Error) {
        self.errors.push(error);
    }

    /// Returns the number of recorded mistakes.
    pub(crate) fn count(&self) -> usize {
        self.errors.len() + self.left.len()
    }

    /// Returns the recorded errors as items for a module or a function's body, and the items for mistakes that were
    /// left to rustc.
    ///
    /// Bare `compile_error!` invocations are not used: with one among a module's items, rustc does not report
    /// unresolved names, because the macro might define them.
    pub(crate) fn finish(self) -> TokenStream {
        let (errors, left) = self.take();
        let errors = (!errors.is_empty()).then(|| quote!(const _: () = { #errors };));
        quote!(#errors #left)
    }

    /// Returns the recorded errors for a place without room for an anonymous constant, such as an `impl`.
    pub(crate) fn finish_anywhere(self) -> TokenStream {
        let (errors, left) = self.take();
        quote!(#errors #left)
    }

    fn take(mut self) -> (TokenStream, TokenStream) {
        self.finished = true;
        let errors = self.errors.iter().map(syn::Error::to_compile_error).collect();
        let left = self.left.iter();
        let left = left
            .map(|(span, message)| unless_refused(*span, message))
            .collect();
        (errors, left)
    }
}

/// Creates an error that is shown only if rustc reports none, because rustc runs no lints on rejected code.
fn unless_refused(span: Span, message: &str) -> TokenStream {
    let refused = Ident::new("__refused", span);
    quote! {
        const _: () = {
            #[must_use = #message]
            fn __refused() -> bool {
                false
            }
            #[allow(dead_code)]
            #[deny(unused_must_use)]
            fn __unless_refused() {
                #refused();
            }
        };
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

/// Creates an error in the position of a type, with the type `()`.
pub(crate) fn in_place(tokens: impl ToTokens, message: impl std::fmt::Display) -> TokenStream {
    syn::Error::new_spanned(tokens, message).to_compile_error()
}

/// Joins a message and its remedy, which goes on a separate line.
pub(crate) fn with_help(message: impl std::fmt::Display, help: impl std::fmt::Display) -> String {
    format!("{message}\nhelp: {help}")
}
