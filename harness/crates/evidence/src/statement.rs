//! `statement.json`: the run as an in-toto statement with the test-result predicate, for release gates.

use serde::Serialize;

use super::manifest::FileDigest;
use harness_model::event::SubtestVerdict;
use harness_report::exit_code::Verdict;
use harness_report::extent::Extent;
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

/// An in-toto resource descriptor.
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

/// The statement's subject. The embedded reference is identified by the kit's program; a remote target has no digest
/// and is identified by its recorded responses.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The digest of the kit's program.
    pub program: Option<&'a str>,
    pub exchanges: &'a str,
}

/// Whether the whole was run and nothing waived, so that only what the target does not declare is missing.
fn is_unqualified(extent: &Extent) -> bool {
    !extent.selection && !extent.deviating && extent.waivers == 0
}

/// Renders the statement. The result is `WARNED` if only a part was run or a failure was waived. A waived sub-test is a warned test, one that ended in an error a failed one; skipped
/// sub-tests are omitted.
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
                Verdict::Conformant => "PASSED",
                Verdict::Passed if is_unqualified(&results.extent) => "PASSED",
                Verdict::Passed => "WARNED",
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
