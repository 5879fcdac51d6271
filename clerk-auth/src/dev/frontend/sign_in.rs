//! Sign-in and sign-up. Every password and every code is accepted, because the stand-in protects nothing.

use serde_json::{Value, json};

use super::answer::Refusal;
use super::objects::{complete_sign_in, complete_sign_up};
use super::request::FrontendRequest;
use crate::dev::clients::{SignIn, Ticket};
use crate::dev::deliveries::Faults;
use crate::dev::instance::Instance;
use crate::dev::random_id::random_id;
use crate::dev::user_request::UserChange;
use crate::testing::endpoints::locked;
use crate::time::{Clock, SystemClock};

impl Instance {
    /// `POST /client/sign_ins`: signs in by ticket or password, or begins a sign-in whose factor the front end chooses
    /// afterwards.
    pub(super) fn create_sign_in(
        &self,
        client_id: &str,
        request: &FrontendRequest,
    ) -> Result<Value, Refusal> {
        if let Some(ticket) = request.get("ticket") {
            let ticket = locked(&self.clients).redeem(ticket);
            let ticket = ticket.ok_or_else(|| {
                Refusal::parameter(
                    "sign_in_token_revoked",
                    "ticket",
                    "the ticket is unknown or was used before",
                )
            })?;
            return self.complete(client_id, &random_id("sia"), ticket);
        }
        let identifier = request.get("identifier").ok_or_else(|| {
            Refusal::parameter("form_param_missing", "identifier", "expected an identifier")
        })?;
        let user_id = locked(&self.endpoints.users).find(identifier).ok_or_else(|| {
            Refusal::parameter(
                "form_identifier_not_found",
                "identifier",
                "no user of the stand-in has this e-mail address, user name or id; sign up first",
            )
        })?;
        let id = random_id("sia");
        if request.get("password").is_some() {
            return self.complete(client_id, &id, ticket(user_id));
        }
        let sign_in = SignIn { id, user_id };
        let object = self.sign_in_object(&sign_in);
        if let Some(client) = locked(&self.clients).get_mut(client_id) {
            client.sign_in = Some(sign_in);
        }
        Ok(object)
    }

    /// `GET /client/sign_ins/{id}`, and the steps `prepare_first_factor` and `attempt_first_factor`.
    pub(super) fn continue_sign_in(
        &self,
        client_id: &str,
        id: &str,
        step: Option<&str>,
    ) -> Result<Value, Refusal> {
        let sign_in = locked(&self.clients)
            .get(client_id)
            .and_then(|client| client.sign_in.clone())
            .filter(|sign_in| sign_in.id == id)
            .ok_or_else(|| Refusal::not_found("sign-in"))?;
        match step {
            None | Some("prepare_first_factor") => Ok(self.sign_in_object(&sign_in)),
            Some("attempt_first_factor") => self.complete(client_id, id, ticket(sign_in.user_id)),
            Some(_) => Err(Refusal::not_found("step")),
        }
    }

    /// `POST /client/sign_ups`.
    pub(super) fn create_sign_up(
        &self,
        client_id: &str,
        request: &FrontendRequest,
    ) -> Result<Value, Refusal> {
        let email = request.get("email_address").ok_or_else(|| {
            Refusal::parameter(
                "form_param_missing",
                "email_address",
                "expected an e-mail address",
            )
        })?;
        if locked(&self.endpoints.users).find(email).is_some() {
            return Err(Refusal::parameter(
                "form_identifier_exists",
                "email_address",
                "a user of the stand-in has this e-mail address",
            ));
        }
        let name = |parameter| request.get(parameter).map(|name| Some(name.to_owned()));
        let change = UserChange {
            email: Some(Some(email.to_owned())),
            first_name: name("first_name"),
            last_name: name("last_name"),
            ..UserChange::default()
        };
        let user_id = random_id("user");
        let created = self.change_user(&user_id, &change, Faults::default());
        let (user, _) = created.ok_or_else(|| Refusal::not_found("user"))?;
        let now = SystemClock.now();
        let session_id = locked(&self.clients).sign_in(client_id, ticket(user_id), now);
        Ok(complete_sign_up(&random_id("sua"), &user, &session_id))
    }

    fn complete(&self, client_id: &str, id: &str, ticket: Ticket) -> Result<Value, Refusal> {
        let user = locked(&self.endpoints.users)
            .get(&ticket.user_id)
            .ok_or_else(|| Refusal::not_found("user"))?;
        for (member, code, message) in [
            ("banned", "user_banned", "the user is banned"),
            ("locked", "user_locked", "the user is locked"),
        ] {
            if user[member] == json!(true) {
                return Err(Refusal::forbidden(code, message));
            }
        }
        let session_id = locked(&self.clients).sign_in(client_id, ticket, SystemClock.now());
        Ok(complete_sign_in(id, &user, &session_id))
    }
}

fn ticket(user_id: String) -> Ticket {
    Ticket {
        user_id,
        actor: None,
        is_pending: false,
    }
}
