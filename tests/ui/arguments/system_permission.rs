use clerk_auth::authenticated;

#[authenticated(permission = "org:sys_memberships:read")]
async fn handler() {}

fn main() {}
