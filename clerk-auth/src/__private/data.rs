//! Checks of the data in a `Json<D>`: whether serde can read and write it, and which type to report if not.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The parameter is correct, or its mistake has been reported.
#[derive(Debug)]
pub struct Fine;

/// The `D` of a `Json<D>`, to be checked.
#[derive(Debug)]
pub struct Data<D>(PhantomData<fn() -> D>);

/// Data that serde can read or write.
#[derive(Debug)]
pub struct Whole;

impl<D> Data<D> {
    /// Starts the check of data.
    pub const NEW: Self = Self(PhantomData);
}

impl<D: DeserializeOwned> Data<D> {
    /// serde can read it.
    pub fn ask_read(&self) -> Whole {
        Whole
    }
}

impl<D: Serialize> Data<D> {
    /// serde can write it.
    pub fn ask_written(&self) -> Whole {
        Whole
    }
}

/// The links whose bounds do not hold.
pub trait OtherData {
    /// serde cannot read it.
    fn ask_read(&self) -> Fine {
        Fine
    }

    /// serde cannot write it.
    fn ask_written(&self) -> Fine {
        Fine
    }
}

impl<D> OtherData for Data<D> {}

/// A type that is both an extractor and a response, where there is nothing to report.
pub(super) type Blameless = String;

/// Selects the type to report: the `Json<D>` itself, or nothing if `D` is at fault and has its own error.
pub trait Content {
    /// The type to report.
    type BlameOn<T>;
}

impl Content for Whole {
    type BlameOn<T> = T;
}

impl Content for Fine {
    type BlameOn<T> = Blameless;
}
