//! The operator's view: an id and a span for each request, and an endpoint for metrics.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderName;
use axum::middleware::map_request;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder};
use tower::ServiceBuilder;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::trace::TraceLayer;
use tracing::Span;

/// The header of the id, in responses.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives each request an id, which is in every log line about the request and in the response.
pub fn observed(router: Router) -> Router {
    router.layer(
        ServiceBuilder::new()
            // A caller must not choose the id in the log.
            .layer(map_request(async |mut request: Request| {
                request.headers_mut().remove(REQUEST_ID);
                request
            }))
            .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
            .layer(TraceLayer::new_for_http().make_span_with(span))
            .layer(PropagateRequestIdLayer::new(REQUEST_ID)),
    )
}

/// Creates the span of a request, with the path only, because a query may contain secrets.
fn span(request: &Request) -> Span {
    let id = request.extensions().get::<RequestId>();
    let id = id.and_then(|id| id.header_value().to_str().ok());
    tracing::info_span!("request", id, method = %request.method(), path = request.uri().path())
}

/// Serves the metrics in the format of Prometheus, on a separate address that should not be public.
///
/// # Errors
///
/// [`BuildError`] if the server cannot listen on the address.
pub fn serve_metrics(address: SocketAddr) -> Result<(), BuildError> {
    PrometheusBuilder::new().with_http_listener(address).install()
}
