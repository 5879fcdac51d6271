//! Random histories for the reference models.

use std::cell::RefCell;
use std::fmt::Debug;

use proptest::prelude::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::runtime::Handle;

/// Tries this many histories. A failing history is reduced to the shortest one.
///
/// # Panics
///
/// If a history fails.
pub async fn histories<R, S, T>(
    cases: u32,
    steps: impl FnOnce() -> T + Send + 'static,
    run: R,
    history: impl AsyncFn(&mut R, &[S]) -> Result<(), TestCaseError> + Send + 'static,
) where
    R: Send + 'static,
    S: Debug,
    T: Strategy<Value = Vec<S>>,
{
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let run = RefCell::new(run);
        let config = Config {
            cases,
            failure_persistence: None,
            ..Config::default()
        };
        let tried = TestRunner::new(config).run(&steps(), |steps| {
            runtime.block_on(history(&mut run.borrow_mut(), &steps))
        });
        if let Err(error) = tried {
            panic!("{error}");
        }
    })
    .await
    .expect("every history ends as the model expects");
}
