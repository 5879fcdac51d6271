//! Functions as handlers: the first parameter authenticates before anything else is extracted.
//!
//! axum's own `Handler` is not used, because another crate can implement it for its own type with any parameters. These
//! traits are implemented only for functions, and call the guard themselves.

use std::marker::PhantomData;
use std::pin::Pin;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::handler::Handler;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use crate::clerk::Clerk;
use crate::extract::{Guard, Provides, Rejection, SignedInUser, SubjectFrom};

/// A function with the parameters `T`, the first of which authenticates.
///
/// Sealed: implemented for functions of at most 16 parameters, and for nothing else. [`HandlerFor`] includes it.
///
/// ```
/// use clerk_auth::routing::GuardedFunction;
/// use clerk_auth::authenticated;
///
/// fn name<T>(function: impl GuardedFunction<T>) -> &'static str {
///     std::any::type_name_of_val(&function)
/// }
///
/// #[authenticated]
/// async fn sales() {}
///
/// assert!(name(sales).ends_with("sales"));
/// ```
#[diagnostic::on_unimplemented(
    message = "this route can be reached without signing in",
    label = "the first parameter of this handler does not authenticate",
    note = "add `#[authenticated]` to the handler, or mount it as public: `.public(path, axum::routing::get(handler))`",
    note = "`get` takes functions only: add a layer to the route, `get(handler).layer(…)`"
)]
pub trait GuardedFunction<T>: Clone + Send + Sync + Sized + 'static {
    /// Cannot be implemented elsewhere, because the type is private.
    #[doc(hidden)]
    const SEALED: sealed::Token;
}

/// A function that a guarded router with the state `S` can call: its first parameter authenticates.
///
/// Sealed. A function that builds routers requires it of the handlers that it mounts:
///
/// ```
/// use clerk_auth::routing::{HandlerFor, Router, get};
/// use clerk_auth::{Clerk, authenticated};
///
/// fn report<H, T>(name: &str, handler: H) -> Router<Clerk>
/// where
///     H: HandlerFor<T, Clerk>,
///     T: 'static,
/// {
///     Router::new().route(&format!("/reports/{name}"), get(handler))
/// }
///
/// #[authenticated(role = "org:admin")]
/// async fn sales() {}
///
/// let router = report("sales", sales);
/// ```
///
/// A handler without `#[authenticated]` cannot be mounted:
///
/// ```compile_fail
/// use clerk_auth::Clerk;
/// use clerk_auth::routing::{Router, get};
///
/// async fn report() {} // without the attribute, anyone may call this
///
/// let router: Router<Clerk> = Router::new().route("/report", get(report));
/// ```
#[diagnostic::on_unimplemented(
    message = "this route can be reached without signing in",
    label = "the first parameter of this handler does not authenticate",
    note = "add `#[authenticated]` to the handler, or mount it as public: `.public(path, axum::routing::get(handler))`",
    note = "`get` takes functions only: add a layer to the route, `get(handler).layer(…)`"
)]
pub trait HandlerFor<T, S>: GuardedFunction<T> {
    /// Extracts the parameters, the guard first, and calls the function.
    #[doc(hidden)]
    fn call(self, request: Request, state: S, token: sealed::Token) -> ResponseFuture;
}

/// The future of a handler's response.
#[doc(hidden)]
pub type ResponseFuture = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A user who is present whenever the handler runs.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "this route can be reached without signing in",
    label = "this handler takes `{Self}`, which admits visitors",
    note = "take the user without `Option`, or mount the handler as public: `.public(path, axum::routing::get(handler))`"
)]
pub trait RequiredUser: SignedInUser {}

#[diagnostic::do_not_recommend]
impl<U: SignedInUser> RequiredUser for U {}

// In the following traits, `Self` is the state and not the parameter, so that rustc checks a parameter once the state
// is known. Otherwise rustc would infer the router's state from the first `State<T>`.

/// A state that provides what a user takes.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the state of this router, `{Self}`, lacks what the handler takes from it",
    label = "a guarded handler takes a `Clerk` from the state, and a `UserSync<_>` if it takes a user",
    note = "a router without `.with_state(…)` has the state `()`",
    note = "the state is a struct with these types as fields and `#[derive(Clone, axum::extract::FromRef)]` of axum 0.8, or an `Arc` of one"
)]
pub trait ProvidesUser<U> {
    /// Authenticates the request and fetches the user.
    fn admit<G: Guard<Subject = U>>(
        &self,
        parts: &mut Parts,
    ) -> impl Future<Output = Result<G, Rejection>> + Send;
}

#[diagnostic::do_not_recommend]
impl<S: Provides<Clerk> + Sync, U: SubjectFrom<S>> ProvidesUser<U> for S {
    fn admit<G: Guard<Subject = U>>(
        &self,
        parts: &mut Parts,
    ) -> impl Future<Output = Result<G, Rejection>> + Send {
        G::admit(parts, self)
    }
}

// The traits of the first parameter have blanket impls, which rustc assumes to hold for a type with a reported error.
// So a parameter that `#[authenticated]` reports is not reported again at the route.

/// A first parameter that authenticates.
#[doc(hidden)]
pub trait FirstParameter {}

#[diagnostic::do_not_recommend]
impl<G: Guard> FirstParameter for G {}

/// A first parameter that authenticates where the state is `S`.
#[doc(hidden)]
pub trait AuthenticatesWith<S>: FirstParameter + Sized {
    /// Authenticates the request and fetches the user.
    fn authenticate(parts: &mut Parts, state: &S) -> impl Future<Output = Result<Self, Rejection>> + Send;
}

impl<S, U, G> AuthenticatesWith<S> for G
where
    G: Guard<Subject = U>,
    U: RequiredUser,
    S: ProvidesUser<U>,
{
    fn authenticate(parts: &mut Parts, state: &S) -> impl Future<Output = Result<Self, Rejection>> + Send {
        state.admit(parts)
    }
}

/// A state with which a parameter between the first and the last can be extracted. Such a parameter cannot read the
/// body.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a parameter of this handler cannot be taken from a request",
    label = "`{P}` is not an extractor where the state is `{Self}`",
    note = "an extractor that reads the body comes last: `Json<_>`, `Form<_>`, `String`, `Bytes`, `Request`",
    note = "extractors of other versions than axum 0.8 are not supported: `cargo tree --invert axum` lists the versions",
    note = "`State<T>` takes a `T` that the state provides by `#[derive(axum::extract::FromRef)]`"
)]
pub trait Extracts<P> {
    /// Extracts the parameter.
    fn extract(&self, parts: &mut Parts) -> impl Future<Output = Result<P, Response>> + Send;
}

#[diagnostic::do_not_recommend]
impl<S: Sync, P: FromRequestParts<S> + Send> Extracts<P> for S {
    async fn extract(&self, parts: &mut Parts) -> Result<P, Response> {
        let extracted = P::from_request_parts(parts, self).await;
        extracted.map_err(IntoResponse::into_response)
    }
}

/// A state with which the last parameter can be extracted, which may read the body.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the last parameter of this handler cannot be taken from a request",
    label = "`{P}` is not an extractor where the state is `{Self}`",
    note = "a JSON body is taken as `Json<_>` of a type that implements `serde::Deserialize`",
    note = "extractors of other versions than axum 0.8 are not supported: `cargo tree --invert axum` lists the versions",
    note = "`State<T>` takes a `T` that the state provides by `#[derive(axum::extract::FromRef)]`"
)]
pub trait ExtractsLast<P, M> {
    /// Extracts the parameter.
    fn extract_last(&self, request: Request) -> impl Future<Output = Result<P, Response>> + Send;
}

#[diagnostic::do_not_recommend]
impl<S: Sync, M, P: FromRequest<S, M> + Send> ExtractsLast<P, M> for S {
    async fn extract_last(&self, request: Request) -> Result<P, Response> {
        let extracted = P::from_request(request, self).await;
        extracted.map_err(IntoResponse::into_response)
    }
}

/// The return type of a handler.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "this handler cannot return `{Self}`",
    label = "`{Self}` is not a response",
    note = "return a `String`, a `StatusCode`, a `Json<_>` of a type that implements `serde::Serialize`, or another `axum::response::IntoResponse`"
)]
pub trait Answer: IntoResponse {}

#[diagnostic::do_not_recommend]
impl<R: IntoResponse> Answer for R {}

/// The return type of an `async fn`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a handler is an `async fn`",
    label = "this function returns `{Self}`, which is not a future",
    note = "write `async fn`"
)]
pub trait HandlerFuture: Future<Output: Answer> {}

#[diagnostic::do_not_recommend]
impl<F: Future<Output: Answer>> HandlerFuture for F {}

#[diagnostic::do_not_recommend]
impl<F, R, First> GuardedFunction<(First,)> for F
where
    F: FnOnce(First) -> R + Clone + Send + Sync + 'static,
    First: FirstParameter,
{
    const SEALED: sealed::Token = sealed::Token;
}

impl<F, Fut, First, S> HandlerFor<(First,), S> for F
where
    F: FnOnce(First) -> Fut + Clone + Send + Sync + 'static,
    First: AuthenticatesWith<S> + Send,
    Fut: HandlerFuture<Output: Answer> + Send,
    S: Send + Sync + 'static,
{
    fn call(self, request: Request, state: S, _: sealed::Token) -> ResponseFuture {
        let mut parts = request.into_parts().0;
        Box::pin(async move {
            match First::authenticate(&mut parts, &state).await {
                Ok(first) => self(first).await.into_response(),
                Err(rejection) => rejection.into_response(),
            }
        })
    }
}

macro_rules! functions {
    ($last:ident $(, $middle:ident)*) => {
        #[diagnostic::do_not_recommend]
        impl<F, R, M, First, $($middle,)* $last> GuardedFunction<(M, First, $($middle,)* $last)> for F
        where
            F: FnOnce(First, $($middle,)* $last) -> R + Clone + Send + Sync + 'static,
            First: FirstParameter,
        {
            const SEALED: sealed::Token = sealed::Token;
        }

        #[allow(non_snake_case)]
        impl<F, Fut, M, First, $($middle,)* $last, S> HandlerFor<(M, First, $($middle,)* $last), S> for F
        where
            F: FnOnce(First, $($middle,)* $last) -> Fut + Clone + Send + Sync + 'static,
            First: AuthenticatesWith<S> + Send,
            $($middle: Send,)*
            $last: Send,
            Fut: HandlerFuture<Output: Answer> + Send,
            S: $(Extracts<$middle> +)* ExtractsLast<$last, M> + Send + Sync + 'static,
        {
            fn call(self, request: Request, state: S, _: sealed::Token) -> ResponseFuture {
                let (mut parts, body) = request.into_parts();
                Box::pin(async move {
                    let first = match First::authenticate(&mut parts, &state).await {
                        Ok(first) => first,
                        Err(rejection) => return rejection.into_response(),
                    };
                    $(
                        let $middle = match Extracts::<$middle>::extract(&state, &mut parts).await {
                            Ok(value) => value,
                            Err(response) => return response,
                        };
                    )*
                    let request = Request::from_parts(parts, body);
                    let $last = match ExtractsLast::<$last, M>::extract_last(&state, request).await {
                        Ok(value) => value,
                        Err(response) => return response,
                    };
                    self(first, $($middle,)* $last).await.into_response()
                })
            }
        }
    };
}

functions!(Last);
functions!(Last, T2);
functions!(Last, T2, T3);
functions!(Last, T2, T3, T4);
functions!(Last, T2, T3, T4, T5);
functions!(Last, T2, T3, T4, T5, T6);
functions!(Last, T2, T3, T4, T5, T6, T7);
functions!(Last, T2, T3, T4, T5, T6, T7, T8);
functions!(Last, T2, T3, T4, T5, T6, T7, T8, T9);
functions!(Last, T2, T3, T4, T5, T6, T7, T8, T9, T10);
functions!(Last, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11);
functions!(Last, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12);
functions!(Last, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13);
functions!(Last, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14);
functions!(Last, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12, T13, T14, T15);

/// A guarded function as a handler for axum.
pub(super) struct Mounted<H, T> {
    handler: H,
    parameters: PhantomData<fn() -> T>,
}

impl<H, T> Mounted<H, T> {
    pub(super) fn new(handler: H) -> Self {
        Self {
            handler,
            parameters: PhantomData,
        }
    }
}

impl<H: Clone, T> Clone for Mounted<H, T> {
    fn clone(&self) -> Self {
        Self::new(self.handler.clone())
    }
}

impl<H, T, S> Handler<(T,), S> for Mounted<H, T>
where
    H: HandlerFor<T, S>,
    T: 'static,
{
    type Future = ResponseFuture;

    fn call(self, request: Request, state: S) -> ResponseFuture {
        self.handler.call(request, state, sealed::Token)
    }
}

mod sealed {
    /// A type that other crates cannot name, so that they can neither call nor implement a handler.
    #[derive(Debug)]
    pub struct Token;
}
