//! Targets that are down, broken, in between, or no target at all: each is told with the setting to change, the right
//! exit code, and the reports of what ran.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test may end like this")]
#![allow(clippy::type_complexity, reason = "a table of cases says what its columns are")]

mod server;
#[path = "../support"]
mod support {
    pub(crate) mod program;
}

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use server::{Answer, Asked, Server, fixture, right, tls};
use support::program::harness;
use tempfile::TempDir;

const TOKEN: &str = "a-session-of-the-admin-0123456789";

/// A finished run.
struct Run {
    code: i32,
    /// Both outputs, in one line each paragraph.
    told: String,
    results: Value,
    took: Duration,
}

/// Judges what answers there by ST1 (a write, then a read), with more in the profile.
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
    let begun = Instant::now();
    let output = command.output().unwrap();
    let took = begun.elapsed();
    let told =
        format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // Broken lines are joined: what is told is looked for, not where a line ends.
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(!told.contains(TOKEN), "the token is told: {told}");
    let results = std::fs::read_to_string(results).ok().and_then(|text| serde_json::from_str(&text).ok());
    Run { code: output.status.code().unwrap_or(-1), told, results: results.unwrap_or_default(), took }
}

impl Run {
    #[track_caller]
    fn ends(&self, case: &str, code: i32, told: &[&str]) {
        assert_eq!(self.code, code, "{case}: {}", self.told);
        for told in told {
            assert!(self.told.contains(told), "{case}: {told} is missing: {}", self.told);
        }
        assert_eq!(self.results["exit_code"], code, "{case}: no report of what ran");
        assert_eq!(self.results["subtests"][0]["id"], "keys/ST1", "{case}: {}", self.results);
    }
}

#[test]
fn a_target_that_is_down_is_told_at_once() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let run = judge(&format!("http://127.0.0.1:{port}"), "");
    run.ends("down", 3, &["is unreachable", "is the target running? check base_url in"]);
    let timed: u64 = run.results["duration_ms"].as_u64().unwrap();
    assert!(timed < 1000, "{timed} ms, {:?} with the program's start", run.took);
}

#[test]
fn a_connection_that_cannot_be_secured_names_the_setting() {
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
            assert_eq!(run.code, 2, "{case}: {}", run.told);
            assert!(told.iter().all(|told| run.told.contains(told)), "{case}: {}", run.told);
        } else {
            run.ends(case, code, told);
        }
    }
}

#[test]
fn http_2_is_offered_over_tls() {
    let mut config = tls("server", false);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let server = Server::secure(config, right);
    // The server speaks no HTTP/2 in truth: that it was chosen is what matters.
    let ca = format!("[tls]\nca = \"{}\"\n", fixture("authority.pem").display());
    judge(&server.base_url, &ca).ends("HTTP/2", 3, &[]);
    assert_eq!(server.protocols().first().map(Vec::as_slice), Some(b"h2".as_slice()));
}

#[test]
fn a_wrong_scheme_names_base_url() {
    let plain = Server::start(right);
    let run = judge(&plain.base_url.replace("http:", "https:"), "");
    run.ends("https to http", 3, &["does not speak TLS", "check the scheme and the port of base_url in"]);
    let secure = Server::secure(tls("server", false), right);
    let run = judge(&secure.base_url.replace("https:", "http:"), "");
    run.ends("http to https", 3, &["is unreachable", "base_url in"]);
}

#[test]
fn what_stands_in_between_is_told_of_a_failed_check() {
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
        run.ends(case, 1, told);
        assert_eq!(run.results["retries"], 0, "{case}: a status is never asked again");
    }
}

#[test]
fn a_base_url_that_moved_is_told_before_anything_runs() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/healthz" => Answer::Whole(301, "text/plain", "https://mesh.example/base/healthz".to_owned()),
        _ => right(asked),
    });
    let run = judge(&server.base_url, "");
    run.ends(
        "moved",
        3,
        &["redirects to https://mesh.example/base set base_url = \"https://mesh.example/base\" in"],
    );
    assert_eq!(server.times("POST", "/api/keys"), 0);
}

#[test]
fn reads_are_repeated_when_the_connection_fails_and_writes_never_are() {
    let cut = |wanted: &'static str, times: usize| {
        Server::start(move |asked| {
            let is_cut = asked.path == wanted && asked.before < times;
            if is_cut { Answer::Cut } else { right(asked) }
        })
    };
    let once = cut("/api/db/keys", 1);
    let run = judge(&once.base_url, "");
    run.ends("a read cut once", 0, &["1 read was retried after a connection failure"]);
    assert_eq!((run.results["retries"].as_u64(), once.times("GET", "/api/db/keys")), (Some(1), 2));

    let always = cut("/api/db/keys", usize::MAX);
    let run = judge(&always.base_url, "");
    run.ends("a read cut always", 3, &["the response was truncated", "is there a proxy in between"]);
    assert_eq!((run.results["retries"].as_u64(), always.times("GET", "/api/db/keys")), (Some(2), 3));
    assert_eq!(run.results["totals"]["checks"]["fail"], 0, "{}", run.told);

    let write = cut("/api/keys", usize::MAX);
    let run = judge(&write.base_url, "");
    run.ends("a write cut", 3, &["the response was truncated"]);
    assert_eq!((run.results["retries"].as_u64(), write.times("POST", "/api/keys")), (Some(0), 1));
}

#[test]
fn too_much_and_too_slow_name_their_limits() {
    let long = Server::start(|asked| match asked.path.as_str() {
        "/api/db/keys" => Answer::Long(10 * 1024 * 1024),
        _ => right(asked),
    });
    let run = judge(&long.base_url, "");
    run.ends("10 MB", 3, &["more than 4194304 bytes", "raise limits.answer_bytes in"]);
    let run = judge(&long.base_url, "[limits]\nanswer_bytes = 20000000\n");
    run.ends("10 MB, allowed", 1, &[]);

    let slow = Server::start(|asked| match asked.path.as_str() {
        "/api/db/keys" => Answer::Silence,
        _ => right(asked),
    });
    let run = judge(&slow.base_url, "[timeouts]\nrequest = \"300ms\"\n");
    run.ends("slow", 3, &["timed out waiting for the response after 0.3 s", "raise timeouts.request in"]);
    assert_eq!(slow.times("GET", "/api/db/keys"), 1, "what is slow is not asked again");
    let run = judge(&slow.base_url, "[timeouts]\nsubtest = \"500ms\"\n");
    run.ends("stuck", 3, &["timed out after 500ms", "timeouts.subtest"]);
}

/// Accepts the first token for one request, and then the second.
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
fn a_token_that_expires_half_way_is_renewed_where_it_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let script = "[ -e used ] && echo second || { touch used; echo first; }";
    let script = format!("cd {} && {script}", folder.path().display());
    let command = format!("[tokens]\nadmin = {{ command = 'sh -c \"{script}\"' }}\n");
    let server = expiring();
    let run = judge_in(&folder, &server.base_url, &command);
    run.ends("a command", 0, &[]);
    assert_eq!(server.times("POST", "/api/keys"), 1, "the write that was accepted is not sent again");

    let fixed = judge(&expiring().base_url, "[tokens]\nadmin = \"first\"\n");
    fixed.ends("a fixed token", 3, &["refused with 401 and cannot be renewed", "tokens.admin in"]);
    assert_eq!(fixed.results["totals"]["checks"]["fail"], 0, "it says nothing against the target");

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "first\n").unwrap();
    let file = judge_in(&folder, &expiring().base_url, "[tokens]\nadmin = { file = \"token\" }\n");
    file.ends("a file", 3, &["its source still returns the same token"]);
}

#[test]
fn a_401_of_the_targets_own_is_judged() {
    let server = Server::start(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/api/keys") => Answer::Whole(401, "application/json", "{}".to_owned()),
        _ => right(asked),
    });
    let run = judge(&server.base_url, "");
    run.ends("its own 401", 1, &["status: expected 201, got 401"]);
}

#[test]
fn a_command_that_fails_is_told_once() {
    let server = Server::start(right);
    let run = judge(&server.base_url, "[tokens]\nadmin = { command = \"sh -c 'exit 7'\" }\n");
    run.ends("a command", 3, &["`sh` failed (exit status: 7)", "check tokens.admin in"]);
    assert_eq!(run.told.matches("`sh` failed").count(), 1, "{}", run.told);
}

#[test]
fn limits_are_kept_by_all_together() {
    let server = Server::start(right);
    let run = judge(&server.base_url, "[limits]\nrequests_per_second = 5\nconcurrency = 1\n");
    run.ends("limits", 0, &[]);
    // A greeting, three of the sub-test and three of the last look: six pauses at least.
    assert!(run.took > Duration::from_millis(1000), "{:?}", run.took);
}

#[test]
fn pointers_lead_to_what_no_document_describes() {
    let elsewhere = |asked: &Asked| match asked.path.as_str() {
        "/api/db/keys" => {
            Answer::Whole(200, "application/json", r#"{"result":{"items":[{"used_count":0}]}}"#.to_owned())
        }
        _ => right(asked),
    };
    let server = Server::start(elsewhere);
    judge(&server.base_url, "").ends("without", 1, &["there are no rows in"]);
    judge(&server.base_url, "[pointers]\nrows = \"/result/items\"\n").ends("with", 0, &[]);
}
