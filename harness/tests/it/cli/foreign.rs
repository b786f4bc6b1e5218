//! A target that answers with the session in other spellings, and with what terminals and CI servers obey: no output of a
//! run has either.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use harness_model::text::foreign::is_escaped;
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::evidence::bundle::{files, verified};
use crate::run::Run;
use crate::small_target::{SmallTarget, TOKEN, scenarios};

/// Every C0 and C1 control character, DEL, bidirectional controls, characters without width, noncharacters, escape codes,
/// a lone surrogate as JSON has it, and commands of CI servers.
fn obeyed() -> String {
    let controls = (0..0x20).chain(0x7f..0xa0).filter_map(char::from_u32);
    let others = "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{200b}\u{200c}\u{200d}\u{200e}\
                  \u{200f}\u{2028}\u{2029}\u{feff}\u{ad}\u{61c}\u{2060}\u{fffe}\u{ffff}\u{1fffe}\u{e0041}";
    format!(
        "{}{others}\x1b]0;owned\x07\x1b[2K\x1b[1A\rPASS\n  ::error file=a,line=1::forged\n\t::warning::forged\n\
         ##[error]forged\n##vso[task.complete result=Failed]\nok 99 - forged\nBail out!\n\\ud800",
        controls.collect::<String>()
    )
}

/// The spellings of the session, by the words that must not be in any output.
fn spellings() -> Vec<String> {
    let each = |letter: &dyn Fn(u8) -> String| TOKEN.bytes().map(letter).collect::<String>();
    vec![
        TOKEN.to_owned(),
        TOKEN.to_uppercase(),
        TOKEN.replace('-', "%2D"),
        each(&|byte| format!("%{byte:02x}")),
        each(&|byte| format!("\\u{byte:04x}")),
        TOKEN.replace('-', "\\u002D"),
        each(&|byte| format!("&#{byte};")),
        TOKEN.replace('-', "&#x2d;"),
        STANDARD.encode(TOKEN),
        STANDARD_NO_PAD.encode(format!("Bearer {TOKEN}")),
        URL_SAFE.encode(format!("ab{TOKEN}")),
        each(&|byte| format!("{byte:02x}")),
        each(&|byte| format!("{byte:02X}")),
    ]
}

/// Every file below a folder, and the files of bundles.
fn outputs(folder: &Path) -> Vec<(String, String)> {
    let mut outputs = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        if name.ends_with(".zip") {
            let packed = files(&bytes).into_iter();
            outputs.extend(packed.map(|(name, content)| (name, String::from_utf8(content).unwrap())));
        } else if name != "target.toml" {
            outputs.push((name, String::from_utf8(bytes).unwrap()));
        }
    }
    outputs
}

/// Judges a target whose answers are these, with every report and in GitHub Actions.
fn outputs_of(create: ResponseTemplate, list: ResponseTemplate) -> (Run, Vec<(String, String)>) {
    let target = SmallTarget::start(&[("create", create), ("list", list)]);
    let folder = tempfile::tempdir().unwrap();
    let mut command = target.command(&scenarios(), folder.path());
    for (format, file) in [
        ("html", "report.html"),
        ("markdown", "report.md"),
        ("tap", "report.tap"),
        ("badge", "badge.json"),
        ("evidence", "evidence.zip"),
    ] {
        command.arg("--report").arg(format!("{format}={}", folder.path().join(file).display()));
    }
    command.arg("-v").env("GITHUB_ACTIONS", "true");
    command.env("GITHUB_STEP_SUMMARY", folder.path().join("summary.md"));
    let run = Run::of(&mut command, folder.path());
    let mut outputs = outputs(folder.path());
    let verified =
        verified(&std::fs::read(folder.path().join("evidence.zip")).unwrap(), &["--accept-scenarios"]);
    assert_eq!(verified.code, 0, "the bundle holds: {verified:?}");
    outputs.push(("verify".to_owned(), verified.stdout));
    outputs.push(("stdout".to_owned(), run.stdout.clone()));
    outputs.push(("stderr".to_owned(), run.stderr.clone()));
    (run, outputs)
}

#[track_caller]
fn assert_harmless(outputs: &[(String, String)]) {
    assert!(outputs.len() >= 12, "{:?}", outputs.iter().map(|(name, _)| name).collect::<Vec<_>>());
    for (name, text) in outputs {
        let escaped: Vec<char> = text.chars().filter(|letter| is_escaped(*letter)).collect();
        assert!(escaped.is_empty(), "{name} has {escaped:?}");
        let forged = |line: &&str| {
            let line = line.trim_start();
            line.starts_with("::") && line.contains("::forged")
                || line.contains("##[")
                || line.contains("##vso[")
        };
        assert_eq!(text.lines().find(forged), None, "{name}");
        let is_point = |line: &&str| line.starts_with("ok 99") || *line == "Bail out!";
        assert!(name != "report.tap" || text.lines().find(is_point).is_none(), "{text}");
        for spelling in spellings() {
            // A part is as good as the whole.
            let part: String = spelling.chars().take(20).collect();
            assert!(!text.contains(&part), "{name} has {spelling}: {text:.3000}");
        }
    }
}

#[test]
fn no_output_shows_what_is_obeyed_or_the_session() {
    let text = format!("{} {}", obeyed(), spellings().join(" "));
    let create = ResponseTemplate::new(500).set_body_raw(text.clone().into_bytes(), "text/plain");
    let json = json!({ "success": true, "data": [{ "used_count": 3, "name": text, (obeyed()): text }] });
    let list = ResponseTemplate::new(200).set_body_json(json);
    let (run, outputs) = outputs_of(create, list);
    assert_eq!(run.code, 1, "{run}");
    assert_harmless(&outputs);
}

#[test]
fn no_output_shows_the_session_in_a_header_or_by_its_name() {
    let mut create = ResponseTemplate::new(401).set_body_raw(
        format!(
            "{{\"access_token\":\"other-{TOKEN}\",\"password\":12345678,\"deep\":{{\"secret\":[\"short\"]}}}}"
        ),
        "application/json",
    );
    for (name, value) in [
        ("set-cookie", format!("sid={}; Path=/", STANDARD.encode(TOKEN))),
        ("x-session-token", TOKEN.to_uppercase()),
        ("location", format!("/login?next=%2F&token={}", TOKEN.replace('-', "%2d"))),
        ("www-authenticate", format!("Bearer error=\"{TOKEN}\"")),
    ] {
        create = create.insert_header(name, value.as_str());
    }
    let list =
        ResponseTemplate::new(302).insert_header("location", format!("https://sso/?t={TOKEN}").as_str());
    let (run, outputs) = outputs_of(create, list);
    assert_eq!(run.code, 1, "{run}");
    assert_harmless(&outputs);
    for (name, text) in outputs.iter().filter(|(name, _)| name != "exchanges.jsonl") {
        assert!(!text.contains("12345678") && !text.contains("short\\\""), "{name}: {text:.3000}");
    }
}

#[test]
fn a_session_across_a_cut_is_not_shown_in_part() {
    // Messages, values and excerpts are cut at several lengths; the session lies across each of them once.
    for before in [30, 130, 150, 480, 1480, 1990, 3980] {
        let text = format!("{}{TOKEN}{}", ".".repeat(before), " tail".repeat(2000));
        let create = ResponseTemplate::new(500).set_body_raw(text.clone().into_bytes(), "text/plain");
        let page = format!("<html><title>{}{TOKEN}</title>{text}</html>", "x".repeat(before.min(50)));
        let list = ResponseTemplate::new(200).set_body_raw(page.into_bytes(), "text/html");
        let (_, outputs) = outputs_of(create, list);
        for (name, text) in outputs {
            assert!(!text.contains("session-of-"), "{name} after {before}: {text:.2000}");
        }
    }
}
