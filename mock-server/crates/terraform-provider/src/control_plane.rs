//! The control plane, as programs with an API key see it.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode, Url, redirect};
use serde_json::{Value as Json, json};

/// The most rows that one page is asked for.
const PAGE: usize = 500;

#[derive(Debug, Clone)]
pub struct ControlPlane {
    client: Client,
    base: Url,
    api_key: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0:?} is not an address of a control plane\nwrite https://HOST, without a path")]
    Endpoint(String),
    #[error("cannot set up HTTP: {0}")]
    Client(#[source] reqwest::Error),
    #[error("{0} cannot be reached: {1}\nsee that `endpoint` (or QZ_ENDPOINT) names the control plane")]
    Unreachable(Url, String),
    #[error("{code}: {message}{}", way_out(*.status, code))]
    Refused { status: StatusCode, code: String, message: String },
    #[error(
        "the answer ({0}) is not the documented JSON\nsee that `endpoint` names the control plane, not a page before it"
    )]
    Unreadable(StatusCode),
}

fn way_out(status: StatusCode, code: &str) -> &'static str {
    match (status, code) {
        (StatusCode::UNAUTHORIZED, _) => {
            "\nset `api_key` (or QZ_API_KEY) to a key that is neither revoked nor expired"
        }
        (_, "FORBIDDEN" | "INSUFFICIENT_SCOPE") => {
            "\nuse an API key that an admin of the organisation made with the scope admin"
        }
        (StatusCode::TOO_MANY_REQUESTS, _) => "\nrun again in a minute, or with -parallelism=1",
        _ => "",
    }
}

impl ControlPlane {
    /// A client for the control plane at `endpoint`; connects at the first request.
    pub fn new(endpoint: &str, api_key: String, timeout: Duration) -> Result<Self, Error> {
        let base = endpoint_url(endpoint)?;
        // Fails if a provider is already installed, which is equally good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("terraform-provider-quickztna/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            // A redirect would send the API key to another host.
            .redirect(redirect::Policy::none());
        if base.scheme() == "http" {
            // Loading the system's certificates fails where there are none.
            builder = builder.tls_certs_only([]);
        }
        if is_loopback(&base) {
            builder = builder.no_proxy();
        }
        Ok(Self { client: builder.build().map_err(Error::Client)?, base, api_key })
    }

    pub async fn create_auth_key(&self, request: &Json) -> Result<Json, Error> {
        self.data(self.client.post(self.at("api/key-management")).json(request)).await
    }

    /// A key that is already revoked, or that nobody knows, needs no revocation.
    pub async fn revoke_auth_key(&self, org_id: &str, key_id: &str) -> Result<(), Error> {
        let request = json!({ "action": "revoke_auth_key", "org_id": org_id, "key_id": key_id });
        match self.data(self.client.post(self.at("api/key-management")).json(&request)).await {
            Ok(_) | Err(Error::Refused { status: StatusCode::NOT_FOUND | StatusCode::CONFLICT, .. }) => {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// The row of a key, revoked or not; `None` if there is none.
    pub async fn auth_key(&self, org_id: &str, key_id: &str) -> Result<Option<Json>, Error> {
        let query = [("org_id", org_id), ("id", &format!("eq.{key_id}"))];
        let rows = self.rows("auth_keys", &query).await?;
        Ok(rows.into_iter().find(|row| row["id"] == key_id))
    }

    /// Every machine of an organisation, in the order of the ids.
    pub async fn machines(&self, org_id: &str) -> Result<Vec<Json>, Error> {
        let limit = PAGE.to_string();
        let mut machines: Vec<Json> = Vec::new();
        loop {
            let after =
                machines.last().and_then(|machine| machine["id"].as_str()).map(|id| format!("gt.{id}"));
            let mut query = vec![("org_id", org_id), ("order", "id.asc"), ("limit", limit.as_str())];
            query.extend(after.as_deref().map(|after| ("id", after)));
            let page = self.rows("machines", &query).await?;
            let is_last = page.len() < PAGE;
            machines.extend(page);
            if is_last {
                return Ok(machines);
            }
        }
    }

    async fn rows(&self, table: &str, query: &[(&str, &str)]) -> Result<Vec<Json>, Error> {
        let request = self.client.get(self.at(&format!("api/db/{table}"))).query(query);
        match self.data(request).await? {
            Json::Array(rows) => Ok(rows),
            _ => Err(Error::Unreadable(StatusCode::OK)),
        }
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    /// Sends a request and returns the member `data` of the answer, or the answer itself if it is a bare list.
    async fn data(&self, request: RequestBuilder) -> Result<Json, Error> {
        let unreachable = |error: reqwest::Error| Error::Unreachable(self.base.clone(), root_cause(&error));
        let response = request.bearer_auth(&self.api_key).send().await.map_err(unreachable)?;
        let status = response.status();
        let body = response.bytes().await.map_err(unreachable)?;
        let mut answer: Json = serde_json::from_slice(&body).map_err(|_| Error::Unreadable(status))?;
        if status.is_success() {
            return match answer {
                Json::Array(_) => Ok(answer),
                _ => answer.get_mut("data").map(Json::take).ok_or(Error::Unreadable(status)),
            };
        }
        let said = |name: &str| answer["error"][name].as_str().map(str::to_owned);
        let code = said("code").unwrap_or_else(|| status.as_u16().to_string());
        Err(Error::Refused { status, code, message: said("message").unwrap_or_default() })
    }
}

/// Reads the address of a control plane.
pub fn endpoint_url(endpoint: &str) -> Result<Url, Error> {
    let wrong = || Error::Endpoint(endpoint.to_owned());
    let url = Url::parse(endpoint).map_err(|_| wrong())?;
    let is_bare =
        url.path() == "/" && url.query().is_none() && url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || !is_bare {
        return Err(wrong());
    }
    Ok(url)
}

/// Whether what is sent to `url` stays on this host.
pub fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
