use clerk_auth::Clerk;
use clerk_auth::routing::Routes;

struct Anybody;

impl Routes<Clerk> for Anybody {
    fn into_axum(self) -> axum::routing::MethodRouter<Clerk> {
        axum::routing::get(async || "anybody")
    }
}

fn main() {}
