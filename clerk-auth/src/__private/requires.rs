//! The policies of `#[authenticated(role = "…")]` as types, so that a handler's signature contains its policy.
//!
//! A type cannot take a string as a parameter, so the text of a requirement is packed into integers. A constant unpacks
//! it.

use std::marker::PhantomData;

use crate::policy::{self, Policy, Requirement};

/// The number of bytes that one integer holds.
const BYTES_OF_A_PART: usize = 16;

/// The number of bytes that a [`Text`] holds.
const MAX_BYTES: usize = 8 * BYTES_OF_A_PART;

/// The policy of a requirement.
pub struct Requires<R, const ALLOWS_AGENTS: bool = false>(PhantomData<R>);

#[diagnostic::do_not_recommend]
impl<R: Required, const ALLOWS_AGENTS: bool> Policy for Requires<R, ALLOWS_AGENTS> {
    const REQUIREMENT: Requirement = R::REQUIREMENT;
    const ALLOWS_AGENTS: bool = ALLOWS_AGENTS;
}

/// A requirement as a type.
pub trait Required: Send + Sync + 'static {
    /// The requirement as a value.
    const REQUIREMENT: Requirement;
}

/// A string as a type: UTF-8, 16 bytes in each integer from the highest byte down, and zeros at the end.
pub struct Text<
    const A: u128,
    const B: u128 = 0,
    const C: u128 = 0,
    const D: u128 = 0,
    const E: u128 = 0,
    const F: u128 = 0,
    const G: u128 = 0,
    const H: u128 = 0,
>;

/// The string of a [`Text`].
pub trait Literal: Send + Sync + 'static {
    /// The bytes of the integers.
    const BYTES: &'static [u8; MAX_BYTES];
    /// The string.
    const TEXT: &'static str = text(Self::BYTES);
}

impl<
    const A: u128,
    const B: u128,
    const C: u128,
    const D: u128,
    const E: u128,
    const F: u128,
    const G: u128,
    const H: u128,
> Literal for Text<A, B, C, D, E, F, G, H>
{
    const BYTES: &'static [u8; MAX_BYTES] = &bytes([A, B, C, D, E, F, G, H]);
}

/// Returns one of the integers of a [`Text`] for a constant of the application.
///
/// # Panics
///
/// At compile time, for the first integer, if a [`Text`] cannot hold the text.
#[track_caller]
pub const fn text_part(text: &str, part: usize) -> u128 {
    let bytes = text.as_bytes();
    if part == 0 {
        assert_fits(bytes);
    }
    let mut value = 0;
    let mut at = part * BYTES_OF_A_PART;
    while at < (part + 1) * BYTES_OF_A_PART {
        let byte = if at < bytes.len() { bytes[at] } else { 0 };
        value = value << 8 | byte as u128;
        at += 1;
    }
    value
}

#[track_caller]
const fn assert_fits(bytes: &[u8]) {
    assert!(
        bytes.len() <= MAX_BYTES,
        "the name of a role, permission, feature or plan has at most 128 bytes"
    );
    let mut at = 0;
    while at < bytes.len() {
        assert!(
            bytes[at] != 0,
            "the name of a role, permission, feature or plan contains no null character"
        );
        at += 1;
    }
}

const fn bytes(parts: [u128; MAX_BYTES / BYTES_OF_A_PART]) -> [u8; MAX_BYTES] {
    let mut bytes = [0; MAX_BYTES];
    let mut at = 0;
    while at < MAX_BYTES {
        bytes[at] = parts[at / BYTES_OF_A_PART].to_be_bytes()[at % BYTES_OF_A_PART];
        at += 1;
    }
    bytes
}

const fn text(bytes: &'static [u8; MAX_BYTES]) -> &'static str {
    let mut length = 0;
    while length < MAX_BYTES && bytes[length] != 0 {
        length += 1;
    }
    match std::str::from_utf8(bytes.split_at(length).0) {
        Ok(text) => text,
        Err(_) => panic!("the integers of a text are UTF-8"),
    }
}

macro_rules! named {
    ($($name:ident)*) => {$(
        #[doc = concat!("[`Requirement::", stringify!($name), "`] of a [`Text`].")]
        pub struct $name<T>(PhantomData<T>);

        impl<T: Literal> Required for $name<T> {
            const REQUIREMENT: Requirement = Requirement::$name(T::TEXT);
        }
    )*};
}

named!(Role Permission Feature Plan);

macro_rules! fixed {
    ($($name:ident = $requirement:expr;)*) => {$(
        #[doc = concat!("`", stringify!($requirement), "`")]
        pub struct $name;

        impl Required for $name {
            const REQUIREMENT: Requirement = $requirement;
        }
    )*};
}

fixed! {
    StrictMfa = Requirement::Reverification(policy::Reverification::StrictMfa);
    Strict = Requirement::Reverification(policy::Reverification::Strict);
    Moderate = Requirement::Reverification(policy::Reverification::Moderate);
    Lax = Requirement::Reverification(policy::Reverification::Lax);
    ImpersonationDenied = Requirement::ImpersonationDenied;
    AgentDenied = Requirement::AgentDenied;
}

/// [`Requirement::All`] of a tuple. The macro nests lists that exceed the longest tuple.
pub struct All<T>(PhantomData<T>);

impl<T: RequiredList> Required for All<T> {
    const REQUIREMENT: Requirement = Requirement::All(T::REQUIREMENTS);
}

/// [`Requirement::Any`] of a tuple.
pub struct Any<T>(PhantomData<T>);

impl<T: RequiredList> Required for Any<T> {
    const REQUIREMENT: Requirement = Requirement::Any(T::REQUIREMENTS);
}

/// A tuple of requirements.
pub trait RequiredList: Send + Sync + 'static {
    /// The requirements in their order.
    const REQUIREMENTS: &'static [Requirement];
}

macro_rules! tuples {
    ($($($name:ident)+;)*) => {$(
        impl<$($name: Required),+> RequiredList for ($($name,)+) {
            const REQUIREMENTS: &'static [Requirement] = &[$($name::REQUIREMENT),+];
        }
    )*};
}

tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
}

#[cfg(test)]
mod tests {
    use super::{Literal, Text, text_part};

    #[test]
    fn text_of_a_constant_is_that_constant() {
        const SHORT: &str = "org:admin";
        const LONG: &str = "organization:élan:0123456789:0123456789:0123456789:0123456789:0123456789:\
                            0123456789:0123456789:0123456789:0123456789:0123456789";

        macro_rules! text {
            ($text:ident) => {
                <Text<
                    { text_part($text, 0) },
                    { text_part($text, 1) },
                    { text_part($text, 2) },
                    { text_part($text, 3) },
                    { text_part($text, 4) },
                    { text_part($text, 5) },
                    { text_part($text, 6) },
                    { text_part($text, 7) },
                >>::TEXT
            };
        }

        assert_eq!(LONG.len(), 128);
        assert_eq!(text!(SHORT), SHORT);
        assert_eq!(text!(LONG), LONG);
        assert_eq!(Text::<{ text_part(SHORT, 0) }>::TEXT, SHORT);
    }

    #[test]
    fn text_beyond_the_bound_is_no_text() {
        for text in [&"a".repeat(129), "org:\0admin"] {
            assert!(
                std::panic::catch_unwind(|| text_part(text, 0)).is_err(),
                "{text:?}"
            );
        }
        assert_eq!(text_part(&"a".repeat(128), 7), u128::from_be_bytes([b'a'; 16]));
    }
}
