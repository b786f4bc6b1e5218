//! A finished run of the program.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Both outputs on one line, so that a search does not depend on where lines are wrapped.
    pub(crate) text: String,
    /// `results.json` of the folder; null if there is none.
    pub(crate) results: Value,
    /// `junit.xml` of the folder; empty if there is none.
    pub(crate) junit: String,
    pub(crate) took: Duration,
}

impl Run {
    /// Runs the program to its end. It is expected to write its reports into `folder`.
    pub(crate) fn of(command: &mut Command, folder: &Path) -> Self {
        let begun = Instant::now();
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Self::new(output.status.code(), stdout, stderr, begun.elapsed(), folder)
    }

    /// Reads what a program left that was started before, with its standard output piped.
    pub(crate) fn read(folder: &Path, code: Option<i32>, child: &mut Child) -> Self {
        let mut stdout = String::new();
        child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        Self::new(code, stdout, String::new(), Duration::ZERO, folder)
    }

    fn new(code: Option<i32>, stdout: String, stderr: String, took: Duration, folder: &Path) -> Self {
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap_or_default();
        let text = format!("{stdout}\n{stderr}").split_whitespace().collect::<Vec<_>>().join(" ");
        let results = serde_json::from_str(&read("results.json")).unwrap_or_default();
        Self { code: code.unwrap_or(-1), stdout, stderr, text, results, junit: read("junit.xml"), took }
    }

    pub(crate) fn verdict(&self, subtest: &str) -> &str {
        self.of_subtest(subtest, "verdict")
    }

    pub(crate) fn reason(&self, subtest: &str) -> &str {
        self.of_subtest(subtest, "reason")
    }

    pub(crate) fn statement(&self, id: &str) -> &str {
        let requirements = self.results["requirements"].as_array().unwrap();
        requirements.iter().find(|of| of["id"] == id).unwrap()["verdict"].as_str().unwrap()
    }

    /// The statements of the failed checks of a sub-test.
    pub(crate) fn failed_statements(&self, subtest: &str) -> BTreeSet<String> {
        let subtests = self.results["subtests"].as_array().into_iter().flatten();
        let checks =
            subtests.filter(|of| of["id"] == subtest).flat_map(|of| of["checks"].as_array().unwrap());
        checks
            .filter(|check| check["verdict"] == "fail")
            .flat_map(|check| check["requirements"].as_array().unwrap())
            .map(|id| id.as_str().unwrap().to_owned())
            .collect()
    }

    /// The statements with this verdict.
    pub(crate) fn statements(&self, verdict: &str) -> BTreeSet<String> {
        self.ids("requirements", verdict)
    }

    /// The sub-tests with this verdict.
    pub(crate) fn subtests(&self, verdict: &str) -> BTreeSet<String> {
        self.ids("subtests", verdict)
    }

    fn ids(&self, of: &str, verdict: &str) -> BTreeSet<String> {
        let all = self.results[of].as_array().into_iter().flatten();
        all.filter(|found| found["verdict"] == verdict)
            .filter_map(|found| found["id"].as_str().map(str::to_owned))
            .collect()
    }

    /// A field of every check of the first sub-test.
    pub(crate) fn checks(&self, field: &str) -> Vec<&str> {
        let checks = self.results["subtests"][0]["checks"].as_array();
        let checks = checks.unwrap_or_else(|| panic!("no results: {self}"));
        checks.iter().map(|check| check[field].as_str().unwrap()).collect()
    }

    fn of_subtest(&self, id: &str, field: &str) -> &str {
        let subtests = self.results["subtests"].as_array().unwrap_or_else(|| panic!("no results: {self}"));
        let subtest =
            subtests.iter().find(|subtest| subtest["id"] == id).unwrap_or_else(|| panic!("no {id}"));
        subtest[field].as_str().unwrap_or_default()
    }
}

impl fmt::Display for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "exit {}\n{}\n{}", self.code, self.stdout, self.stderr)
    }
}
