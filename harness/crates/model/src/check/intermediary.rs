//! Recognises responses that probably come from a gateway, proxy or login page instead of the target.

use super::evidence::Exchange;
use crate::secret::Secrets;

const MAX_TITLE_LEN: usize = 60;
const MAX_HEADER_LEN: usize = 500;

/// The status of a response to a client that sends too many requests.
pub(super) const TOO_MANY_REQUESTS: u16 = 429;

/// Whether a response with status 429 can be why a check failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RateLimit {
    Harmful,
    /// The check expects it, or found more matching responses than it expects.
    Wanted,
}

/// Returns a hint on a race's refused requests, or else on the first such response.
pub(super) fn hint(exchanges: &[Exchange], limit: RateLimit, secrets: &Secrets) -> Option<String> {
    let of_race = hint_for_race(exchanges).filter(|_| limit == RateLimit::Harmful);
    of_race.or_else(|| exchanges.iter().find_map(|exchange| hint_for(exchange, limit, secrets)))
}

/// A race is a burst at any `limits.requests_per_second`, so that a lower rate does not help.
fn hint_for_race(exchanges: &[Exchange]) -> Option<String> {
    let total = exchanges.len();
    let refused =
        exchanges.iter().filter(|exchange| matches!(exchange.status, TOO_MANY_REQUESTS | 503)).count();
    (total > 1 && refused > 0).then(|| {
        format!(
            "{refused} of the race's {total} requests were answered with 429 or 503; if the target limits requests, let it \
             admit {total} at once (limits.requests_per_second does not spread a race)"
        )
    })
}

fn hint_for(exchange: &Exchange, limit: RateLimit, secrets: &Secrets) -> Option<String> {
    if exchange.status == TOO_MANY_REQUESTS {
        let hint = "the target limits the request rate; if the kit is too fast for it, set limits.requests_per_second";
        return (limit == RateLimit::Harmful).then(|| hint.to_owned());
    }
    if exchange.json().is_some() {
        return None;
    }
    if let (300..400, Some(location)) = (exchange.status, exchange.header("location")) {
        let location = secrets.line(location, MAX_HEADER_LEN);
        return Some(format!(
            "redirected to {location}; redirects are not followed, so set base_url to that address if it is the target"
        ));
    }
    if matches!(exchange.status, 502..=504) {
        let server = exchange
            .header("server")
            .map(|server| format!(" ({})", secrets.line(server, MAX_TITLE_LEN)))
            .unwrap_or_default();
        return Some(format!(
            "the response probably comes from a gateway{server}; check that the target is running, or set base_url to \
             the target itself"
        ));
    }
    let start = exchange.body.trim_start().get(..14).unwrap_or(exchange.body.trim_start()).to_lowercase();
    let is_html = start.starts_with("<!doctype html") || start.starts_with("<html");
    is_html.then(|| {
        let title = title(&exchange.body, secrets).map(|title| format!(", titled “{title}”")).unwrap_or_default();
        format!(
            "the response is an HTML page{title}; check that base_url leads to the API and not to a proxy or a login page"
        )
    })
}

fn title(page: &str, secrets: &Secrets) -> Option<String> {
    let (_, rest) = page.split_once("<title>")?;
    let (title, _) = rest.split_once("</title>")?;
    let title = secrets.line(title, MAX_TITLE_LEN);
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::check::header::Header;

    #[test]
    fn responses_of_intermediaries_are_recognised() {
        let page = "\n<!DOCTYPE html><html><head><title> Sign in </title></head></html>";
        let cases = [
            (302, "location", "https://sso.example/", "", "redirected to https://sso.example/"),
            (502, "server", "nginx", "<html>Bad Gateway</html>", "comes from a gateway (nginx);"),
            (504, "x", "y", "", "comes from a gateway;"),
            (200, "content-type", "text/html", page, "an HTML page, titled “Sign in”"),
            (404, "x", "y", "<HTML></HTML>", "an HTML page;"),
            (503, "x", "y", "{\"error\":{}}", ""),
            (429, "retry-after", "1", "{\"error\":{}}", "set limits.requests_per_second"),
            (400, "x", "y", "no", ""),
            (500, "x", "y", "äääääääääääää", ""),
        ];
        for (status, name, value, body, expected) in cases {
            let exchange = Exchange {
                method: "GET".to_owned(),
                status,
                headers: vec![Header::new(name, value)],
                body: body.to_owned(),
                ..Exchange::default()
            };
            let hint = hint(&[exchange], RateLimit::Harmful, &Secrets::default()).unwrap_or_default();
            assert!(
                hint.contains(expected) && hint.is_empty() == expected.is_empty(),
                "{status} {body}: {hint}"
            );
        }
    }

    #[test]
    fn a_race_that_a_limit_refuses_names_the_burst() {
        let race = |statuses: &[u16]| -> Vec<Exchange> {
            statuses.iter().map(|status| Exchange { status: *status, ..Exchange::default() }).collect()
        };
        let hint = |statuses: &[u16], limit| hint(&race(statuses), limit, &Secrets::default());
        for refused in [429, 503] {
            let told = hint(&[201, refused, refused], RateLimit::Harmful).unwrap_or_default();
            assert!(
                told.starts_with("2 of the race's 3 requests") && told.contains("admit 3 at once"),
                "{told}"
            );
        }
        assert_eq!(hint(&[201, 201, 429], RateLimit::Wanted), None);
        assert_eq!(hint(&[201, 401, 401], RateLimit::Harmful), None);
    }
}
