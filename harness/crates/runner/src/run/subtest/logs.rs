//! The logs of the hosts that a failed sub-test had to itself.

use std::time::Duration;

use harness_model::event::HostLog;
use harness_model::secret::Secrets;
use tokio::time::timeout;

use crate::targets::TestEnvironment;

const LIMIT: Duration = Duration::from_secs(5);
/// The last lines say what happened when the check failed.
const MAX_LINES: usize = 200;

/// Returns the ends of all logs that are not empty, without secrets.
pub(super) async fn collect(environment: &TestEnvironment, secrets: &Secrets) -> Vec<HostLog> {
    let logs = timeout(LIMIT, environment.logs()).await.unwrap_or_default();
    let logs = logs.into_iter().filter(|(_, text)| !text.trim().is_empty());
    logs.map(|(host, text)| HostLog { host, text: secrets.conceal(last_lines(&text)) }).collect()
}

fn last_lines(text: &str) -> &str {
    let text = text.trim_end();
    let start = text.rmatch_indices('\n').nth(MAX_LINES - 1).map_or(0, |(at, _)| at + 1);
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_of_a_log_are_kept() {
        let text: String = (1..=300).map(|number| format!("{number}\n")).collect();
        let kept: Vec<&str> = last_lines(&text).lines().collect();
        assert_eq!((kept.len(), kept.first(), kept.last()), (200, Some(&"101"), Some(&"300")));
        assert_eq!(last_lines("a\nb\n"), "a\nb");
        assert_eq!(last_lines(""), "");
    }
}
