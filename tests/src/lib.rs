//! The harness of the integration tests: real databases that vanish with the test run, and the example application on a
//! real port.

pub mod app;
pub mod database;
pub mod followers;
pub mod histories;
pub mod load;
pub mod log;
pub mod patroni;
pub mod pooler;
pub mod postgres;
pub mod profiles;
pub mod proxy;
pub mod sqlite;

mod conditions;
mod watcher;

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// Returns an unused port, for a program that cannot pick one itself.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Returns a name that no other test of any run uses. A process id is not enough, because ids are reused, and a killed
/// run may leave databases behind.
fn unique_name() -> String {
    format!("clerk_auth_{}", random_hex(8))
}

/// Returns this many random bytes, in hexadecimal digits.
///
/// # Panics
///
/// If the operating system gives none.
pub fn random_hex(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    aws_lc_rs::rand::fill(&mut random).expect("the operating system gives random bytes");
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}

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
