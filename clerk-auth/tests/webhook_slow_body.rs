//! Tests of bodies that come byte by byte over a real connection. tokio's clock is paused, and advances when every task
//! waits.

#![cfg(feature = "testing")]

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use clerk_auth::extract::DELIVERY_TIMEOUT;
use clerk_auth::testing::{MovableClock, SignedDelivery, event, user_object};
use clerk_auth::time::Timestamp;
use clerk_auth::webhook::{Webhook, WebhookVerifier};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

async fn receive(_: Webhook) -> StatusCode {
    StatusCode::NO_CONTENT
}

async fn start() -> SocketAddr {
    let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret")).clock(MovableClock::new(NOW));
    let router = Router::new()
        .route("/webhooks", post(receive))
        .with_state(verifier);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("the listener has an address");
    tokio::spawn(async move { axum::serve(listener, router).await.expect("the server runs") });
    address
}

fn delivery() -> SignedDelivery {
    let banned = event("user.updated", user_object("user_ada", NOW), NOW);
    SignedDelivery::new(SECRET, &banned, NOW)
}

/// Returns the head of a request with the delivery.
fn head(delivery: &SignedDelivery, framing: &str) -> String {
    let headers: String = delivery
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}\r\n", value.to_str().expect("text")))
        .collect();
    format!("POST /webhooks HTTP/1.1\r\nhost: localhost\r\n{headers}{framing}\r\n\r\n")
}

/// Sends the pieces with a pause after each, and returns the server's answer up to the end of the connection.
async fn drip(stream: &mut TcpStream, pieces: impl Iterator<Item = Vec<u8>>, pause: Duration) -> String {
    let (mut from_server, mut to_server) = stream.split();
    let write = async {
        for piece in pieces {
            if to_server.write_all(&piece).await.is_err() {
                break;
            }
            sleep(pause).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    let read = async {
        let mut buffer = [0; 4_096];
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            match from_server.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(count) => answer.extend_from_slice(&buffer[..count]),
            }
        }
    };
    tokio::select! {
        () = read => {}
        () = write => {}
    }
    String::from_utf8(answer).expect("the answer is text")
}

#[tokio::test(start_paused = true)]
async fn dripped_body_is_refused_when_its_time_is_over() {
    let address = start().await;
    let delivery = delivery();
    let length = format!("content-length: {}", delivery.body().len());
    for framing in [&*length, "transfer-encoding: chunked"] {
        // Single bytes with pauses, and no byte in time.
        for pause in [DELIVERY_TIMEOUT / 40, DELIVERY_TIMEOUT * 2] {
            let mut stream = TcpStream::connect(address).await.expect("the server listens");
            stream.set_nodelay(true).expect("a socket option");
            let head = head(&delivery, framing);
            stream.write_all(head.as_bytes()).await.expect("the head is sent");
            let began = Instant::now();
            // All bytes but the last.
            let bytes = delivery.body()[..delivery.body().len() - 1].iter();
            let pieces = bytes.map(|byte| match framing.starts_with("content-length") {
                true => vec![*byte],
                false => [b"1\r\n", &[*byte][..], b"\r\n"].concat(),
            });
            let refused = drip(&mut stream, pieces, pause).await;
            assert!(
                refused.starts_with("HTTP/1.1 408 "),
                "{framing} {pause:?}: {refused}"
            );
            let took = began.elapsed();
            assert!(
                took >= DELIVERY_TIMEOUT && took < DELIVERY_TIMEOUT * 3,
                "{framing} {pause:?}: {took:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn slow_body_is_accepted_within_its_time() {
    let address = start().await;
    let delivery = delivery();
    let (first, rest) = delivery.body().split_at(delivery.body().len() / 2);
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    let head = head(&delivery, &format!("content-length: {}", delivery.body().len()));
    let pieces = [head.as_bytes(), first, rest].map(<[u8]>::to_vec).into_iter();
    let accepted = drip(&mut stream, pieces, DELIVERY_TIMEOUT / 4).await;
    assert!(accepted.starts_with("HTTP/1.1 204 "), "{accepted}");
}
