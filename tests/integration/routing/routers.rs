//! Tests that the guarded router serves like axum's, and rejects requests without a session, except on public routes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, FromRef, Path, Request, State};
use axum::handler::Handler as _;
use axum::http::header::{ALLOW, AUTHORIZATION};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{self as plain, MethodFilter};
use clerk_auth::middleware::RequireSession;
use clerk_auth::routing::{self, GuardedService, MethodRouter, Router, get, post, webhooks};
use clerk_auth::testing::{SignedDelivery, event, user_object};
use clerk_auth::time::{Clock, SystemClock};
use clerk_auth::webhook::{Webhook, WebhookVerifier};
use clerk_auth::{Clerk, Session, UserSync, authenticated};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profile, issuer, token};
use tokio::net::TcpListener;
use tower::{Layer, Service, ServiceExt, service_fn};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn clerk() -> Clerk {
    Clerk::builder()
        .issuer(issuer().url())
        .jwt_key(issuer().public_key_pem())
        .build()
        .expect("the configuration is right")
}

#[authenticated]
async fn guarded() -> &'static str {
    "guarded"
}

async fn public() -> &'static str {
    "public"
}

fn request(method: &Method, path: &str, is_signed_in: bool) -> Request {
    let mut request = Request::builder().method(method).uri(path);
    if is_signed_in {
        let token = token("user_ada", "Ada", 5).sign();
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    request.body(Body::empty()).expect("a request")
}

async fn answer<R>(router: &R, method: &Method, path: &str, is_signed_in: bool) -> Response
where
    R: Service<Request, Response = Response, Error = Infallible> + Clone,
{
    let request = request(method, path, is_signed_in);
    router.clone().oneshot(request).await.expect("infallible")
}

async fn status(router: &Router, path: &str, is_signed_in: bool) -> u16 {
    answer(router, &Method::GET, path, is_signed_in)
        .await
        .status()
        .as_u16()
}

async fn text(response: Response) -> String {
    let body = to_bytes(response.into_body(), 10_000).await.expect("a body");
    String::from_utf8(body.to_vec()).expect("text")
}

const METHODS: [Method; 9] = [
    Method::CONNECT,
    Method::DELETE,
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::PATCH,
    Method::POST,
    Method::PUT,
    Method::TRACE,
];

/// Tests each method alone, as the first call and chained, and axum's answer to all the other methods.
#[tokio::test]
async fn every_method_is_guarded_and_answers_as_axum_does() {
    let begun: [(MethodRouter<Clerk>, plain::MethodRouter<Clerk>); 11] = [
        (routing::any(guarded), plain::any(guarded)),
        (routing::connect(guarded), plain::connect(guarded)),
        (routing::delete(guarded), plain::delete(guarded)),
        (routing::get(guarded), plain::get(guarded)),
        (routing::head(guarded), plain::head(guarded)),
        (routing::options(guarded), plain::options(guarded)),
        (routing::patch(guarded), plain::patch(guarded)),
        (routing::post(guarded), plain::post(guarded)),
        (routing::put(guarded), plain::put(guarded)),
        (routing::trace(guarded), plain::trace(guarded)),
        (
            routing::on(MethodFilter::GET.or(MethodFilter::PUT), guarded),
            plain::on(MethodFilter::GET.or(MethodFilter::PUT), guarded),
        ),
    ];
    let new = MethodRouter::new;
    let axums = plain::MethodRouter::new;
    let chained: [(MethodRouter<Clerk>, plain::MethodRouter<Clerk>); 13] = [
        (new().connect(guarded), axums().connect(guarded)),
        (new().delete(guarded), axums().delete(guarded)),
        (new().get(guarded), axums().get(guarded)),
        (new().head(guarded), axums().head(guarded)),
        (new().options(guarded), axums().options(guarded)),
        (new().patch(guarded), axums().patch(guarded)),
        (new().post(guarded), axums().post(guarded)),
        (new().put(guarded), axums().put(guarded)),
        (new().trace(guarded), axums().trace(guarded)),
        (
            new().on(MethodFilter::TRACE, guarded),
            axums().on(MethodFilter::TRACE, guarded),
        ),
        (new().fallback(guarded), axums().fallback(guarded)),
        (
            get(guarded).merge(post(guarded)),
            plain::get(guarded).merge(plain::post(guarded)),
        ),
        (get(guarded).head(guarded), plain::get(guarded).head(guarded)),
    ];
    for (number, (ours, axums)) in begun.into_iter().chain(chained).enumerate() {
        let ours = Router::new().route("/", ours).with_state(clerk());
        let axums: axum::Router = axum::Router::new().route("/", axums).with_state(clerk());
        let mut reached = 0;
        for method in METHODS {
            // A `CONNECT` request has no path, and reaches only fallbacks.
            for path in ["/", "/elsewhere"] {
                for is_signed_in in [false, true] {
                    let expected = answer(&axums, &method, path, is_signed_in).await;
                    let actual = answer(&ours, &method, path, is_signed_in).await;
                    let case = format!("{number} {method} {path} {is_signed_in}");
                    assert_eq!(actual.status(), expected.status(), "{case}");
                    assert_eq!(
                        actual.headers().get(ALLOW),
                        expected.headers().get(ALLOW),
                        "{case}"
                    );
                    reached += usize::from(actual.status() == StatusCode::OK);
                    assert_eq!(text(actual).await, text(expected).await, "{case}");
                }
            }
        }
        assert!(reached > 0, "{number}");
    }
}

/// Returns a service behind the layer, whose body type is not axum's.
fn service() -> impl GuardedService {
    let service = service_fn(async |_: Request| Ok::<_, Infallible>("service"));
    RequireSession::new(clerk()).layer(service)
}

#[tokio::test]
async fn every_service_is_guarded() {
    let new = MethodRouter::<()>::new;
    let routes = [
        ("any", routing::any_service(service())),
        ("connect", routing::connect_service(service())),
        ("delete", routing::delete_service(service())),
        ("get", routing::get_service(service())),
        ("head", routing::head_service(service())),
        ("options", routing::options_service(service())),
        ("patch", routing::patch_service(service())),
        ("post", routing::post_service(service())),
        ("put", routing::put_service(service())),
        ("trace", routing::trace_service(service())),
        ("on", routing::on_service(MethodFilter::GET, service())),
        ("connect", new().connect_service(service())),
        ("delete", new().delete_service(service())),
        ("get", new().get_service(service())),
        ("head", new().head_service(service())),
        ("options", new().options_service(service())),
        ("patch", new().patch_service(service())),
        ("post", new().post_service(service())),
        ("put", new().put_service(service())),
        ("trace", new().trace_service(service())),
        ("on", new().on_service(MethodFilter::GET, service())),
        ("fallback", new().fallback_service(service())),
    ];
    for (name, routes) in routes {
        let router = Router::new().route("/", routes);
        let mut reached = 0;
        for method in METHODS {
            let visitor = answer(&router, &method, "/", false).await.status();
            let signed_in = answer(&router, &method, "/", true).await.status();
            match signed_in {
                StatusCode::OK => {
                    assert_eq!(visitor, StatusCode::UNAUTHORIZED, "{name} {method}");
                    reached += 1;
                }
                other => assert_eq!(
                    (visitor, other),
                    (other, StatusCode::METHOD_NOT_ALLOWED),
                    "{name} {method}"
                ),
            }
        }
        assert!(reached > 0, "{name}");
    }
    let router: Router = Router::new()
        .route_service("/route", service())
        .nest_service("/nest", service())
        .fallback_service(service());
    for path in ["/route", "/nest", "/nest/deeper", "/elsewhere"] {
        assert_eq!(status(&router, path, false).await, 401, "{path}");
        assert_eq!(
            text(answer(&router, &Method::GET, path, true).await).await,
            "service"
        );
    }
}

/// A router of axum's behind the layer is mounted without `public` in the method's name, because all of it is guarded.
#[tokio::test]
async fn router_of_axum_behind_the_layer_is_guarded() {
    let inner = axum::Router::new().route("/public", plain::get(public));
    let router: Router = Router::new().nest_service("/inner", RequireSession::new(clerk()).layer(inner));
    assert_eq!(status(&router, "/inner/public", false).await, 401);
    assert_eq!(status(&router, "/inner/public", true).await, 200);
}

#[tokio::test]
async fn fallbacks_are_guarded_and_can_be_reset() {
    let router = Router::new()
        .route("/", get(guarded))
        .fallback(guarded)
        .method_not_allowed_fallback(guarded);
    let app = router.clone().with_state(clerk());
    assert_eq!(status(&app, "/elsewhere", false).await, 401);
    assert_eq!(status(&app, "/elsewhere", true).await, 200);
    assert_eq!(answer(&app, &Method::POST, "/", false).await.status(), 401);
    assert_eq!(answer(&app, &Method::POST, "/", true).await.status(), 200);
    let app = router.reset_fallback().with_state(clerk());
    assert_eq!(status(&app, "/elsewhere", false).await, 404);
    let app = Router::<Clerk>::default().with_state::<()>(clerk());
    assert!(!app.has_routes());
    assert_eq!(status(&app, "/", false).await, 404);
}

#[tokio::test]
async fn only_what_is_named_public_is_public() {
    let plain_service =
        service_fn(async |_: Request| Ok::<_, Infallible>(Response::new(Body::from("public"))));
    let router = Router::new()
        .route("/guarded", get(guarded))
        .public("/route", plain::get(public))
        .public("/guarded", plain::post(public)) // another method of a guarded path
        .public_service("/service", plain_service)
        .public_nest("/nest", axum::Router::new().route("/route", plain::get(public)))
        .public_nest_service("/files", plain_service)
        .public_merge(axum::Router::new().route("/merged", plain::get(public)))
        .public_method_not_allowed_fallback(public)
        .public_fallback(public)
        .with_state(clerk());
    for path in [
        "/route",
        "/service",
        "/nest/route",
        "/files/a",
        "/merged",
        "/elsewhere",
    ] {
        assert_eq!(status(&router, path, false).await, 200, "{path}");
    }
    assert_eq!(
        answer(&router, &Method::POST, "/guarded", false).await.status(),
        200
    );
    assert_eq!(
        answer(&router, &Method::PUT, "/guarded", false).await.status(),
        200
    );
    assert_eq!(status(&router, "/guarded", false).await, 401);
    let router: Router = Router::new().public_fallback_service(plain_service);
    assert_eq!(status(&router, "/elsewhere", false).await, 200);
}

#[derive(Clone, FromRef)]
struct Inner {
    clerk: Clerk,
}

/// Nested and merged routers keep their guards, their own state, and the layers around them.
#[tokio::test]
async fn nested_and_merged_routers_keep_their_guards() {
    let inner = |state: &Clerk| {
        Router::<Inner>::new()
            .route("/", get(guarded))
            .route_layer(tower::layer::util::Identity::new())
            .with_state(Inner { clerk: state.clone() })
    };
    let router = Router::new()
        .nest("/nested", inner(&clerk()))
        .merge(Router::new().route("/merged", get(guarded)))
        .route("/stated", get(guarded).with_state(clerk()))
        .layer(tower::layer::util::Identity::new())
        .with_state(clerk());
    for path in ["/nested", "/merged", "/stated"] {
        assert_eq!(status(&router, path, false).await, 401, "{path}");
        assert_eq!(status(&router, path, true).await, 200, "{path}");
    }
    // A layer can answer by itself, and this answer is not guarded.
    let answers = axum::middleware::from_fn(async |_: Request, _: axum::middleware::Next| "layer");
    let router = Router::new()
        .route("/", get(guarded).layer(answers))
        .with_state(clerk());
    assert_eq!(
        text(answer(&router, &Method::GET, "/", false).await).await,
        "layer"
    );
}

#[tokio::test]
async fn router_converts_into_axums() {
    fn ours<S>() -> Router<S> {
        Router::new().route("/", get(guarded)).with_state(clerk())
    }

    let router: axum::Router = axum::Router::new()
        .merge(Router::new().route("/merged", get(guarded)))
        .nest("/nested", axum::Router::from(ours()))
        .nest_service("/service", ours::<()>())
        .route("/route", get(guarded).post(guarded).into())
        .route(
            "/layered",
            plain::get(guarded.layer(tower::layer::util::Identity::new())),
        )
        .with_state(clerk());
    for path in ["/merged", "/nested", "/service", "/route", "/layered"] {
        let visitor = answer(&router, &Method::GET, path, false).await;
        let signed_in = answer(&router, &Method::GET, path, true).await;
        assert_eq!(
            (visitor.status().as_u16(), signed_in.status().as_u16()),
            (401, 200),
            "{path}"
        );
    }
    let mut router = ours::<()>();
    let service = router.as_service();
    assert_eq!(
        service
            .oneshot(request(&Method::GET, "/", true))
            .await
            .expect("infallible")
            .status(),
        200
    );
    let service = router.into_service();
    assert_eq!(
        service
            .oneshot(request(&Method::GET, "/", false))
            .await
            .expect("infallible")
            .status(),
        401
    );
}

/// A handler with the guard, 14 parameters that do not read the body, and the body.
#[authenticated]
#[expect(clippy::too_many_arguments, reason = "as many as axum takes")]
async fn sixteen(
    session: Session,
    _: Path<String>,
    _: HeaderMap,
    _: HeaderMap,
    _: Method,
    _: Uri,
    _: State<Clerk>,
    _: Session,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    _: Method,
    body: String,
) -> String {
    format!("{} {body}", session.user_id())
}

#[tokio::test]
async fn handler_takes_sixteen_parameters_and_reads_the_body_last() {
    let router: Router = Router::new().route("/{name}", post(sixteen)).with_state(clerk());
    let (parts, _) = request(&Method::POST, "/a?b=c", true).into_parts();
    let answered = router
        .clone()
        .oneshot(Request::from_parts(parts, Body::from("hello")))
        .await;
    assert_eq!(text(answered.expect("infallible")).await, "user_ada hello");
    // The answer is the rejection of a later parameter.
    let (parts, _) = request(&Method::POST, "/a", true).into_parts();
    let answered = router
        .clone()
        .oneshot(Request::from_parts(parts, Body::from(vec![0xff])))
        .await;
    assert_eq!(answered.expect("infallible").status(), StatusCode::BAD_REQUEST);
    assert_eq!(answer(&router, &Method::POST, "/a", false).await.status(), 401);
}

/// No guarded handler runs before its request is authenticated, for any behaviour of a later parameter.
#[tokio::test]
async fn nothing_is_extracted_before_the_guard() {
    struct Reached;

    impl<S: Sync> axum::extract::FromRequestParts<S> for Reached {
        type Rejection = StatusCode;

        async fn from_request_parts(_: &mut axum::http::request::Parts, _: &S) -> Result<Self, StatusCode> {
            Err(StatusCode::IM_A_TEAPOT)
        }
    }

    let router: Router = Router::new()
        .route("/", get(async |_: Session, _: Reached, _: String| ""))
        .with_state(clerk());
    assert_eq!(status(&router, "/", false).await, 401);
    assert_eq!(status(&router, "/", true).await, 418);
}

#[authenticated]
async fn peer(ConnectInfo(address): ConnectInfo<SocketAddr>) -> String {
    address.ip().to_string()
}

#[tokio::test]
async fn router_is_served_with_and_without_addresses() {
    let router = Router::new()
        .route("/", get(guarded))
        .route("/peer", get(peer))
        .with_state(clerk());
    let token = token("user_ada", "Ada", 5).sign();
    let client = reqwest::Client::new();
    for form in 0..3 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = router.clone();
        let server = tokio::spawn(async move {
            match form {
                0 => axum::serve(listener, router).await,
                1 => axum::serve(listener, router.into_make_service()).await,
                _ => {
                    let service = router.into_make_service_with_connect_info::<SocketAddr>();
                    axum::serve(listener, service).await
                }
            }
        });
        let url = format!("http://{address}");
        let visitor = client.get(&url).send().await.expect("an answer");
        let signed_in = client
            .get(&url)
            .bearer_auth(&token)
            .send()
            .await
            .expect("an answer");
        assert_eq!(
            (visitor.status().as_u16(), signed_in.status().as_u16()),
            (401, 200),
            "{form}"
        );
        let peer = client
            .get(format!("{url}/peer"))
            .bearer_auth(&token)
            .send()
            .await
            .expect("an answer");
        let expected = if form == 2 { 200 } else { 500 };
        assert_eq!(peer.status().as_u16(), expected, "{form}");
        server.abort();
    }
}

#[derive(Clone, FromRef)]
struct AppState {
    clerk: Clerk,
    users: UserSync<Profile>,
    verifier: WebhookVerifier,
    greeting: String,
}

#[authenticated]
async fn greet(user: Profile, State(state): State<Arc<AppState>>) -> String {
    format!("{}, {}", state.greeting, user.name.as_deref().unwrap_or_default())
}

#[authenticated(state = Arc<AppState>)]
async fn shared(user: Arc<Profile>) -> String {
    user.clerk_id.clone()
}

async fn receive(_: Webhook) -> StatusCode {
    StatusCode::ACCEPTED
}

on_both_databases!(state_in_an_arc_provides_what_its_struct_does);

async fn state_in_an_arc_provides_what_its_struct_does(database: TestDatabase) {
    let pool = Pool::open(database.url(), 2).await;
    let clerk = clerk();
    let users = match &pool {
        Pool::Postgres(pool) => UserSync::new(clerk.clone(), pool.clone()).await,
        Pool::Sqlite(pool) => UserSync::new(clerk.clone(), pool.clone()).await,
    };
    let users = users.expect("the table fits");
    let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret"));
    let state = AppState {
        clerk,
        users: users.clone(),
        verifier: verifier.clone(),
        greeting: "Hello".into(),
    };
    let router: Router = Router::new()
        .route("/greet", get(greet))
        .route("/shared", get(shared))
        .public("/receive", plain::post(receive))
        .public("/webhooks", webhooks(&users, verifier))
        .with_state(Arc::new(state));
    assert_eq!(status(&router, "/greet", false).await, 401);
    assert_eq!(
        text(answer(&router, &Method::GET, "/greet", true).await).await,
        "Hello, Ada"
    );
    assert_eq!(
        text(answer(&router, &Method::GET, "/shared", true).await).await,
        "user_ada"
    );
    let now = SystemClock.now();
    for (path, expected) in [("/receive", 202), ("/webhooks", 204)] {
        let event = event("user.updated", user_object("user_ada", now), now);
        let delivery = SignedDelivery::new(SECRET, &event, now).request(path);
        let answered = router.clone().oneshot(delivery).await.expect("infallible");
        assert_eq!(answered.status().as_u16(), expected, "{path}");
        let unsigned = answer(&router, &Method::POST, path, true).await;
        assert_eq!(unsigned.status(), StatusCode::BAD_REQUEST, "{path}");
    }
}
