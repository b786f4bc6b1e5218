//! Targets that are down, broken, behind a gateway or not a target at all: each error names the setting to change, with
//! the right exit code and a report.

mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::program::harness;
use crate::run::Run;
use crate::unused_port::unused_address;

use server::{Answer, Asked, Server, fixture, right, tls};

const TOKEN: &str = "a-session-of-the-admin-0123456789";

/// Judges a server by ST1 (a write, then a read), with additional lines in the profile.
fn judge(base_url: &str, more: &str) -> Run {
    judge_in(&tempfile::tempdir().unwrap(), base_url, more)
}

fn judge_in(folder: &TempDir, base_url: &str, more: &str) -> Run {
    let profile = folder.path().join("target.toml");
    let tokens =
        if more.contains("[tokens]") { "" } else { "[tokens]\nadmin = { env = \"HOSTILE_TOKEN\" }\n" };
    let text = format!("name = \"hostile\"\nbase_url = \"{base_url}\"\norg_id = \"o\"\n{tokens}{more}");
    std::fs::write(&profile, text).unwrap();
    let results = folder.path().join("results.json");
    let mut command = harness();
    let scenarios: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenarios");
    command.env("HOSTILE_TOKEN", TOKEN).env("COLUMNS", "200").arg("--scenarios").arg(scenarios);
    command.arg("--target").arg(&profile).args(["--filter", "keys/ST1"]);
    command.arg("--report").arg(format!("json={}", results.display()));
    let run = Run::of(&mut command, folder.path());
    assert!(!run.text.contains(TOKEN), "the token was printed: {run}");
    run
}

/// Checks the exit code, the texts in the output, and that a report was written all the same.
#[track_caller]
fn assert_ends(run: &Run, case: &str, code: i32, texts: &[&str]) {
    assert_eq!(run.code, code, "{case}: {run}");
    for text in texts {
        assert!(run.text.contains(text), "{case}: {text} is missing: {run}");
    }
    assert_eq!(run.results["exit_code"], code, "{case}: no report was written");
    assert_eq!(run.results["subtests"][0]["id"], "keys/ST1", "{case}: {}", run.results);
}

#[test]
fn a_target_that_is_down_is_reported_at_once() {
    let run = judge(&format!("http://{}", unused_address()), "");
    assert_ends(&run, "down", 3, &["is unreachable", "is the target running? check base_url in"]);
    let timed: u64 = run.results["duration_ms"].as_u64().unwrap();
    assert!(timed < 2500, "{timed} ms, {:?} with the program's start", run.took);
}

#[test]
fn tls_failures_name_the_setting() {
    let ca = |file: &str| format!("[tls]\nca = \"{}\"\n", fixture(file).display());
    let own = ca("authority.pem");
    let client = format!(
        "{own}client_certificate = \"{}\"\nclient_key = \"{}\"\n",
        fixture("client.pem").display(),
        fixture("client.key").display()
    );
    let lenient = format!("{own}check_name = false\n");
    let cases: [(&str, &str, bool, &str, i32, &[&str]); 9] = [
        ("an authority of its own", "server", false, &own, 0, &[]),
        ("with a client certificate", "server", true, &client, 0, &[]),
        ("any name", "elsewhere", false, &lenient, 0, &["the certificate's host name is not checked"]),
        (
            "an unknown authority",
            "server",
            false,
            "",
            3,
            &["was not issued by a trusted authority", "set tls.ca to its file in"],
        ),
        (
            "another authority",
            "server",
            false,
            &ca("another-authority.pem"),
            3,
            &["set tls.ca to its file in"],
        ),
        ("expired", "expired", false, &own, 3, &["has expired", "or check base_url in"]),
        (
            "another name",
            "elsewhere",
            false,
            &own,
            3,
            &["is for a different host name", "the host of base_url"],
        ),
        (
            "no client certificate",
            "server",
            true,
            &own,
            3,
            &["requires a client certificate", "tls.client_certificate"],
        ),
        ("a wrong file", "server", false, &ca("server.key"), 2, &["contains no certificate", "--> ", "ca ="]),
    ];
    for (case, certificate, wants_client, more, code, told) in cases {
        let server = Server::secure(tls(certificate, wants_client), right);
        let run = judge(&server.base_url, more);
        if code == 2 {
            assert_eq!(run.code, 2, "{case}: {}", run.text);
            assert!(told.iter().all(|text| run.text.contains(text)), "{case}: {}", run.text);
        } else {
            assert_ends(&run, case, code, told);
        }
    }
}

#[test]
fn http_2_is_offered_over_tls() {
    let mut config = tls("server", false);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let server = Server::secure(config, right);
    // The server does not implement HTTP/2; only the negotiation matters.
    let ca = format!("[tls]\nca = \"{}\"\n", fixture("authority.pem").display());
    assert_ends(&judge(&server.base_url, &ca), "HTTP/2", 3, &[]);
    assert_eq!(server.protocols().first().map(Vec::as_slice), Some(b"h2".as_slice()));
}

#[test]
fn a_wrong_scheme_names_base_url() {
    let plain = Server::start(right);
    let run = judge(&plain.base_url.replace("http:", "https:"), "");
    assert_ends(
        &run,
        "https to http",
        3,
        &["does not speak TLS", "check the scheme and the port of base_url in"],
    );
    let secure = Server::secure(tls("server", false), right);
    let run = judge(&secure.base_url.replace("https:", "http:"), "");
    assert_ends(&run, "http to https", 3, &["is unreachable", "base_url in"]);
}

#[test]
fn responses_of_a_gateway_are_recognised() {
    let html = "<!doctype html><title>Sign in</title>";
    let whole = |status, kind, body: &str| Answer::Whole(status, kind, body.to_owned());
    type Instead = fn(&Asked) -> bool;
    let everything: Instead = |asked| asked.path.starts_with("/api/");
    let the_list: Instead = |asked| asked.path == "/api/db/keys";
    let cases: [(&str, Instead, u16, &'static str, &str, &[&str]); 5] = [
        (
            "HTML",
            everything,
            200,
            "text/html",
            html,
            &["an HTML page, titled “Sign in”", "check that base_url leads to"],
        ),
        (
            "a redirect",
            everything,
            302,
            "text/plain",
            "https://sso.example/login",
            &["redirected to https://sso.example", "set base_url to that address"],
        ),
        (
            "502",
            the_list,
            502,
            "text/html",
            "<html>Bad Gateway</html>",
            &["comes from a gateway (hostile)", "set base_url"],
        ),
        ("503", the_list, 503, "text/plain", "", &["comes from a gateway (hostile)"]),
        ("504", everything, 504, "text/html", "<html></html>", &["comes from a gateway (hostile)"]),
    ];
    for (case, instead, status, kind, body, told) in cases {
        let body = body.to_owned();
        let server = Server::start(
            move |asked| if instead(asked) { whole(status, kind, &body) } else { right(asked) },
        );
        let run = judge(&server.base_url, "");
        assert_ends(&run, case, 1, told);
        assert_eq!(run.results["retries"], 0, "{case}: a status is never asked again");
    }
}

#[test]
fn a_redirected_base_url_is_reported_before_anything_runs() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/api/db/auth_keys" => {
            Answer::Whole(301, "text/plain", "https://mesh.example/base/api/db/auth_keys".to_owned())
        }
        _ => right(asked),
    });
    let run = judge(&server.base_url, "");
    assert_ends(
        &run,
        "moved",
        3,
        &["redirects to https://mesh.example/base", "set base_url = \"https://mesh.example/base\" in"],
    );
    assert_eq!(server.times("POST", "/api/keys"), 0);
}

#[test]
fn a_server_may_close_the_connection_for_undocumented_paths() {
    let server =
        Server::start(|asked| if asked.path.starts_with("/api/") { right(asked) } else { Answer::Closed });
    assert_ends(&judge(&server.base_url, ""), "closes", 0, &[]);
}

#[test]
fn reads_are_retried_after_a_connection_failure_and_writes_are_not() {
    let cut = |wanted: &'static str, times: usize| {
        Server::start(move |asked| {
            let is_cut = asked.path == wanted && asked.before < times;
            if is_cut { Answer::Cut } else { right(asked) }
        })
    };
    let once = cut("/api/db/keys", 1);
    let run = judge(&once.base_url, "");
    assert_ends(&run, "a read cut once", 0, &["1 read was retried after a connection failure"]);
    assert_eq!((run.results["retries"].as_u64(), once.times("GET", "/api/db/keys")), (Some(1), 2));

    let always = cut("/api/db/keys", usize::MAX);
    let run = judge(&always.base_url, "");
    assert_ends(&run, "a read cut always", 3, &["the response was truncated", "is there a proxy in between"]);
    assert_eq!((run.results["retries"].as_u64(), always.times("GET", "/api/db/keys")), (Some(2), 3));
    assert_eq!(run.results["totals"]["checks"]["fail"], 0, "{}", run.text);

    let write = cut("/api/keys", usize::MAX);
    let run = judge(&write.base_url, "");
    assert_ends(&run, "a write cut", 3, &["the response was truncated"]);
    assert_eq!((run.results["retries"].as_u64(), write.times("POST", "/api/keys")), (Some(0), 1));
}

#[test]
fn large_and_slow_responses_name_their_limits() {
    let long = Server::start(|asked| match asked.path.as_str() {
        "/api/db/keys" => Answer::Long(10 * 1024 * 1024),
        _ => right(asked),
    });
    let run = judge(&long.base_url, "");
    assert_ends(&run, "10 MB", 3, &["more than 4194304 bytes", "raise limits.answer_bytes in"]);
    let run = judge(&long.base_url, "[limits]\nanswer_bytes = 20000000\n");
    assert_ends(&run, "10 MB, allowed", 1, &[]);

    let slow = Server::start(|asked| match asked.path.as_str() {
        "/api/db/keys" => Answer::Silence,
        _ => right(asked),
    });
    let run = judge(&slow.base_url, "[timeouts]\nrequest = \"2s\"\n");
    assert_ends(&run, "slow", 3, &["timed out waiting for the response after ", "raise timeouts.request in"]);
    // The time that it was, a little more than the limit on a busy machine.
    let after = run.text.split("for the response after ").nth(1).and_then(|rest| rest.split(' ').next());
    assert!((2.0..5.0).contains(&after.unwrap().parse::<f64>().unwrap()), "{run}");
    assert_eq!(slow.times("GET", "/api/db/keys"), 1, "what is slow is not asked again");
    let run = judge(&slow.base_url, "[timeouts]\nsubtest = \"500ms\"\n");
    assert_ends(&run, "stuck", 3, &["timed out after 500ms", "timeouts.subtest"]);
}

/// Accepts the first token for one request, and afterwards only the second.
fn expiring() -> Server {
    Server::start(|asked| {
        let refusal = r#"{"success":false,"error":{"code":"UNAUTHORIZED","message":"no"}}"#;
        let is_over = asked.bearer == "first" && (asked.path != "/api/keys" || asked.before > 0);
        match asked.bearer.as_str() {
            "" => right(asked),
            "first" if !is_over => right(asked),
            "second" => right(asked),
            _ => Answer::Whole(401, "application/json", refusal.to_owned()),
        }
    })
}

#[test]
fn an_expired_token_is_renewed_when_possible() {
    let folder = tempfile::tempdir().unwrap();
    let script = "[ -e used ] && echo second || { touch used; echo first; }";
    let script = format!("cd {} && {script}", folder.path().display());
    let command = format!("[tokens]\nadmin = {{ command = 'sh -c \"{script}\"' }}\n");
    let server = expiring();
    let run = judge_in(&folder, &server.base_url, &command);
    assert_ends(&run, "a command", 0, &[]);
    assert_eq!(server.times("POST", "/api/keys"), 1, "the write that was accepted is not sent again");

    let fixed = judge(&expiring().base_url, "[tokens]\nadmin = \"first\"\n");
    assert_ends(&fixed, "a fixed token", 3, &["refused with 401 and cannot be renewed", "tokens.admin in"]);
    assert_eq!(fixed.results["totals"]["checks"]["fail"], 0, "it says nothing against the target");

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "first\n").unwrap();
    let file = judge_in(&folder, &expiring().base_url, "[tokens]\nadmin = { file = \"token\" }\n");
    assert_ends(&file, "a file", 3, &["its source still returns the same token"]);
}

#[test]
fn a_401_of_the_target_itself_is_judged() {
    let server = Server::start(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/api/keys") => Answer::Whole(401, "application/json", "{}".to_owned()),
        _ => right(asked),
    });
    let run = judge(&server.base_url, "");
    assert_ends(&run, "its own 401", 1, &["status: expected 201, got 401"]);
}

#[test]
fn a_failing_token_command_is_reported_once() {
    let server = Server::start(right);
    let run = judge(&server.base_url, "[tokens]\nadmin = { command = \"sh -c 'exit 7'\" }\n");
    assert_ends(&run, "a command", 3, &["`sh` failed (exit status: 7)", "check tokens.admin in"]);
    assert_eq!(run.text.matches("`sh` failed").count(), 1, "{}", run.text);
}

#[test]
fn limits_apply_to_the_whole_run() {
    let server = Server::start(right);
    let run = judge(&server.base_url, "[limits]\nrequests_per_second = 5\nconcurrency = 1\n");
    assert_ends(&run, "limits", 0, &[]);
    // One preflight request, three of the sub-test and three of the final sweep: at least six pauses.
    assert!(run.took > Duration::from_millis(1000), "{:?}", run.took);
}

#[test]
fn pointers_locate_undocumented_fields() {
    let elsewhere = |asked: &Asked| match asked.path.as_str() {
        "/api/db/keys" => {
            Answer::Whole(200, "application/json", r#"{"result":{"items":[{"used_count":0}]}}"#.to_owned())
        }
        _ => right(asked),
    };
    let server = Server::start(elsewhere);
    assert_ends(&judge(&server.base_url, ""), "without", 1, &["there are no rows in"]);
    assert_ends(&judge(&server.base_url, "[pointers]\nrows = \"/result/items\"\n"), "with", 0, &[]);
}
