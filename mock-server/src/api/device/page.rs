//! `/device`: the page on which a person approves a login without the dashboard. It works without JavaScript.
//!
//! Every decision requires email and password, so that no other site can make a visitor's browser decide anything.

use axum::extract::{self, RawQuery};
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use serde_json::Value;
use utoipa::IntoParams;
use utoipa::openapi::Schema;

use super::OAuthError;
use super::fields::FormOrJson;
use crate::api::client_address::client_address;
use crate::api::envelope::Failed;
use crate::api::pairs::pairs;
use crate::api::request::{
    FieldType, MAX_TEXT_LEN, NonBlank, PLAIN, Required, one_of, plain, request, string,
};
use crate::api::{Error, State};
use crate::control::guesses::{Guess, Secret};
use crate::control::{ControlError, device, session};
use crate::domain::Refusal;

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// The parameters of the link that the device shows.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Link {
    /// The code to fill in.
    #[param(required = false)]
    pub user_code: String,
}

request! {
    /// The form's fields.
    pub struct DeviceForm {
        /// The code shown on the device.
        user_code: Required<NonBlank> = "WDJB-MJHT",
        /// The user's email.
        email: Required<NonBlank>,
        /// The user's password.
        password: Required<EnteredPassword>,
        decision: Required<Decision>,
    }
}

/// A password that is not empty.
pub(in crate::api) struct EnteredPassword(String);

pub(in crate::api) struct Decision {
    approve: bool,
}

/// Shows the form.
#[utoipa::path(
    get,
    path = "/device",
    params(Link),
    responses((status = 200, description = "The form", body = String, content_type = "text/html"))
)]
pub async fn show(RawQuery(query): RawQuery) -> Response {
    // Without a readable code, the person types it.
    let pairs = pairs(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let code = pairs.iter().find(|(name, _)| name == "user_code");
    page(StatusCode::OK, None, Some(form(code.map_or("", |(_, code)| code), "")))
}

/// Approves or denies a login.
#[utoipa::path(
    post,
    path = "/device",
    request_body(content = DeviceForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Decided", body = String, content_type = "text/html"),
        (status = 400, description = "A field is missing or invalid", body = String, content_type = "text/html"),
        (status = 403, description = "A page of another site sent the form", body = Failed),
        (status = 401, description = "Wrong email or password", body = String, content_type = "text/html"),
        (status = 404, description = "No such code is pending", body = String, content_type = "text/html"),
        (status = 429, description = "Too many wrong attempts", body = String, content_type = "text/html"),
    )
)]
pub async fn decide(
    extract::State(state): extract::State<State>,
    extensions: Extensions,
    headers: HeaderMap,
    request: Result<FormOrJson<DeviceForm>, OAuthError>,
) -> Result<Response, Error> {
    let Ok(FormOrJson(request)) = request else {
        return Ok(page(StatusCode::BAD_REQUEST, Some("The form is invalid."), Some(form("", ""))));
    };
    let text = |field: Result<NonBlank, Refusal>| field.map(|text| text.0);
    let (code, email) = (text(request.user_code()), text(request.email()));
    let entered = |field: &Result<String, Refusal>| field.clone().unwrap_or_default();
    let retry = |status, message: &str| {
        Ok(page(status, Some(message), Some(form(&entered(&code), &entered(&email)))))
    };
    let Ok(Decision { approve }) = request.decision() else {
        return retry(StatusCode::BAD_REQUEST, "Choose Approve or Deny.");
    };
    let (Ok(code), Ok(email), Ok(password)) = (&code, &email, request.password()) else {
        return retry(StatusCode::BAD_REQUEST, "Enter the code, your email and your password.");
    };
    let address = client_address(&extensions, &headers, &state);
    let now = state.clock.now();
    let guess = Guess { secret: Secret::Password { email: email.clone() }, address, now };
    let too_many =
        |refusal: Refusal| retry(StatusCode::TOO_MANY_REQUESTS, &format!("Too many attempts. {refusal}."));
    let attempt = match state.guesses.begin(guess, &state.store, &state.random).await {
        Ok(attempt) => attempt,
        Err(ControlError::Refused(refusal)) => return too_many(refusal),
        Err(failure) => return Err(failure.into()),
    };
    let decided = match session::login(&state.store, email.clone(), password.0).await {
        // A wrong code of somebody who knows the password counts as a guess as well.
        Ok(user) => {
            let code = code.clone();
            attempt.settle_in(move |tx| device::decide(tx, (&user.id, now), &code, approve, now)).await
        }
        refused => attempt.settle(refused.map(drop)).await,
    };
    match decided {
        Ok(()) if approve => Ok(page(StatusCode::OK, Some("Approved. You can return to your device."), None)),
        Ok(()) => Ok(page(StatusCode::OK, Some("Denied. The device was not logged in."), None)),
        Err(ControlError::Refused(Refusal::NotFound(_))) => retry(
            StatusCode::NOT_FOUND,
            "This code is not pending: it was mistyped, has expired, or was already used.",
        ),
        Err(ControlError::Refused(refusal @ Refusal::RateLimited { .. })) => too_many(refusal),
        Err(ControlError::Refused(_)) => retry(StatusCode::UNAUTHORIZED, "Wrong email or password."),
        Err(failure) => Err(failure.into()),
    }
}

impl FieldType for EnteredPassword {
    const BLANK_IS_MISSING: bool = false;

    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        let password = plain(field, value)?;
        if password.is_empty() { Err(Refusal::MissingField(field)) } else { Ok(Self(password)) }
    }

    fn schema() -> Schema {
        string(PLAIN, 1, MAX_TEXT_LEN).into()
    }
}

impl FieldType for Decision {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        match plain(field, value)?.as_str() {
            "approve" => Ok(Self { approve: true }),
            "deny" => Ok(Self { approve: false }),
            _ => Err(Refusal::invalid(format!("{field} must be \"approve\" or \"deny\""))),
        }
    }

    fn schema() -> Schema {
        one_of(["approve", "deny"])
    }
}

fn form(code: &str, email: &str) -> Markup {
    // Relative, because a public URL may have a path.
    html! {
        form method="post" action="device" {
            label.field {
                "Code shown on the device"
                input.code name="user_code" value=(code) autocomplete="off" autocapitalize="characters"
                    spellcheck="false" placeholder="WDJB-MJHT" required;
            }
            label.field {
                "Email"
                input name="email" type="email" value=(email) autocomplete="username" required;
            }
            label.field {
                "Password"
                input name="password" type="password" autocomplete="current-password" required;
            }
            p { small { "Approve only a login that you started yourself, on a device that shows this code." } }
            div.buttons {
                button.primary name="decision" value="approve" { "Approve" }
                button name="decision" value="deny" { "Deny" }
            }
        }
    }
}

fn page(status: StatusCode, message: Option<&str>, form: Option<Markup>) -> Response {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Approve a device · QuickZTNA" }
                meta name="color-scheme" content="light dark";
                // The dashboard's, by paths that are relative for the same reason as the form's.
                link rel="icon" type="image/svg+xml" href="assets/logo.svg";
                link rel="stylesheet" href="assets/dashboard.css";
            }
            body {
                main.bare {
                    span.brand { img src="assets/logo.svg" alt="" width="24" height="24"; "QuickZTNA" }
                    div.card {
                        h1 { "Approve a device" }
                        @if let Some(message) = message {
                            p.notice role="status" { (message) }
                        }
                        @if let Some(form) = form {
                            (form)
                        }
                    }
                }
            }
        }
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::CACHE_CONTROL, "no-store"),
        // With `no-referrer`, browsers would hide the origin of the form's own request.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, Html(markup.into_string())).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entered_text_is_escaped() {
        let form = form("\"><script>alert('x')</script>&", "a\"b").into_string();
        assert!(!form.contains("<script"), "{form}");
        assert!(form.contains("value=\"&quot;&gt;&lt;script&gt;alert('x')&lt;/script&gt;&amp;\""), "{form}");
        assert!(form.contains("value=\"a&quot;b\""), "{form}");
    }
}
