use clerk_auth::SyncedOrganization;

#[derive(Clone, SyncedOrganization)]
#[synced_organization(table = "organizations", database(postgres))]
struct Organization {
    clerk_id: String,
    #[column(app)]
    plan: std::rc::Rc<str>,
}

fn main() {}
