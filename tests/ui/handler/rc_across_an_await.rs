use clerk_auth::Clerk;
use clerk_auth::routing::{Router, get};

mod notes {
    #[clerk_auth::authenticated]
    pub async fn handler() -> String {
        let name = std::rc::Rc::new("Ada");
        std::future::ready(()).await;
        name.to_string()
    }
}

fn main() {
    let _: Router<Clerk> = Router::new().route("/", get(notes::handler));
}
