//! Answers that may not be the target's own: what a person who wrote the profile has to know about them.

use super::evidence::Exchange;

const LONGEST_TITLE: usize = 60;

/// What is strange about the first strange answer.
pub(super) fn remark(exchanges: &[Exchange]) -> Option<String> {
    exchanges.iter().find_map(strange)
}

fn strange(exchange: &Exchange) -> Option<String> {
    let header = |wanted: &str| {
        let found = exchange.headers.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str())
    };
    if exchange.status == 429 {
        return Some(
            "it asks for patience: if the kit is too fast for it, set limits.requests_per_second".to_owned(),
        );
    }
    if exchange.json.is_some() {
        return None;
    }
    if let (300..400, Some(location)) = (exchange.status, header("location")) {
        return Some(format!(
            "it redirects to {location}, and redirects are not followed: if the target answers there, set base_url to it"
        ));
    }
    if matches!(exchange.status, 502..=504) {
        let server = header("server").map(|server| format!(" ({server})")).unwrap_or_default();
        return Some(format!(
            "it looks like the answer of a gateway{server} rather than of the target: is the target behind it up? \
             set base_url to the target itself if the gateway is no part of it"
        ));
    }
    let start = exchange.body.trim_start().get(..14).unwrap_or(exchange.body.trim_start()).to_lowercase();
    let is_html = start.starts_with("<!doctype html") || start.starts_with("<html");
    is_html.then(|| {
        let title = title(&exchange.body).map(|title| format!(", titled “{title}”")).unwrap_or_default();
        format!(
            "it is an HTML page{title}: does base_url lead to the API, or does a proxy or a login page answer in between?"
        )
    })
}

fn title(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("<title>")?;
    let (title, _) = rest.split_once("</title>")?;
    let title: String = title.trim().chars().take(LONGEST_TITLE).collect();
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn strange_answers_are_told_apart() {
        let page = "\n<!DOCTYPE html><html><head><title> Sign in </title></head></html>";
        let cases = [
            (302, "location", "https://sso.example/", "", "it redirects to https://sso.example/"),
            (502, "server", "nginx", "<html>Bad Gateway</html>", "the answer of a gateway (nginx)"),
            (504, "x", "y", "", "the answer of a gateway rather"),
            (200, "content-type", "text/html", page, "an HTML page, titled “Sign in”"),
            (404, "x", "y", "<HTML></HTML>", "an HTML page:"),
            (503, "x", "y", "{\"error\":{}}", ""),
            (429, "retry-after", "1", "{\"error\":{}}", "set limits.requests_per_second"),
            (400, "x", "y", "no", ""),
            (500, "x", "y", "äääääääääääää", ""),
        ];
        for (status, name, value, body, told) in cases {
            let exchange = Exchange {
                method: "GET".to_owned(),
                url: String::new(),
                request_headers: Vec::new(),
                request_body: None,
                status,
                headers: vec![(name.to_owned(), value.to_owned())],
                json: serde_json::from_str(body).ok(),
                body: body.to_owned(),
                took: Duration::ZERO,
            };
            let remark = remark(&[exchange]).unwrap_or_default();
            assert!(
                remark.contains(told) && remark.is_empty() == told.is_empty(),
                "{status} {body}: {remark}"
            );
        }
    }
}
