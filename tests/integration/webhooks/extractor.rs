//! Tests of deliveries over HTTP: the responses to a sender, and bodies that are too long, too slow, or incomplete.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::routing::post;
use clerk_auth::extract::MAX_DELIVERY_SIZE;
use clerk_auth::testing::{MovableClock, SignedDelivery, event, user_object};
use clerk_auth::time::Timestamp;
use clerk_auth::webhook::{TOLERANCE, Webhook, WebhookVerifier};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OTHER: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// The time in which a server must answer or close the connection.
const DEADLINE: Duration = Duration::from_secs(30);

/// The accepted deliveries, by type of event.
type Received = Arc<Mutex<Vec<String>>>;

#[derive(Clone, FromRef)]
struct AppState {
    verifier: WebhookVerifier,
    received: Received,
}

struct Receiver {
    address: SocketAddr,
    clock: MovableClock,
    received: Received,
    client: reqwest::Client,
}

async fn receive(State(received): State<Received>, webhook: Webhook) -> StatusCode {
    let event_type = webhook.event.event_type().to_owned();
    received.lock().expect("no test panicked").push(event_type);
    StatusCode::NO_CONTENT
}

impl Receiver {
    async fn start() -> Self {
        let clock = MovableClock::new(NOW);
        let received = Received::default();
        let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret")).clock(clock.clone());
        let state = AppState {
            verifier,
            received: Arc::clone(&received),
        };
        let router = Router::new()
            .route("/webhooks", post(receive))
            // axum's own limit, lower or higher, does not change the limit of a delivery.
            .layer(DefaultBodyLimit::max(10))
            .with_state(state);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("the listener has an address");
        tokio::spawn(async move { axum::serve(listener, router).await.expect("the server runs") });
        Self {
            address,
            clock,
            received,
            client: reqwest::Client::new(),
        }
    }

    fn received(&self) -> Vec<String> {
        self.received.lock().expect("no test panicked").clone()
    }

    async fn send(&self, headers: HeaderMap, body: impl Into<reqwest::Body>) -> (StatusCode, Value) {
        let request = self.client.post(format!("http://{}/webhooks", self.address));
        let response = request
            .headers(headers)
            .body(body)
            .send()
            .await
            .expect("the receiver answers");
        let status = response.status();
        assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR);
        if !status.is_success() {
            assert_eq!(response.headers()["content-type"], "application/problem+json");
            assert_eq!(response.headers()["cache-control"], "no-store");
        }
        let text = response.text().await.expect("the body is text");
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn deliver(&self, delivery: &SignedDelivery) -> (StatusCode, Value) {
        self.send(delivery.headers().clone(), delivery.body().to_vec())
            .await
    }

    /// Opens a connection for raw bytes.
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address)
            .await
            .expect("the receiver listens")
    }
}

fn created() -> SignedDelivery {
    let event = event("user.created", user_object("user_ada", NOW), NOW);
    SignedDelivery::new(SECRET, &event, NOW)
}

fn raw(body: impl Into<Vec<u8>>) -> SignedDelivery {
    SignedDelivery::raw(SECRET, "msg_1", &NOW.as_secs().to_string(), body)
}

/// Returns the head of a request with this delivery.
fn head(delivery: &SignedDelivery, framing: &str) -> String {
    let headers: String = delivery
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}\r\n", value.to_str().expect("text")))
        .collect();
    format!("POST /webhooks HTTP/1.1\r\nhost: localhost\r\n{headers}{framing}\r\n\r\n")
}

/// Reads the server's output until the server closes the connection, or the output ends with this text.
async fn answer(stream: &mut TcpStream, end: &str) -> String {
    let mut answer = Vec::new();
    let read = async {
        let mut buffer = [0; 4_096];
        while !String::from_utf8_lossy(&answer).contains(end) {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(count) => answer.extend_from_slice(&buffer[..count]),
            }
        }
    };
    timeout(DEADLINE, read)
        .await
        .expect("the server answers or hangs up");
    String::from_utf8(answer).expect("the answer is text")
}

#[tokio::test]
async fn delivery_reaches_the_handler_as_often_as_it_is_sent() {
    let receiver = Receiver::start().await;
    let delivery = created();
    for _ in 0..2 {
        assert_eq!(receiver.deliver(&delivery).await.0, StatusCode::NO_CONTENT);
    }
    let unknown = event("comet.sighted", json!([1]), NOW);
    let unknown = SignedDelivery::new(SECRET, &unknown, NOW);
    assert_eq!(receiver.deliver(&unknown).await.0, StatusCode::NO_CONTENT);
    assert_eq!(
        receiver.received(),
        ["user.created", "user.created", "comet.sighted"]
    );
}

#[tokio::test]
async fn delivery_that_can_never_succeed_is_a_400_with_its_reason() {
    let receiver = Receiver::start().await;
    let right = created();
    let without = |name| {
        let mut headers = right.headers().clone();
        headers.remove(name);
        headers
    };
    let mut twice = right.headers().clone();
    twice.append("svix-id", HeaderValue::from_static("msg_2"));
    let body = || right.body().to_vec();
    let changed = [right.body(), b" "].concat();
    let stranger = SignedDelivery::new(OTHER, &event("user.created", json!({}), NOW), NOW);
    let lacking = SignedDelivery::new(
        SECRET,
        &event("user.updated", json!({ "updated_at": 1 }), NOW),
        NOW,
    );
    let twin = br#"{"object":"event","type":"user.created","type":"user.deleted"}"#;
    for (headers, body, code, detail) in [
        (
            without("svix-id"),
            body(),
            "webhook_header_missing",
            "the header `svix-id` is missing",
        ),
        (
            without("svix-signature"),
            body(),
            "webhook_header_missing",
            "the header `svix-signature` is missing",
        ),
        (
            HeaderMap::new(),
            Vec::new(),
            "webhook_header_missing",
            "the header `svix-id` is missing",
        ),
        (
            twice,
            body(),
            "webhook_header_repeated",
            "the header `svix-id` occurs more than once",
        ),
        (
            right.headers().clone(),
            changed,
            "webhook_signature_invalid",
            "the signature is not valid",
        ),
        (
            stranger.headers().clone(),
            stranger.body().to_vec(),
            "webhook_signature_invalid",
            "the signature is not valid",
        ),
        (
            lacking.headers().clone(),
            lacking.body().to_vec(),
            "webhook_member_missing",
            "the event lacks `data.id`",
        ),
        (
            raw("").headers().clone(),
            Vec::new(),
            "webhook_body_malformed",
            "the body is not a JSON object",
        ),
        (
            raw(twin).headers().clone(),
            twin.to_vec(),
            "webhook_member_malformed",
            "the event's `type` is malformed",
        ),
    ] {
        let (status, problem) = receiver.send(headers, body).await;
        let expected = json!({ "title": "Bad Request", "status": 400, "code": code, "detail": detail });
        assert_eq!((status, problem), (StatusCode::BAD_REQUEST, expected));
    }
    let delivery = created();
    receiver.clock.advance(TOLERANCE);
    assert_eq!(receiver.deliver(&delivery).await.0, StatusCode::NO_CONTENT);
    receiver.clock.advance(Duration::from_secs(1));
    let (status, problem) = receiver.deliver(&delivery).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::BAD_REQUEST, &json!("webhook_too_old"))
    );
    let again = delivery.again(NOW + TOLERANCE + Duration::from_secs(1));
    assert_eq!(receiver.deliver(&again).await.0, StatusCode::NO_CONTENT);
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn body_is_read_up_to_the_limit_and_no_further() {
    let receiver = Receiver::start().await;
    let envelope =
        r#"{"object":"event","type":"large","timestamp":1,"instance_id":"ins_1","data":""}"#.to_owned();
    let filled =
        |length: usize| envelope.replace(r#""""#, &format!("\"{}\"", "x".repeat(length - envelope.len())));
    let (status, _) = receiver.deliver(&raw(filled(MAX_DELIVERY_SIZE))).await;
    assert_eq!(status, StatusCode::NO_CONTENT);

    // The length alone causes the refusal: the response comes before a byte of the body.
    let too_large = raw(filled(MAX_DELIVERY_SIZE + 1));
    let mut stream = receiver.connect().await;
    let framing = format!("content-length: {}", too_large.body().len());
    stream
        .write_all(head(&too_large, &framing).as_bytes())
        .await
        .expect("the head is sent");
    let refused = answer(&mut stream, "webhook_body_too_large").await;
    assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");

    // Without a length, the answer comes with the chunk that exceeds the limit, although the body does not end.
    let mut stream = receiver.connect().await;
    let head = head(&too_large, "transfer-encoding: chunked");
    stream.write_all(head.as_bytes()).await.expect("the head is sent");
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..=MAX_DELIVERY_SIZE / 0x10000 {
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let refused = answer(&mut stream, "webhook_body_too_large").await;
    assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");

    // The receiver rejects a sender other than Clerk before it reads the body.
    let mut stream = receiver.connect().await;
    let head = "POST /webhooks HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("the head is sent");
    let refused = answer(&mut stream, "webhook_header_missing").await;
    assert!(refused.starts_with("HTTP/1.1 400 "), "{refused}");

    assert_eq!(receiver.received(), ["large"]);
}

#[tokio::test]
async fn slow_and_chunked_bodies_are_read_whole() {
    let receiver = Receiver::start().await;
    let delivery = created();
    let mut stream = receiver.connect().await;
    stream.set_nodelay(true).expect("a socket option");
    let head = head(&delivery, "transfer-encoding: chunked\r\nconnection: close");
    stream.write_all(head.as_bytes()).await.expect("the head is sent");
    for piece in delivery.body().chunks(7) {
        // The slow request does not delay another request.
        let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        stream.write_all(&chunk).await.expect("a chunk is sent");
        stream.flush().await.expect("a chunk is sent");
        tokio::task::yield_now().await;
    }
    assert_eq!(receiver.deliver(&created()).await.0, StatusCode::NO_CONTENT);
    assert_eq!(receiver.received().len(), 1);
    stream
        .write_all(b"0\r\nsvix-id: msg_trailer\r\n\r\n")
        .await
        .expect("the end is sent");
    let accepted = answer(&mut stream, "\r\n\r\n").await;
    assert!(accepted.starts_with("HTTP/1.1 204 "), "{accepted}");
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn truncated_body_is_refused() {
    let receiver = Receiver::start().await;
    let delivery = created();
    let half = &delivery.body()[..delivery.body().len() / 2];
    let length = format!("content-length: {}", delivery.body().len());
    let chunk = [format!("{:x}\r\n", half.len()).as_bytes(), half, b"\r\n"].concat();
    let garbage = [&chunk, &b"no length\r\n"[..]].concat();
    for (framing, body) in [
        (length.as_str(), half.to_vec()),
        (length.as_str(), Vec::new()),
        ("transfer-encoding: chunked", chunk),
        ("transfer-encoding: chunked", garbage),
    ] {
        let mut stream = receiver.connect().await;
        let request = [head(&delivery, framing).as_bytes(), &body].concat();
        stream.write_all(&request).await.expect("half is sent");
        stream.shutdown().await.expect("the sender is done");
        let refused = answer(&mut stream, "webhook_body_incomplete").await;
        assert!(
            refused.is_empty() || refused.starts_with("HTTP/1.1 400 "),
            "{framing}: {refused}"
        );
    }
    // A body without an announced length is empty, and its signature differs.
    let mut stream = receiver.connect().await;
    let request = head(&delivery, "connection: close");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("the head is sent");
    let refused = answer(&mut stream, "webhook_signature_invalid").await;
    assert!(refused.contains("webhook_signature_invalid"), "{refused}");
    assert!(receiver.received().is_empty());
    assert_eq!(receiver.deliver(&delivery).await.0, StatusCode::NO_CONTENT);
}
