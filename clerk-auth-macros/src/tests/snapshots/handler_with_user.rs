//! Expansion of `handler_with_user`.

/// Removes an account.
#[cfg(feature = "removal")]
pub async fn remove(
    ::clerk_auth::extract::Authenticated {
        subject: mut user,
        ..
    }: <(
        User,
        ::clerk_auth::__private::Requires<
            ::clerk_auth::__private::All<
                (
                    ::clerk_auth::__private::Role<
                        ::clerk_auth::__private::Text<
                            148138323087562689408773337723858583552,
                        >,
                    >,
                    ::clerk_auth::__private::Any<
                        (
                            ::clerk_auth::__private::Permission<
                                ::clerk_auth::__private::Text<
                                    148138323087878214380337293067829735009,
                                    137434905548558352499573707338126721024,
                                >,
                            >,
                            ::clerk_auth::__private::Plan<
                                ::clerk_auth::__private::Text<
                                    {
                                        const __PART: ::core::primitive::u128 = ::clerk_auth::__private::text_part(
                                            PRO,
                                            0,
                                        );
                                        __PART
                                    },
                                    {
                                        const __PART: ::core::primitive::u128 = ::clerk_auth::__private::text_part(
                                            PRO,
                                            1,
                                        );
                                        __PART
                                    },
                                    {
                                        const __PART: ::core::primitive::u128 = ::clerk_auth::__private::text_part(
                                            PRO,
                                            2,
                                        );
                                        __PART
                                    },
                                    {
                                        const __PART: ::core::primitive::u128 = ::clerk_auth::__private::text_part(
                                            PRO,
                                            3,
                                        );
                                        __PART
                                    },
                                    {
                                        const __PART: ::core::primitive::u128 = ::clerk_auth::__private::text_part(
                                            PRO,
                                            4,
                                        );
                                        __PART
                                    },
                                    {
                                        const __PART: ::core::primitive::u128 = ::clerk_auth::__private::text_part(
                                            PRO,
                                            5,
                                        );
                                        __PART
                                    },
                                    {
                                        const __PART: ::core::primitive::u128 = ::clerk_auth::__private::text_part(
                                            PRO,
                                            6,
                                        );
                                        __PART
                                    },
                                    {
                                        const __PART: ::core::primitive::u128 = ::clerk_auth::__private::text_part(
                                            PRO,
                                            7,
                                        );
                                        __PART
                                    },
                                >,
                            >,
                        ),
                    >,
                ),
            >,
        >,
        [(); {
            let _ = || {
                #[allow(unused_imports)]
                use ::clerk_auth::__private::ask::*;
                const _: () = {
                    #[allow(unused_imports)]
                    use ::clerk_auth::__private::ask::*;
                    ::clerk_auth::__private::assert_role(
                        ::clerk_auth::__private::Roles::<User>::ROLES,
                        "org:admin",
                    );
                };
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
