//! A target whose reads lag: it lists what there was some time ago.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::foreign::proxy::{Asked, Bend};
use crate::foreign::target::Foreign;

const LAG: Duration = Duration::from_millis(400);
const SETTLES: &str = "[timeouts]\nsettle = \"1400ms\"\n";
/// Longer than a sub-test that does not wait for it.
const LONG_LAG: Duration = Duration::from_secs(30);

/// Sub-tests that look at what there is, at what there is not, and at counts that must not have grown.
const LOOKING: &str = "generate/ST1, generate/ST5, used-count/ST3-http, used-count/ST4-http, api-key/ST5-http, issuing/revoke, \
                       issuing/disconnect";

const TABLES: [&str; 3] = ["auth_keys", "api_keys", "machines"];

/// All rows of a table.
type Rows = Vec<Value>;

/// All tables at some time.
struct State {
    at: Instant,
    tables: BTreeMap<&'static str, Rows>,
}

/// The states of the last seconds, oldest first.
struct Past {
    lag: Duration,
    base_url: String,
    /// An organisation, and the session of a person who lists what it has.
    sessions: [(String, String); 2],
    client: reqwest::Client,
    states: Mutex<VecDeque<State>>,
}

impl Past {
    fn begin(ready: &Value, lag: Duration) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let sessions = [("org_id", "admin"), ("other_org_id", "outsider")];
        let sessions = sessions.map(|(org, person)| (text(&ready[org]), text(&ready[person]["token"])));
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Nothing is there yet.
        let initial = State { at: Instant::now(), tables: TABLES.map(|table| (table, Rows::new())).into() };
        Self {
            lag,
            base_url: text(&ready["base_url"]),
            sessions,
            client: reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap(),
            states: Mutex::new(VecDeque::from([initial])),
        }
    }

    /// Adds the tables as they are after a request that may change them, whose answer waits for it. So the lag is exact, however slow this is.
    fn record(&self) {
        let at = Instant::now();
        let tables = TABLES.map(|table| (table, Handle::current().block_on(self.read(table))));
        let mut states = self.states.lock().unwrap();
        let place = states.partition_point(|state| state.at < at);
        states.insert(place, State { at, tables: tables.into() });
    }

    async fn read(&self, table: &str) -> Rows {
        let mut rows = Rows::new();
        for (org, token) in &self.sessions {
            let url = format!("{}/api/db/{table}?org_id={org}", self.base_url);
            let answer = self.client.get(url).bearer_auth(token).send().await.unwrap();
            rows.extend(
                answer.json::<Value>().await.unwrap()["data"].as_array().cloned().unwrap_or_default(),
            );
        }
        rows
    }

    /// The rows of a table as they were, filtered as asked.
    fn rows(&self, table: &str, filters: &[(String, String)]) -> Rows {
        let mut past = self.states.lock().unwrap();
        while past.get(1).is_some_and(|next| next.at.elapsed() > self.lag) {
            past.pop_front();
        }
        let tables = &past.front().unwrap().tables;
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let matches = |row: &&Value| {
            filters.iter().all(|(column, value)| row.get(column).is_none_or(|found| text(found) == *value))
        };
        tables[table].iter().filter(matches).cloned().collect()
    }

    /// The response to a read that the reference has granted.
    fn answer(&self, asked: &Asked, response: &mut Value) {
        let Some(table) = listed(asked).filter(|_| response["data"].is_array()) else { return };
        let query = asked.target.split_once('?').map_or("", |(_, query)| query);
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let is_filter = |(column, value): &&(String, String)| column == "org_id" || value.starts_with("eq.");
        let bare = |(column, value): &(String, String)| {
            (column.clone(), value.strip_prefix("eq.").unwrap_or(value).to_owned())
        };
        let mut rows = self.rows(table, &pairs.iter().filter(is_filter).map(bare).collect::<Vec<_>>());
        if let Some((_, columns)) = pairs.iter().find(|(column, value)| column == "select" && value != "*") {
            let columns: Vec<&str> = columns.split(',').collect();
            for row in &mut rows {
                row.as_object_mut().unwrap().retain(|column, _| columns.contains(&column.as_str()));
            }
        }
        response["data"] = json!(rows);
    }
}

/// The table that a request reads.
fn listed(asked: &Asked) -> Option<&'static str> {
    let is_listed = |table: &&str| asked.path() == format!("/api/db/{table}");
    TABLES.into_iter().find(is_listed).filter(|_| asked.method == "GET")
}

fn lagging(flags: &[&str], lag: Duration) -> Foreign {
    Foreign::start_with(flags, |ready| {
        let past = Arc::new(Past::begin(ready, lag));
        let recording = Arc::clone(&past);
        Bend {
            response: Box::new(move |asked, response| past.answer(asked, response)),
            passed: Box::new(move |asked| {
                if asked.method != "GET" {
                    recording.record();
                }
            }),
            ..Bend::default()
        }
    })
}

#[test]
fn what_lags_as_the_profile_says_neither_fails_nor_passes() {
    let target = lagging(&[], LAG);
    // Judged again from the bundle, without the target.
    let run = target.judge_and_verify(SETTLES, &["--filter", LOOKING]);
    assert_eq!(run.code, 0, "{run}");
    assert!(run.statements("violated").is_empty(), "{run}");
    assert_eq!(run.subtests("error").len() + run.subtests("skip").len(), 0, "{run}");
    assert_eq!(run.results["leftovers"], json!(null), "{run}");

    // Without the setting, the lag looks like missing rows.
    let unsettled = target.judge("", &["--filter", "generate/ST1, used-count/ST4-http"]);
    assert_eq!(unsettled.code, 1, "{unsettled}");
}

#[test]
fn what_is_there_against_the_documents_is_seen_although_reads_lag() {
    for (deviation, filter, statement) in [
        ("refused-yet-stored", "generate/ST5", "generate/ST5.4"),
        ("tag-refusal-uses-the-key-up", "generate/ST3", "generate/ST3.2"),
    ] {
        let flags = ["--deviation", deviation];
        let target = lagging(&flags, LAG);
        if deviation == "refused-yet-stored" {
            // What was stored is not listed yet when a hasty look finds nothing.
            let hasty = lagging(&flags, LONG_LAG).judge("", &["--filter", filter]);
            assert_eq!(hasty.statement(statement), "verified", "{deviation}: {hasty}");
        }
        let run = target.judge(SETTLES, &["--filter", filter]);
        assert_eq!(run.code, 1, "{deviation}: {run}");
        assert_eq!(run.statement(statement), "violated", "{deviation}: {run}");
    }
}

#[test]
fn a_lag_beyond_the_setting_is_no_verdict() {
    let target = lagging(&[], LAG);
    let run = target.judge("[timeouts]\nsettle = \"200ms\"\n", &["--filter", "generate/ST1"]);
    assert_eq!(run.code, 3, "{run}");
    assert!(run.text.contains("which is more than timeouts.settle = 200ms"), "{run}");
    assert!(run.text.contains("raise timeouts.settle in the profile"), "{run}");
}
