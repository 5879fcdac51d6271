//! Expansion of `handler_with_user`.

/// Removes an account.
#[cfg(feature = "removal")]
pub async fn remove(
    ::clerk_auth::extract::Authenticated {
        subject: mut user,
        ..
    }: <(
        User,
        __policy_of_remove,
        [(); {
            let _ = || {
                #[allow(unused_imports)]
                use ::clerk_auth::__private::ask::*;
                <User as ::clerk_auth::extract::Subject>::check();
                <_ as ::clerk_auth::extract::SignedInUser>::check(
                    <<(User,) as ::clerk_auth::__private::Asked>::Field>::subject(),
                );
                <_ as ::clerk_auth::extract::SubjectFrom<
                    AppState,
                >>::check(
                    ::clerk_auth::__private::StateField::<
                        AppState,
                    >::each(
                        <<(User,) as ::clerk_auth::__private::Asked>::Field>::subject(),
                    ),
                );
                <_ as ::clerk_auth::__private::FromState<
                    AppState,
                >>::check(
                    ::clerk_auth::__private::StateField::<
                        AppState,
                    >::whole(
                        <<(User,) as ::clerk_auth::__private::Asked>::Field>::subject(),
                    ),
                );
            };
            0
        }],
    ) as ::clerk_auth::__private::Policed>::Guard,
    State(
        state,
    ): <(
        State<AppState>,
        [(); {
            let _ = || {
                #[allow(unused_imports)]
                use ::clerk_auth::__private::ask::*;
                let __it = ::clerk_auth::__private::Parameter::<
                    State<AppState>,
                    AppState,
                >::NEW
                    .ask_parts()
                    .ask_body()
                    .ask_state();
                <_ as ::clerk_auth::__private::Extractor<
                    AppState,
                >>::check(__it.not_extracted());
                <_ as ::clerk_auth::__private::PartOfState<
                    AppState,
                >>::check(__it.not_provided());
            };
            0
        }],
    ) as ::clerk_auth::__private::CheckedType>::It,
) -> <(
    StatusCode,
    [(); {
        let _ = || {
            #[allow(unused_imports)]
            use ::clerk_auth::__private::ask::*;
            let __returned = ::clerk_auth::__private::Returned::<StatusCode>::NEW
                .ask_response();
            let __value = __returned.ask_value().ask_response().ask_content();
            <_ as ::clerk_auth::__private::Response>::check(__value.data());
            <_ as ::clerk_auth::__private::ResponseOrJson>::check(__value.opaque());
            <_ as ::clerk_auth::__private::ErrorResponse>::check(
                __returned.ask_error().ask_response().unanswered(),
            );
        };
        0
    }],
) as ::clerk_auth::__private::CheckedType>::It {
    done()
}
#[cfg(feature = "removal")]
#[doc(hidden)]
#[allow(non_camel_case_types)]
pub struct __policy_of_remove;
#[cfg(feature = "removal")]
#[automatically_derived]
impl ::clerk_auth::policy::Policy for __policy_of_remove {
    const REQUIREMENT: ::clerk_auth::policy::Requirement = ::clerk_auth::policy::Requirement::All(
        &[
            ::clerk_auth::policy::Requirement::Role("org:admin"),
            ::clerk_auth::policy::Requirement::Any(
                &[
                    ::clerk_auth::policy::Requirement::Permission("org:billing:manage"),
                    ::clerk_auth::policy::Requirement::Plan(PRO),
                ],
            ),
        ],
    );
}
