//! The self-test's report as one page without anything to load.

use std::fmt::Write as _;

use super::SelfTest;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;\
color:#1b1f24;background:#fff}table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;\
padding:.3rem .6rem;border-bottom:1px solid #d8dee4}code{font-size:.9em}.bad{color:#b3261e;font-weight:600}\
.good{color:#1a7f37;font-weight:600}.none{color:#57606a}@media(prefers-color-scheme:dark){body{color:#e6edf3;\
background:#0d1117}th,td{border-color:#30363d}.none{color:#8d96a0}.bad{color:#ff7b72}.good{color:#3fb950}}";

/// The page.
pub fn render(report: &SelfTest) -> String {
    let class = if report.passed { "good" } else { "bad" };
    let verdict = report.words();
    let caught = report.deviations.iter().filter(|tried| tried.missed.is_empty()).count();
    let mut page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <title>Self-test</title><style>{STYLE}</style><h1>Self-test</h1><p>\
         <span class={class}>{verdict}</span>: {caught} of {} deviations of the reference are caught.</p>\n",
        report.deviations.len()
    );
    for line in &report.plain {
        let _ = writeln!(page, "<p class=bad>The plain reference: {}</p>", escaped(line));
    }
    page.push_str("<h2>Statements and the deviations that prove them</h2>\n");
    for (chapter, statements) in report.chapters() {
        let _ = writeln!(page, "<h3>{}</h3><table><tr><th>Statement<th>Proven by", escaped(chapter));
        for statement in statements {
            let by: Vec<String> =
                statement.by.iter().map(|id| format!("<a href=\"#{0}\">{0}</a>", escaped(id))).collect();
            let cell = match (by.as_slice(), &statement.unproven) {
                ([], Some(reason)) => format!("<span class=none>{}</span>", escaped(reason)),
                ([], None) => "<span class=bad>nothing that was tried</span>".to_owned(),
                _ => by.join(", "),
            };
            let _ = writeln!(page, "<tr><td><code>{}</code><td>{cell}", escaped(&statement.id));
        }
        page.push_str("</table>\n");
    }
    page.push_str("<h2>Deviations and the checks that fail</h2>\n<table>\n");
    for tried in &report.deviations {
        let class = if tried.missed.is_empty() { "good" } else { "bad" };
        let word = if tried.missed.is_empty() { "caught" } else { "missed" };
        let _ = write!(
            page,
            "<tr id=\"{0}\"><td><code>{0}</code><br><span class={class}>{word}</span><td>{1}",
            escaped(&tried.id),
            escaped(&tried.wrong)
        );
        for reason in &tried.missed {
            let _ = write!(page, "<br><span class=bad>{}</span>", escaped(reason));
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
    page.push_str("</table></html>\n");
    page
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
