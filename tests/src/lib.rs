//! The harness of the integration tests: real databases that vanish with the test run, and the example application on a
//! real port.

pub mod app;
pub mod database;
mod postgres;
mod sqlite;

/// Instantiates one suite of behaviours for both databases. Each behaviour is an `async fn` of a
/// [`TestDatabase`](database::TestDatabase).
#[macro_export]
macro_rules! on_both_databases {
    ($($behaviour:ident),+ $(,)?) => {
        mod postgres {
            $(
                #[tokio::test]
                async fn $behaviour() {
                    super::$behaviour($crate::database::TestDatabase::postgres().await).await;
                }
            )+
        }

        mod sqlite {
            $(
                #[tokio::test]
                async fn $behaviour() {
                    super::$behaviour($crate::database::TestDatabase::sqlite()).await;
                }
            )+
        }
    };
}
