//! Secrets that evidence tells: keys in another implementation's format, sessions, cookies.

use crate::check::evidence::{Evidence, Exchange};
use crate::secret::{MIN_SECRET_LEN, Secrets};

impl Secrets {
    /// Adds secrets from the evidence's fields, such as keys in another implementation's format.
    pub fn learn_from(&self, evidence: &Evidence) {
        match evidence {
            Evidence::Http(exchanges) => {
                for exchange in exchanges {
                    exchange.json().iter().for_each(|json| self.learn_fields(json));
                    let sent =
                        exchange.request_body.as_deref().and_then(|body| serde_json::from_str(body).ok());
                    sent.iter().for_each(|json| self.learn_fields(json));
                    self.learn_cookies(exchange);
                }
            }
            Evidence::Process(process) => {
                if let Ok(json) = serde_json::from_str(&process.stdout) {
                    self.learn_fields(&json);
                }
            }
            Evidence::Page(page) => {
                for (name, value) in &page.storage {
                    self.learn_fields(&serde_json::json!({ name: value }));
                }
                let sent = page.requests.iter().filter_map(|request| request.body.as_deref());
                sent.filter_map(|body| serde_json::from_str(body).ok())
                    .for_each(|body| self.learn_fields(&body));
            }
            Evidence::Wire(_) | Evidence::Nothing => {}
        }
    }

    /// A cookie that the target sets may come back in other places, if it is long enough to be a session.
    fn learn_cookies(&self, exchange: &Exchange) {
        let set = exchange.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("set-cookie"));
        let pairs = set.filter_map(|header| header.value.split(';').next()?.split_once('='));
        for (_, value) in pairs.filter(|(_, value)| value.len() >= 2 * MIN_SECRET_LEN) {
            self.learn(value, "COOKIE");
        }
    }
}
