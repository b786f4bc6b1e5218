//! `statement.json`: the run as an in-toto statement with the test-result predicate, for tools that gate releases.

use serde::Serialize;

use super::manifest::FileDigest;
use harness_model::event::SubtestVerdict;
use harness_report::exit_code::Verdict;
use harness_report::results::Results;

/// An in-toto statement, version 1.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Statement<'a> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: Vec<Resource>,
    predicate_type: &'static str,
    predicate: TestResult<'a>,
}

/// A resource by its digest.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    digest: Digest,
}

#[derive(Debug, Serialize)]
struct Digest {
    sha256: String,
}

/// The predicate `https://in-toto.io/attestation/test-result/v0.1`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TestResult<'a> {
    result: &'static str,
    configuration: Vec<Resource>,
    passed_tests: Vec<&'a str>,
    warned_tests: Vec<&'a str>,
    failed_tests: Vec<&'a str>,
}

/// What the statement is about, by its digest. The reference is a part of the kit, so its subject is the program;
/// a target somewhere has no digest, so that its subject is what it answered.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The program's digest, if the target was the reference in it.
    pub program: Option<&'a str>,
    /// The digest of the exchanges.
    pub exchanges: &'a str,
}

/// The statement's text. A sub-test whose failures were waived is a warned test; one that came to no verdict is a
/// failed one; one that was skipped is none.
///
/// # Errors
/// None that the types allow; the library's is passed on.
pub fn render(
    results: &Results,
    subject: Subject<'_>,
    configuration: &[FileDigest],
) -> Result<String, serde_json::Error> {
    let target = &results.target;
    let version = target.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    let embedded = subject.program.filter(|_| target.base_url.is_none());
    let tests = |verdicts: &'static [SubtestVerdict]| {
        let named = results.subtests.iter().filter(|subtest| verdicts.contains(&subtest.verdict));
        named.map(|subtest| subtest.id.as_str()).collect::<Vec<_>>()
    };
    let warned = tests(&[SubtestVerdict::Waived]);
    let statement = Statement {
        kind: "https://in-toto.io/Statement/v1",
        subject: vec![Resource {
            name: format!("{}{version}", target.name),
            uri: target.base_url.clone(),
            digest: Digest { sha256: embedded.unwrap_or(subject.exchanges).to_owned() },
        }],
        predicate_type: "https://in-toto.io/attestation/test-result/v0.1",
        predicate: TestResult {
            result: match results.verdict {
                Verdict::Conformant if warned.is_empty() => "PASSED",
                Verdict::Conformant => "WARNED",
                _ => "FAILED",
            },
            configuration: configuration
                .iter()
                .map(|file| Resource {
                    name: file.path.clone(),
                    uri: None,
                    digest: Digest { sha256: file.sha256.clone() },
                })
                .collect(),
            passed_tests: tests(&[SubtestVerdict::Pass]),
            warned_tests: warned,
            failed_tests: tests(&[SubtestVerdict::Fail, SubtestVerdict::Error]),
        },
    };
    serde_json::to_string_pretty(&statement).map(|text| text + "\n")
}
