//! `/device`: the page on which a person approves a login without the dashboard. Works without JavaScript.
//!
//! Every decision takes email and password, so no other site can make a visitor's browser decide anything.

use axum::extract::{self, RawQuery};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use utoipa::{IntoParams, ToSchema};

use super::OAuthError;
use super::fields::Fields;
use crate::api::{Error, State};
use crate::control::{Failure, device, session};
use crate::domain::Refusal;

const TEMPLATE: &str = include_str!("page.html");

/// What the link on the device carries.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Link {
    /// The code to fill in.
    pub user_code: Option<String>,
}

/// The form's fields.
#[derive(ToSchema)]
pub struct DeviceForm {
    /// What the device shows.
    #[schema(example = "WDJB-MJHT")]
    pub user_code: String,
    /// The person's email.
    pub email: String,
    /// The person's password.
    pub password: String,
    /// approve or deny.
    #[schema(example = "approve")]
    pub decision: String,
}

/// Shows the form.
#[utoipa::path(
    get,
    path = "/device",
    params(Link),
    responses((status = 200, description = "The form", body = String, content_type = "text/html"))
)]
pub async fn show(RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let code = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "user_code");
    page(StatusCode::OK, "", &form(code.as_ref().map_or("", |(_, code)| code), ""))
}

/// Takes the decision.
#[utoipa::path(
    post,
    path = "/device",
    request_body(content = DeviceForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Decided", body = String, content_type = "text/html"),
        (status = 400, description = "A field is missing", body = String, content_type = "text/html"),
        (status = 401, description = "Wrong email or password", body = String, content_type = "text/html"),
        (status = 404, description = "No such code waits", body = String, content_type = "text/html"),
    )
)]
pub async fn decide(
    extract::State(state): extract::State<State>,
    fields: Result<Fields, OAuthError>,
) -> Result<Response, Error> {
    let Ok(fields) = fields else {
        return Ok(page(StatusCode::BAD_REQUEST, "The form could not be read.", &form("", "")));
    };
    let (code, email) =
        (fields.get("user_code").unwrap_or_default(), fields.get("email").unwrap_or_default());
    let again = |status, message: &str| Ok(page(status, message, &form(code, email)));
    let approve = match fields.get("decision") {
        Some("approve") => true,
        Some("deny") => false,
        _ => return again(StatusCode::BAD_REQUEST, "Choose Approve or Deny."),
    };
    let Some(password) = fields.get("password").filter(|_| !code.is_empty() && !email.is_empty()) else {
        return again(StatusCode::BAD_REQUEST, "Code, email and password are all needed.");
    };
    let user_id = match session::login(&state.store, email.to_owned(), password.to_owned()).await {
        Ok(user) => user.id,
        Err(Failure::Refused(_)) => return again(StatusCode::UNAUTHORIZED, "Email or password is wrong."),
        Err(failure) => return Err(failure.into()),
    };
    match device::decide(&state.store, user_id, code, approve, state.clock.now()).await {
        Ok(()) if approve => Ok(page(StatusCode::OK, "Approved. You can go back to your device.", "")),
        Ok(()) => Ok(page(StatusCode::OK, "Denied. The device was not let in.", "")),
        Err(Failure::Refused(Refusal::NotFound(_))) => again(
            StatusCode::NOT_FOUND,
            "No device waits for this code: it was mistyped, has expired, or was used.",
        ),
        Err(failure) => Err(failure.into()),
    }
}

fn form(code: &str, email: &str) -> String {
    let form = include_str!("form.html");
    form.replace("{code}", &escaped(code)).replace("{email}", &escaped(email))
}

fn page(status: StatusCode, message: &str, form: &str) -> Response {
    let message = match message {
        "" => String::new(),
        text => format!("<p role=\"status\">{}</p>", escaped(text)),
    };
    let html = TEMPLATE.replace("{message}", &message).replace("{form}", form);
    let headers = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, Html(html)).into_response()
}

/// Text that is nothing but text in HTML, in an attribute too. Braces as well: what a visitor typed must not be taken
/// for a place in the template.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars().filter(|character| !character.is_control()) {
        match character {
            '&' | '<' | '>' | '"' | '\'' | '{' | '}' => {
                escaped.push_str(&format!("&#{};", u32::from(character)));
            }
            plain => escaped.push(plain),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_visitor_typed_stays_text() {
        let typed = "\"><script>alert('x')</script>{email}&";
        let form = form(typed, "{code}");
        assert!(!form.contains("<script") && !form.contains("{email}") && !form.contains("{code}"), "{form}");
        assert!(form.contains("&#34;&#62;&#60;script&#62;alert(&#39;x&#39;)"), "{form}");
    }
}
