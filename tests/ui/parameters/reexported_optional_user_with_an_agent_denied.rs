use clerk_auth::authenticated;

mod visitors {
    pub type Visitor = Option<clerk_auth::Session>;
}

mod people {
    pub use super::visitors::Visitor as Person;
}

#[authenticated(agent = "deny")]
async fn handler(_who: people::Person) {}

fn main() {}
