//! The self-test's report as one page without anything to load.

use std::fmt::Write as _;

use maud::PreEscaped;

use harness_report::html::page;

use super::SelfTest;

/// The page.
pub fn render(report: &SelfTest) -> String {
    let class = if report.passed { "pass" } else { "fail" };
    let verdict = report.words();
    let caught = report.deviations.iter().filter(|tried| tried.missed.is_empty()).count();
    let mut page = format!(
        "<header><p class=kind>QuickZTNA conformance kit: the self-test</p><h1 class={class}>{verdict}</h1>\
         <p>{caught} of {} deviations of the reference are caught.</p></header><main id=content>\n",
        report.deviations.len()
    );
    for line in &report.plain {
        let _ = writeln!(page, "<p class=fail>The plain reference: {}</p>", escaped(line));
    }
    page.push_str("<h2>Statements and the deviations that prove them</h2>\n");
    for (chapter, statements) in report.chapters() {
        let _ = writeln!(page, "<h3>{}</h3><table><tr><th>Statement<th>Proven by", escaped(chapter));
        for statement in statements {
            let by: Vec<String> =
                statement.by.iter().map(|id| format!("<a href=\"#{0}\">{0}</a>", escaped(id))).collect();
            let cell = match (by.as_slice(), &statement.unproven) {
                ([], Some(reason)) => format!("<span class=quiet>{}</span>", escaped(reason)),
                ([], None) => "<span class=fail>nothing that was tried</span>".to_owned(),
                _ => by.join(", "),
            };
            let _ = writeln!(page, "<tr><td><code>{}</code><td>{cell}", escaped(&statement.id));
        }
        page.push_str("</table>\n");
    }
    page.push_str("<h2>Deviations and the checks that fail</h2>\n<table>\n");
    for tried in &report.deviations {
        let class = if tried.missed.is_empty() { "pass" } else { "fail" };
        let word = if tried.missed.is_empty() { "caught" } else { "missed" };
        let _ = write!(
            page,
            "<tr id=\"{0}\"><td><code>{0}</code><br><span class={class}>{word}</span><td>{1}",
            escaped(&tried.id),
            escaped(&tried.wrong)
        );
        for reason in &tried.missed {
            let _ = write!(page, "<br><span class=fail>{}</span>", escaped(reason));
        }
        for (subtest, checks) in &tried.failed {
            let checks: Vec<String> = checks.iter().map(|check| escaped(check)).collect();
            let _ = write!(
                page,
                "<details><summary><code>{}</code>: {} failed</summary>{}</details>",
                escaped(subtest),
                checks.len(),
                checks.join("<br>")
            );
        }
        page.push('\n');
    }
    page.push_str("</table></main>\n");
    page::page(&format!("Self-test: {verdict}"), &PreEscaped(page))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
