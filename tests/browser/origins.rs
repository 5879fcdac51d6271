//! Tests of front ends at other origins, and of pages of other sites.

use axum::middleware::from_fn_with_state;
use axum::response::Html;
use axum::routing::get;
use clerk_auth::middleware::RequireSession;
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::browser::BrowserProfile;
use crate::transcript::record_all;
use crate::world::{World, listen, page};

/// Serves one page on a listener.
fn serve(listener: TcpListener, page: String) {
    let router = axum::Router::new().route("/", get(async move || Html(page)));
    tokio::spawn(async move { axum::serve(listener, router).await.expect("the server runs") });
}

fn cors(origin: &str) -> CorsLayer {
    let origin = origin.parse().expect("a header value");
    CorsLayer::new()
        .allow_origin(AllowOrigin::exact(origin))
        .allow_credentials(true)
        .allow_headers([reqwest::header::AUTHORIZATION, reqwest::header::CONTENT_TYPE])
        .expose_headers(["x-user-sync".parse().expect("a name")])
        .allow_methods([Method::GET, Method::POST])
}

#[tokio::test]
async fn front_end_at_another_origin_signs_in_and_calls() {
    let (listener, address) = listen().await;
    let front_end = format!("http://{address}");
    let world = World::start_with(
        "cors",
        |stand_in| stand_in.front_end(&front_end).expect("an origin of loopback"),
        |router| router.layer(cors(&front_end)),
    )
    .await;
    serve(listener, page(&front_end, &world.stand_in, &world.origin));
    let profile = BrowserProfile::new();
    let tab = profile.open(&front_end).await;
    tab.run("await ready; await signIn('ada@example.com')").await;
    let by_token = tab.run("return callWithToken('/api/me')").await;
    assert_eq!(
        (&by_token["status"], &by_token["sync"]),
        (&json!(200), &json!("inserted"))
    );
    let by_cookie = tab.run("return call('/api/me')").await;
    assert_eq!(
        (&by_cookie["status"], &by_cookie["sync"]),
        (&json!(200), &json!("unchanged"))
    );
    // The application accepts a change with a cookie or a token, because the front end is an authorized party.
    let note =
        "{ method: 'POST', body: '{\"body\":\"milk\"}', headers: { 'content-type': 'application/json' } }";
    for call in ["callWithToken('/api/notes', ", "call('/api/notes', null, "] {
        assert_eq!(
            tab.run(&format!("return ({call}{note})).then(({{ status }}) => status)"))
                .await,
            201,
            "{call}"
        );
    }
    // The page can read a refusal too.
    let script = "return call('/api/me', 'no.token.here').then(({ code }) => code)";
    assert_eq!(tab.run(script).await, "token_malformed");
    let exchanges = world.transcript.exchanges();
    let preflights = exchanges.iter().filter(|exchange| exchange.method == "OPTIONS");
    assert!(preflights.clone().count() >= 2);
    assert!(preflights.clone().all(|exchange| exchange.status == 200));
    profile.close().await;
}

#[tokio::test]
async fn form_of_another_page_is_refused() {
    let world = World::start("cross_site_form").await;
    let (listener, address) = listen().await;
    let form = format!(
        "<!doctype html><form method=post enctype='text/plain' action='{}/api/notes'>
         <input name='{{\"body\":\"' value='stolen\"}}'></form>",
        world.origin
    );
    serve(listener, form);
    let profile = BrowserProfile::new();
    let tab = world.open(&profile).await;
    tab.run("await signIn('ada@example.com')").await;
    assert_eq!(tab.run("return (await call('/api/me')).status").await, 200);

    // Another port is another origin of one site: the browser sends the cookies, and the application refuses them.
    let attacker = profile.open(&format!("http://{address}/")).await;
    let answer = attacker.leave("document.forms[0].submit()").await;
    assert_eq!(answer["status"], 403);
    assert!(
        answer["body"]
            .as_str()
            .is_some_and(|body| body.contains("cross_site_request")),
        "{answer}"
    );

    // Another name is another site: the browser itself withholds the cookies, because they are `SameSite=Lax`.
    let port = address.port();
    let attacker = profile.open(&format!("http://localhost:{port}/")).await;
    let answer = attacker.leave("document.forms[0].submit()").await;
    assert_eq!(answer["status"], 401);
    assert!(
        answer["body"]
            .as_str()
            .is_some_and(|body| body.contains("signed_out")),
        "{answer}"
    );
    let written = "SELECT COUNT(*) FROM notes WHERE body NOT LIKE 'Welcome!%'";
    assert_eq!(world.rows.number(written).await, 0);
    profile.close().await;
}

/// A preflight request has no token, so a guard outside of the CORS layer refuses the preflight. The browser then does
/// not make the actual request at all.
#[tokio::test]
async fn cors_layer_belongs_outside_of_the_guard() {
    let (listener, address) = listen().await;
    let front_end = format!("http://{address}");
    let world = World::start_with(
        "cors_order",
        |stand_in| stand_in.front_end(&front_end).expect("an origin of loopback"),
        |router| router,
    )
    .await;
    serve(listener, page(&front_end, &world.stand_in, &world.origin));
    let clerk = world
        .stand_in
        .clerk()
        .expect("the stand-in's own configuration is right");
    let guard = RequireSession::new(clerk);
    let routes = || axum::Router::new().route("/", get(async || "guarded"));
    let mut servers = Vec::new();
    for router in [
        routes().layer(guard.clone()).layer(cors(&front_end)),
        routes().layer(cors(&front_end)).layer(guard),
    ] {
        let (listener, address) = listen().await;
        let router = router.layer(from_fn_with_state(world.transcript.clone(), record_all));
        tokio::spawn(async move { axum::serve(listener, router).await.expect("the server runs") });
        servers.push(format!("http://{address}/"));
    }
    let profile = BrowserProfile::new();
    let tab = profile.open(&front_end).await;
    tab.run("await ready; await signIn('ada@example.com')").await;
    for (server, expected) in servers.iter().zip(["guarded", "TypeError"]) {
        let script = format!(
            "return fetch('{server}', {{ headers: {{ authorization: 'Bearer ' + await Clerk.session.getToken() }} }})
                 .then((response) => response.text(), (error) => error.name)"
        );
        assert_eq!(tab.run(&script).await, expected);
    }
    assert_eq!(world.transcript.statuses("/"), [200, 200, 401]);
    profile.close().await;
}
