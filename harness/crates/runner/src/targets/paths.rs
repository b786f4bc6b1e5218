//! Moves undocumented endpoints to where the target has them, as the profile's `[paths]` say.

use reqwest::Url;

use harness_model::scenario::undocumented::Undocumented;

pub use super::profile::Paths;

/// The documented list of auth keys, a read that the documents (`used-count`) grant to every session of an organisation.
/// No `[paths]` move it, and without a session it does nothing.
pub(crate) const KEY_LIST: &str = "/api/db/auth_keys";
/// The endpoint of logins with a password.
pub(super) const LOGIN: &str = "/api/auth/login";

impl Paths {
    /// Changes the URL of a request to an endpoint that has moved.
    pub fn redirect(&self, base_url: &Url, url: &mut Url) {
        let moved = below(base_url, url).and_then(|path| self.moved().find(|moved| moved.from == path));
        if let Some(moved) = moved {
            let path = format!("{}{}", prefix(base_url), moved.to);
            url.set_path(&path);
        }
    }

    /// Returns the path below the base URL that scenarios use for a request that went to this URL.
    pub fn origin<'u>(&self, base_url: &Url, url: &'u Url) -> &'u str {
        let path = below(base_url, url).unwrap_or(url.path());
        self.moved().find(|moved| moved.to == path).map_or(path, |moved| moved.from)
    }

    fn moved(&self) -> impl Iterator<Item = Moved<'_>> {
        let of = |undocumented: Undocumented| undocumented.path().unwrap_or_default();
        let all = [
            (of(Undocumented::Machines), &self.machines),
            (of(Undocumented::MachineAdmin), &self.machine_admin),
            (of(Undocumented::UserOrgs), &self.user_orgs),
            (of(Undocumented::Heartbeat), &self.heartbeat),
            (of(Undocumented::NetworkMap), &self.network_map),
            (of(Undocumented::Acl), &self.acl),
            (LOGIN, &self.login),
        ];
        all.into_iter().filter_map(|(from, to)| Some(Moved { from, to: to.as_deref()? }))
    }
}

/// An endpoint that is elsewhere.
struct Moved<'p> {
    from: &'static str,
    to: &'p str,
}

/// Returns the path of the base URL without a slash at its end.
fn prefix(base_url: &Url) -> &str {
    base_url.path().trim_end_matches('/')
}

fn below<'u>(base_url: &Url, url: &'u Url) -> Option<&'u str> {
    url.path().strip_prefix(prefix(base_url)).filter(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moved_endpoints_keep_their_query() {
        let to = |path: &str| Some(path.to_owned());
        let paths = Paths { machines: to("/api/v2/devices"), login: to("/sessions"), ..Paths::default() };
        let cases = [
            ("/api/db/machines?org_id=o&name=eq.x", "/api/v2/devices?org_id=o&name=eq.x", "/api/db/machines"),
            ("/api/auth/login", "/sessions", "/api/auth/login"),
            ("/api/db/auth_keys?org_id=o", "/api/db/auth_keys?org_id=o", "/api/db/auth_keys"),
            ("/api/heartbeat", "/api/heartbeat", "/api/heartbeat"),
            ("/api/db/machines/x", "/api/db/machines/x", "/api/db/machines/x"),
        ];
        for base in ["https://x.example", "https://x.example/base", "https://x.example/base/"] {
            let base_url = Url::parse(base).unwrap();
            let base = base.trim_end_matches('/');
            for (asked, sent, origin) in cases {
                let mut url = Url::parse(&format!("{base}{asked}")).unwrap();
                paths.redirect(&base_url, &mut url);
                assert_eq!(url.as_str(), format!("{base}{sent}"));
                assert_eq!(paths.origin(&base_url, &url), origin);
            }
        }
    }
}
