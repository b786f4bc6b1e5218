//! What a page requests and prints, from the driver's log.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use harness_model::check::evidence::PageRequest;
use serde_json::Value;

/// Kinds of requests that stay open by design.
const STREAMS: [&str; 3] = ["EventSource", "WebSocket", "Ping"];
/// Lines kept of the console.
const MAX_CONSOLE_LINES: usize = 50;
/// What Chromium reports of requests that it gave up because of its host.
const NETWORK_CHANGED: &str = "net::ERR_NETWORK_CHANGED";
/// Requests kept of a step.
const MAX_REQUESTS: usize = 500;

/// The paths of reads that wait for news, as all browsers of a run know them: from the target, or since they were open for
/// long once.
pub(super) type LongPolls = Arc<Mutex<BTreeSet<String>>>;

/// The requests and the console of a browser since the step began.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    long_polls: LongPolls,
    requests: Vec<Observed>,
    console: Vec<String>,
    date: Option<String>,
    is_cut_short: bool,
}

/// What a page has requested and printed.
#[derive(Debug)]
pub struct Seen {
    pub requests: Vec<PageRequest>,
    pub console: Vec<String>,
    /// The `Date` of the last response.
    pub date: Option<String>,
}

#[derive(Debug)]
struct Observed {
    id: String,
    request: PageRequest,
    is_stream: bool,
    is_done: bool,
    since: Instant,
}

impl Traffic {
    pub(super) fn new(long_polls: LongPolls) -> Self {
        Self { long_polls, ..Self::default() }
    }

    pub(super) fn expect_long_polls(&mut self, paths: &[String]) {
        let mut known = self.long_polls.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(paths.iter().map(|path| path.trim_start_matches('/').to_owned()));
    }

    /// Forgets what is over, as a step begins.
    pub(super) fn begin(&mut self) {
        self.requests.clear();
        self.console.clear();
        self.is_cut_short = false;
    }

    /// Forgets all that was heard of another sub-test's pages.
    pub(super) fn forget(&mut self) {
        self.begin();
        self.date = None;
    }

    /// Whether a request awaits its response that was made less than `patience` ago.
    pub(super) fn is_busy(&self, patience: Duration) -> bool {
        let mut long_polls = self.long_polls.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_busy = false;
        for observed in self.requests.iter().filter(|observed| !observed.is_done && !observed.is_stream) {
            let path = path(&observed.request.url);
            if long_polls.contains(path) {
                continue;
            }
            if observed.since.elapsed() < patience {
                is_busy = true;
            } else if observed.request.method == "GET" {
                long_polls.insert(path.to_owned());
            }
        }
        is_busy
    }

    /// Whether a request of this step, other than a long poll, ended because the network of this host changed.
    pub(super) fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }

    /// Like [`Traffic::is_cut_short`]; forgets it, because the page is loaded again.
    pub(super) fn take_cut_short(&mut self) -> bool {
        std::mem::take(&mut self.is_cut_short)
    }

    pub(super) fn seen(&self) -> Seen {
        Seen {
            requests: self.requests.iter().map(|observed| observed.request.clone()).collect(),
            console: self.console.clone(),
            date: self.date.clone(),
        }
    }

    pub(super) fn hear(&mut self, log: &Value) {
        let entries = log.as_array().map(Vec::as_slice).unwrap_or_default();
        for entry in entries {
            let message = entry.get("message").and_then(Value::as_str).unwrap_or_default();
            let Ok(message) = serde_json::from_str::<Value>(message) else { continue };
            let Some(message) = message.get("message") else { continue };
            let method = message.get("method").and_then(Value::as_str).unwrap_or_default();
            self.event(method, message.get("params").unwrap_or(&Value::Null));
        }
    }

    fn event(&mut self, method: &str, event: &Value) {
        let text =
            |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let id = text("/requestId");
        match method {
            "Network.requestWillBeSent" => {
                let url = text("/request/url");
                if url.starts_with("data:") || url.starts_with("blob:") || self.requests.len() >= MAX_REQUESTS
                {
                    return;
                }
                let body = event.pointer("/request/postData").and_then(Value::as_str).map(str::to_owned);
                let request = PageRequest { method: text("/request/method"), url, body, status: None };
                let is_stream = STREAMS.contains(&text("/type").as_str());
                self.requests.push(Observed {
                    id,
                    request,
                    is_stream,
                    is_done: false,
                    since: Instant::now(),
                });
            }
            "Network.responseReceived" => {
                let status = event.pointer("/response/status").and_then(Value::as_u64);
                let status = status.and_then(|status| u16::try_from(status).ok());
                let headers = event.pointer("/response/headers").and_then(Value::as_object);
                let date = headers.into_iter().flatten().find(|(name, _)| name.eq_ignore_ascii_case("date"));
                if let Some(date) = date.and_then(|(_, value)| value.as_str()) {
                    self.date = Some(date.to_owned());
                }
                let is_stream = text("/response/mimeType") == "text/event-stream";
                if let Some(observed) = self.find(&id) {
                    observed.request.status = status;
                    observed.is_stream |= is_stream;
                }
            }
            "Network.loadingFinished" | "Network.loadingFailed" => {
                let Some(observed) = self.find(&id) else { return };
                observed.is_done = true;
                let (is_stream, path) = (observed.is_stream, path(&observed.request.url).to_owned());
                self.is_cut_short |=
                    text("/errorText") == NETWORK_CHANGED && !is_stream && !self.is_long_poll(&path);
            }
            _ => {}
        }
    }

    /// Takes over what the page printed: errors and warnings.
    pub(super) fn hear_console(&mut self, log: &Value) {
        let entries = log.as_array().map(Vec::as_slice).unwrap_or_default();
        for entry in entries.iter().filter(|entry| entry.get("level").is_some_and(|level| level != "INFO")) {
            let line = entry.get("message").and_then(Value::as_str).unwrap_or_default();
            if self.console.len() < MAX_CONSOLE_LINES && !line.trim().is_empty() {
                self.console.push(line.to_owned());
            }
        }
    }

    fn is_long_poll(&self, path: &str) -> bool {
        self.long_polls.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }

    fn find(&mut self, id: &str) -> Option<&mut Observed> {
        // A redirect has the id of the request before it.
        self.requests.iter_mut().rev().find(|observed| observed.id == id)
    }
}

/// Returns the path of an address without its origin: each sub-test may have one of its own.
fn path(url: &str) -> &str {
    let url = url.split('?').next().unwrap_or_default();
    url.splitn(4, '/').nth(3).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_that_waits_for_news_is_known_or_learnt() {
        let long_polls = LongPolls::default();
        let mut traffic = Traffic::new(Arc::clone(&long_polls));
        let sent = |id: &str, url: &str, method: &str| json!({ "requestId": id, "type": "Fetch", "request": { "url": url, "method": method } });
        traffic.event("Network.requestWillBeSent", &sent("1", "http://t:1/api/changes?since=4", "GET"));
        assert!(traffic.is_busy(Duration::from_secs(60)));
        traffic.expect_long_polls(&["/api/changes".to_owned()]);
        assert!(!traffic.is_busy(Duration::from_secs(60)));

        traffic.event("Network.requestWillBeSent", &sent("2", "http://t:1/news", "GET"));
        traffic.event("Network.requestWillBeSent", &sent("3", "http://t:1/keys", "POST"));
        assert!(traffic.is_busy(Duration::from_secs(60)));
        assert!(!traffic.is_busy(Duration::ZERO), "they are open for too long");
        let known: Vec<_> = long_polls.lock().unwrap().iter().cloned().collect();
        assert_eq!(known, ["api/changes", "news"], "a write is no long poll");
    }
    #[test]
    fn a_request_is_cut_short_by_the_hosts_network_only() {
        let mut traffic = Traffic::default();
        traffic.expect_long_polls(&["/api/changes".to_owned()]);
        let mut fails = |path: &str, kind: &str, why: &str| {
            traffic.begin();
            let request = json!({ "url": format!("http://t:1/{path}"), "method": "GET" });
            let sent = json!({ "requestId": path, "type": kind, "request": request });
            traffic.event("Network.requestWillBeSent", &sent);
            traffic.event("Network.loadingFailed", &json!({ "requestId": path, "errorText": why }));
            traffic.is_cut_short()
        };
        assert!(fails("main.js", "Script", NETWORK_CHANGED));
        assert!(!fails("main.js", "Script", "net::ERR_CONNECTION_REFUSED"), "the target's doing");
        assert!(!fails("api/changes?since=4", "Fetch", NETWORK_CHANGED), "a page repeats it");
        assert!(!fails("events", "EventSource", NETWORK_CHANGED), "a page repeats it");
        assert!(fails("main.js", "Script", NETWORK_CHANGED));
        assert!(traffic.take_cut_short() && !traffic.is_cut_short() && traffic.seen().requests.len() == 1);
    }
}
