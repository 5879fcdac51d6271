use clerk_auth::Clerk;
use clerk_auth::routing::{Router, get};

struct Handlers;

impl Handlers {
    #[clerk_auth::authenticated]
    pub async fn handler() -> String {
        let name = std::rc::Rc::new("Ada");
        std::future::ready(()).await;
        name.to_string()
    }
}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(Handlers::handler));
}
