//! The first sign-in: one row, inserted once, whichever way the token is sent.

use serde_json::json;

use crate::browser::BrowserProfile;
use crate::world::World;

#[tokio::test]
async fn cookie_of_the_first_sign_in_inserts_one_row() {
    let world = World::start("sign_in_by_cookie").await;
    let profile = BrowserProfile::new();
    let page = world.open(&profile).await;
    assert_eq!(
        page.run("return (await call('/api/me')).code").await,
        "signed_out"
    );
    page.run("await signIn('ada@example.com')").await;
    let first = page.run("return call('/api/me')").await;
    assert_eq!(
        (&first["status"], &first["sync"]),
        (&json!(200), &json!("inserted"))
    );
    assert_eq!(first["body"]["clerk_id"], "user_ada");
    assert_eq!(first["body"]["last_name"], "Lovelace");
    let names = page.run("return Object.keys(cookies())").await.to_string();
    for name in [
        "\"__session\"",
        "\"__session_",
        "\"__client_uat\"",
        "\"__client_uat_",
    ] {
        assert!(names.contains(name), "{name}: {names}");
    }
    let second = page.run("return callWithToken('/api/me')").await;
    assert_eq!(
        (&second["status"], &second["sync"]),
        (&json!(200), &json!("unchanged"))
    );
    assert_eq!(world.row_count("clerk_id = 'user_ada'").await, 1);
    profile.close().await;
}
