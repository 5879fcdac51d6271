//! The proxy forwards, holds back and cuts exactly on request.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::proxy::Proxy;
use sqlx::{Connection, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time;

#[tokio::test]
async fn proxy_forwards_both_ways_until_either_side_ends() {
    let proxy = Proxy::to(echo().await);
    let mut client = TcpStream::connect(proxy.address())
        .await
        .expect("the proxy listens");
    // More than any buffer on the way, so that both directions are active at once.
    let sent: Vec<u8> = (0..4 * 1024 * 1024_u32)
        .map(|index| index.to_le_bytes()[index as usize % 4])
        .collect();
    let (mut from_proxy, mut to_proxy) = client.split();
    let mut received = Vec::new();
    let (written, read) = tokio::join!(
        async {
            to_proxy.write_all(&sent).await?;
            to_proxy.shutdown().await
        },
        from_proxy.read_to_end(&mut received)
    );
    written.expect("all is sent");
    read.expect("all comes back, and then the end");
    assert!(sent == received, "what comes back is what was sent");
}

#[tokio::test]
async fn cut_drops_connections_and_refuses_new_ones() {
    let mut proxy = Proxy::to(echo().await);
    let mut client = TcpStream::connect(proxy.address())
        .await
        .expect("the proxy listens");
    assert_eq!(ask(&mut client, b'a').await.expect("an answer"), b'a');

    proxy.cut().await;
    ask(&mut client, b'b').await.expect_err("the connection is gone");
    let refused = TcpStream::connect(proxy.address())
        .await
        .expect_err("the port is closed");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);

    proxy.restore();
    let mut client = TcpStream::connect(proxy.address())
        .await
        .expect("the proxy listens again");
    assert_eq!(ask(&mut client, b'c').await.expect("an answer"), b'c');
}

#[tokio::test]
async fn hold_keeps_connections_and_their_bytes() {
    let mut proxy = Proxy::to(echo().await);
    let mut old = TcpStream::connect(proxy.address())
        .await
        .expect("the proxy listens");
    assert_eq!(ask(&mut old, b'a').await.expect("an answer"), b'a');

    proxy.hold().await;
    let mut new = TcpStream::connect(proxy.address())
        .await
        .expect("a held proxy accepts");
    old.write_all(b"b").await.expect("a held connection takes bytes");
    new.write_all(b"c").await.expect("a held connection takes bytes");
    // Silence has no event, so the test waits for a fixed time. A leaking proxy has the whole time to leak.
    let leak = time::timeout(Duration::from_millis(200), async {
        tokio::select! { leak = old.read_u8() => leak, leak = new.read_u8() => leak }
    });
    leak.await.expect_err("nothing comes through");

    proxy.restore();
    assert_eq!(old.read_u8().await.expect("what was held back"), b'b');
    assert_eq!(new.read_u8().await.expect("what was held back"), b'c');
}

#[tokio::test]
async fn hold_does_not_wait_for_a_receiver_who_does_not_read() {
    let mut proxy = Proxy::to(echo().await);
    let mut client = TcpStream::connect(proxy.address())
        .await
        .expect("the proxy listens");
    let chunk = vec![0; 1024 * 1024];
    // All buffers on the way are full once no more bytes are accepted for a while.
    while time::timeout(Duration::from_millis(200), client.write_all(&chunk))
        .await
        .is_ok()
    {}
    time::timeout(Duration::from_secs(10), proxy.hold())
        .await
        .expect("holding needs nobody's help");
    time::timeout(Duration::from_secs(10), proxy.cut())
        .await
        .expect("nor does cutting");
}

#[tokio::test]
async fn held_proxy_can_be_cut_and_a_cut_one_held() {
    let mut proxy = Proxy::to(echo().await);
    proxy.hold().await;
    proxy.cut().await;
    TcpStream::connect(proxy.address())
        .await
        .expect_err("the port is closed");
    proxy.hold().await;
    let mut client = TcpStream::connect(proxy.address())
        .await
        .expect("a held proxy accepts");
    client
        .write_all(b"a")
        .await
        .expect("a held connection takes bytes");
    proxy.restore();
    assert_eq!(client.read_u8().await.expect("what was held back"), b'a');
}

#[tokio::test]
async fn proxy_forwards_to_postgres() {
    let database = TestDatabase::postgres().await;
    let mut proxy = Proxy::to(database.server_address());
    let url = database.url_through(proxy.address());
    let mut connection = PgConnection::connect(&url)
        .await
        .expect("the database is reachable");
    connection.ping().await.expect("the database answers");

    proxy.cut().await;
    connection.ping().await.expect_err("the connection is gone");
    PgConnection::connect(&url)
        .await
        .expect_err("the database is not reachable");

    proxy.restore();
    PgConnection::connect(&url)
        .await
        .expect("the database is reachable again");
}

async fn ask(client: &mut TcpStream, byte: u8) -> std::io::Result<u8> {
    client.write_all(&[byte]).await?;
    client.read_u8().await
}

/// Starts an echo server, which ends with the test's runtime.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = client.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    address
}
