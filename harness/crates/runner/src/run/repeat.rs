//! Shell commands that repeat a step, with secrets as variables.

use reqwest::Url;

use harness_model::bindings::Bindings;
use harness_model::check::evidence::{Exchange, ProcessResult};
use harness_model::check::header::Header;
use harness_model::scenario::model::Identity;
use harness_model::scenario::template::Binding;
use harness_model::secret::{LearntSecret, Secrets};
use serde_json::Value;

/// A longer body makes the command too long to paste, so it is only described.
const MAX_BODY_LEN: usize = 4000;
/// Shorter kept values are not replaced by variables.
const MIN_VALUE_LEN: usize = 12;

/// Returns a curl command. The base URL of a control plane that ends with the sub-test becomes `$BASE_URL`.
pub(super) fn curl(
    exchange: &Exchange,
    from: Option<&str>,
    secrets: &Secrets,
    private_base: Option<&Url>,
) -> String {
    let mut line = String::from("curl -si");
    if let Some(from) = from {
        line.push_str(&format!(" --interface {from}"));
    }
    if exchange.method != "GET" {
        line.push_str(&format!(" -X {}", exchange.method));
    }
    line.push(' ');
    line.push_str(&url(&exchange.url, secrets, private_base));
    let mut has_type = false;
    for Header { name, value } in &exchange.request_headers {
        has_type |= name == "content-type";
        line.push_str(" -H ");
        line.push_str(&secrets.shell_header(&capitalised(name), value));
    }
    match &exchange.request_body {
        None => {}
        Some(body) if body.len() > MAX_BODY_LEN || body.contains('\0') => {
            line.push_str(&format!(" --data-binary @BODY  # a body of {} bytes", body.len()));
        }
        Some(body) => {
            if !has_type {
                // Otherwise curl declares the body to be a form.
                line.push_str(" -H Content-Type:");
            }
            line.push_str(" --data-raw ");
            line.push_str(&secrets.shell_word(body));
        }
    }
    line
}

/// Returns the agent's command line with its server, or the line of a `shell` step.
pub(super) fn command(
    process: &ProcessResult,
    base_url: &Url,
    secrets: &Secrets,
    is_private: bool,
) -> String {
    let server = if is_private {
        "\"$BASE_URL\"".to_owned()
    } else {
        secrets.shell_word(base_url.as_str().trim_end_matches('/'))
    };
    if process.shell {
        let base_url = base_url.as_str().trim_end_matches('/');
        let line = secrets.shell_line(&process.command);
        return if is_private { line.replace(base_url, "$BASE_URL") } else { line };
    }
    let words = shell_words::split(&process.command).unwrap_or_else(|_| vec![process.command.clone()]);
    let mut line = format!("ZTNA_SERVER={server}");
    for word in words {
        line.push(' ');
        match word.split_once('=') {
            // A quoted assignment would be taken for a command.
            Some((name, value)) if is_variable(name) => {
                line.push_str(&format!("{name}={}", secrets.shell_word(value)));
            }
            _ => line.push_str(&secrets.shell_word(&word)),
        }
    }
    line
}

/// Returns the values that earlier steps kept, with the variables that replace them. Short ones are left as they are:
/// they would be found in other words.
pub(super) fn values(bindings: &Bindings) -> Vec<LearntSecret> {
    let kept = bindings.all_kept().filter_map(|(name, binding)| match binding {
        Binding::Value(Value::String(value)) if value.len() >= MIN_VALUE_LEN => {
            Some(LearntSecret { value: value.clone(), variable: name.to_owned() })
        }
        _ => None,
    });
    kept.collect()
}

/// Returns the command in front of which the reference must be started, since the one that was judged is gone.
pub(super) fn after_serving(line: &str, deviation: Option<&str>) -> String {
    let deviation = deviation.map(|id| format!(" --deviation {id}")).unwrap_or_default();
    format!(
        "harness serve{deviation}  # in another shell: sets the variables; earlier steps give the others\n{line}"
    )
}

fn url(url: &str, secrets: &Secrets, private_base: Option<&Url>) -> String {
    let rest = private_base.and_then(|base| url.strip_prefix(base.as_str().trim_end_matches('/')));
    match rest {
        Some(rest) => format!("\"$BASE_URL\"{}", secrets.shell_word(rest)),
        None => secrets.shell_word(url),
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_')
}

/// Capitalises a header name as the documents do: `Content-Type`.
fn capitalised(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    });
    words.collect::<Vec<_>>().join("-")
}

/// What `harness serve` calls that person's token.
pub(super) fn shell_variable(identity: Identity) -> &'static str {
    match identity {
        Identity::Admin => "TOKEN",
        Identity::Owner => "OWNER_TOKEN",
        Identity::Member => "MEMBER_TOKEN",
        Identity::Outsider => "OUTSIDER_TOKEN",
        Identity::Limited => "LIMITED_TOKEN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_pasted() {
        let base = Url::parse("http://127.0.0.1:4567").unwrap();
        let secrets = Secrets::default();
        secrets.learn("a-session-of-ada", "TOKEN");
        let exchange = Exchange {
            method: "POST".to_owned(),
            url: "http://127.0.0.1:4567/api/x?a=b&c=d".to_owned(),
            request_headers: vec![
                Header::new("content-type", "application/json"),
                Header::new("authorization", "Bearer a-session-of-ada"),
            ],
            request_body: Some(r#"{"name":"it's"}"#.to_owned()),
            status: 201,
            ..Exchange::default()
        };
        assert_eq!(
            curl(&exchange, Some("127.0.0.2"), &secrets, Some(&base)),
            r#"curl -si --interface 127.0.0.2 -X POST "$BASE_URL"'/api/x?a=b&c=d' -H 'Content-Type: application/json' -H "Authorization: Bearer ${TOKEN}" --data-raw '{"name":"it'\''s"}'"#
        );
        let line = ProcessResult {
            command: "curl -fsSL http://127.0.0.1:4567/install.sh | ZTNA_AUTH_KEY=a-session-of-ada sh"
                .to_owned(),
            shell: true,
            ..Default::default()
        };
        assert_eq!(
            command(&line, &base, &secrets, true),
            "curl -fsSL $BASE_URL/install.sh | ZTNA_AUTH_KEY=${TOKEN} sh"
        );
        let process = ProcessResult {
            command: "ZTNA_AUTH_KEY=a-session-of-ada ztna up --hostname Linux-C".to_owned(),
            ..Default::default()
        };
        assert_eq!(
            command(&process, &base, &secrets, true),
            r#"ZTNA_SERVER="$BASE_URL" ZTNA_AUTH_KEY="${TOKEN}" ztna up --hostname Linux-C"#
        );
    }
}
