//! Tests of the metrics and logs of deliveries: one count for each, and one log event for each refusal, without body or
//! secret.

#![cfg(feature = "testing")]

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode};
use axum::routing::post;
use clerk_auth::extract::MAX_DELIVERY_SIZE;
use clerk_auth::metrics::WEBHOOKS;
use clerk_auth::testing::{MovableClock, SignedDelivery, event};
use clerk_auth::time::Timestamp;
use clerk_auth::webhook::{Webhook, WebhookVerifier};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use serde_json::json;
use tower::ServiceExt;
use tracing::field::{Field, Visit};
use tracing::{Subscriber, span};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

#[derive(Default)]
struct Counts(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Counts {
    fn all(&self) -> BTreeMap<String, u64> {
        let counters = self.0.lock().expect("no test panicked");
        let counts = counters
            .iter()
            .map(|(name, count)| (name.clone(), count.load(Ordering::SeqCst)));
        counts.collect()
    }
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels: Vec<&str> = key.labels().map(metrics::Label::value).collect();
        assert_eq!((key.name(), labels.len()), (WEBHOOKS, 1));
        let mut counters = self.0.lock().expect("no test panicked");
        Counter::from_arc(Arc::clone(counters.entry(labels[0].to_owned()).or_default()))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// Collects the events of this library, each as a line of `field=value`.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, "{}={value:?} ", field.name()).expect("memory");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.0, "{}={value} ", field.name()).expect("memory");
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        if event.metadata().target().starts_with("clerk_auth") {
            let mut line = Line(format!("{} ", event.metadata().level()));
            event.record(&mut line);
            self.0.lock().expect("no test panicked").push(line.0);
        }
    }
}

async fn receive(_: Webhook) -> StatusCode {
    StatusCode::NO_CONTENT
}

#[test]
fn each_delivery_is_counted_and_each_refusal_is_logged_once() {
    let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret")).clock(MovableClock::new(NOW));
    let app = Router::new().route("/", post(receive)).with_state(verifier);
    let delivery = |data| SignedDelivery::new(SECRET, &event("user.created", data, NOW), NOW);
    let ada = json!({ "id": "user_ada", "created_at": 1, "updated_at": 1, "first_name": "Ada" });
    let changed = |change: fn(&mut Request<Body>)| {
        let mut request = delivery(ada.clone()).request("/");
        change(&mut request);
        request
    };
    let requests = [
        (delivery(ada.clone()).request("/"), "received"),
        (delivery(ada.clone()).request("/"), "received"),
        (
            changed(|request| drop(request.headers_mut().remove("svix-id"))),
            "webhook_header_missing",
        ),
        (
            changed(|request| *request.body_mut() = Body::from(r#"{"first_name":"Ada"}"#)),
            "webhook_signature_invalid",
        ),
        (
            changed(|request| {
                let length = HeaderValue::from(MAX_DELIVERY_SIZE + 1);
                request.headers_mut().insert("content-length", length);
            }),
            "webhook_body_too_large",
        ),
        (
            delivery(json!({ "updated_at": 1, "first_name": "Ada" })).request("/"),
            "webhook_member_missing",
        ),
    ];
    let (counts, log) = (Counts::default(), Log::default());
    let mut expected = BTreeMap::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime starts");
    for (request, outcome) in requests {
        *expected.entry(outcome.to_owned()).or_default() += 1;
        let answered = tracing::subscriber::with_default(log.clone(), || {
            metrics::with_local_recorder(&counts, || runtime.block_on(app.clone().oneshot(request)))
        });
        let is_success = answered.expect("infallible").status().is_success();
        let lines = std::mem::take(&mut *log.0.lock().expect("no test panicked"));
        if is_success {
            assert_eq!((outcome, lines.len()), ("received", 0));
        } else {
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(lines[0].starts_with("WARN "), "{lines:?}");
            assert!(lines[0].contains(&format!("reason={outcome} ")), "{lines:?}");
            for secret in ["Ada", "user_ada", "v1,", &SECRET[6..]] {
                assert!(!lines[0].contains(secret), "{lines:?}");
            }
        }
    }
    assert_eq!(counts.all(), expected);
}
