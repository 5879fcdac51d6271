//! Tests of tokens that expire while the application is in use.

use std::time::Duration;

use serde_json::json;

use crate::browser::BrowserProfile;
use crate::world::World;

/// clerk-js refreshes a token 17 seconds before its end, so a shorter lifetime would leave no time.
const LIFETIME: Duration = Duration::from_secs(20);

#[tokio::test]
async fn requests_are_accepted_while_tokens_are_refreshed() {
    let world = World::start("refresh").await;
    world.stand_in.set_token_lifetime(LIFETIME);
    let profile = BrowserProfile::new();
    let page = world.open(&profile).await;
    page.run("await signIn('ada@example.com')").await;
    // Requests with cookies and with tokens, until the cookie's token was minted three lifetimes after the first one.
    let script = format!(
        "const first = claims(cookies().__session).iat;
         const refused = [];
         let count = 0;
         while (claims(cookies().__session).iat < first + 3 * {}) {{
             for (const answer of await Promise.all([call('/api/me'), callWithToken('/api/me')])) {{
                 count += 1;
                 if (answer.status !== 200) refused.push([answer.status, answer.code]);
             }}
             await new Promise((resolve) => setTimeout(resolve, 50));
         }}
         return {{ count, refused }}",
        LIFETIME.as_secs()
    );
    let result = page.run(&script).await;
    assert_eq!(result["refused"], json!([]), "of {}", result["count"]);
    assert!(result["count"].as_u64() > Some(100), "{result}");
    let exchanges = world.transcript.exchanges();
    let minted = exchanges
        .iter()
        .filter(|exchange| exchange.path.ends_with("/tokens"))
        .count();
    assert!(minted >= 3, "{minted} refreshes");
    profile.close().await;
}

/// With a clock that is ahead, clerk-js distrusts every token and fetches one for each use. The application, whose
/// clock is right, accepts them.
#[tokio::test]
async fn clock_of_the_browser_that_is_ten_minutes_ahead_is_harmless() {
    let world = World::start("clock_ahead").await;
    let profile = BrowserProfile::new();
    let page = profile
        .open_shifted(&format!("{}/page", world.origin), 600_000)
        .await;
    page.run("await ready; await signIn('ada@example.com')").await;
    let shift = page
        .run("return Date.now() / 1000 - claims(await Clerk.session.getToken()).iat")
        .await;
    assert!(shift.as_f64() > Some(590.0), "{shift}");
    for script in [
        "return (await call('/api/me')).status",
        "return (await callWithToken('/api/me')).status",
    ] {
        assert_eq!(page.run(script).await, 200, "{script}");
    }
    profile.close().await;
}

/// With a clock that is behind, clerk-js uses a token beyond its end. The application refuses the token, and the page
/// recovers with a new one.
#[tokio::test]
async fn clock_of_the_browser_that_is_ten_minutes_behind_shows_as_token_expired() {
    let world = World::start("clock_behind").await;
    // A short lifetime shortens the wait for the end of the token, with the library's tolerance of 5 seconds.
    world.stand_in.set_token_lifetime(Duration::from_secs(1));
    let profile = BrowserProfile::new();
    let page = profile
        .open_shifted(&format!("{}/page", world.origin), -600_000)
        .await;
    page.run("await ready; await signIn('ada@example.com')").await;
    assert_eq!(
        page.run("return (await callWithToken('/api/me')).status").await,
        200
    );
    let script = "return until('the token has expired', async () => {
        const answer = await callWithToken('/api/me');
        return answer.status === 401 && answer.code;
    })";
    assert_eq!(page.run(script).await, "token_expired");
    let script = "return call('/api/me', await Clerk.session.getToken({ skipCache: true })).then(({ status }) => status)";
    assert_eq!(page.run(script).await, 200);
    profile.close().await;
}
