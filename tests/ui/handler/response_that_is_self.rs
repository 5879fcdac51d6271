use clerk_auth::{Session, authenticated};

struct Note;

impl Note {
    #[authenticated]
    async fn handler(_session: Session) -> Self {
        Self
    }
}

fn main() {}
