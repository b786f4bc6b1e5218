//! One exchange through the proxy, there and back.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, header};

use crate::deviation::{Deviation, ProxyRequest, ProxyResponse, ProxyState};

use super::page;
use super::recording::{INSTALLER, RecordedEvent, TrafficRecording};
use super::upstream::{Upstream, UpstreamError, UpstreamResponse};

/// What all exchanges of a proxy share.
#[derive(Clone)]
pub(super) struct ProxyContext {
    pub(super) upstream: Upstream,
    /// The proxy's own base URL, without a slash at the end.
    pub(super) address: String,
    pub(super) deviation: Deviation,
    pub(super) state: Arc<Mutex<ProxyState>>,
    pub(super) triggered: Arc<AtomicBool>,
    pub(super) recording: Option<TrafficRecording>,
}

impl ProxyContext {
    pub(super) async fn exchange(
        &self,
        peer: IpAddr,
        request: ProxyRequest,
        body: Bytes,
    ) -> Result<UpstreamResponse, UpstreamError> {
        if let Some(script) = self.deviation.page.and_then(|script| page::script(&request, script)) {
            return Ok(script);
        }
        if self.deviation.provider.is_some() && request.is_of_terraform() {
            self.set_triggered();
        }
        let extra = (self.deviation.send_before)(&request, &mut self.state());
        self.send_extra(extra, peer).await;
        let mut changed = request.clone();
        let answered = (self.deviation.on_request)(&mut changed, &mut self.state());
        if let Some(response) = answered {
            self.set_triggered();
            return Ok(rendered(&response, HeaderMap::new()));
        }
        if changed != request {
            self.set_triggered();
        }
        if request.registers() && !self.deviation.registration_delay.is_zero() {
            tokio::time::sleep(self.deviation.registration_delay).await;
        }
        self.state().request_forwarded(&request);
        let body = (changed.json == request.json).then_some(body);
        if body.is_none() {
            // A rewritten body is sent with a content type of its own.
            changed.headers.remove(header::CONTENT_TYPE);
        }
        let forwarded = self.upstream.send(peer, &changed, body).await;
        let response = forwarded.map(|response| self.changed(&request, response));
        self.state().request_answered(&request);
        let (response, json) = response?;
        if let Some(recording) = &self.recording {
            recording
                .push(RecordedEvent::Exchange { request: Box::new(request.clone()), response: json.clone() });
        }
        if let Some(json) = json {
            let extra = (self.deviation.send_after)(&request, &json, &mut self.state());
            self.send_extra(extra, peer).await;
        }
        Ok(response)
    }

    /// The response as it is passed on, and its JSON if it has any.
    fn changed(
        &self,
        request: &ProxyRequest,
        mut response: UpstreamResponse,
    ) -> (UpstreamResponse, Option<ProxyResponse>) {
        if let Ok(text) = std::str::from_utf8(&response.body)
            && text.contains(self.upstream.address())
        {
            // A client that follows the reference's own address would bypass the proxy.
            response.body = text.replace(self.upstream.address(), &self.address).into();
        }
        if let Some(change) = self.deviation.installer
            && request.path == INSTALLER
        {
            response.body = self.changed_installer(&response.body, change);
        }
        if self.deviation.page.is_some() && page::add_script(&mut response) {
            self.set_triggered();
        }
        let Ok(json) = serde_json::from_slice(&response.body) else { return (response, None) };
        let original = ProxyResponse { status: response.status, json };
        let mut changed = original.clone();
        {
            let mut state = self.state();
            state.learn(request, &original);
            (self.deviation.on_response)(request, &mut changed, &mut state);
        }
        if changed == original {
            return (response, Some(original));
        }
        self.set_triggered();
        (rendered(&changed, response.headers), Some(changed))
    }

    fn changed_installer(&self, body: &Bytes, change: fn(&str) -> String) -> Bytes {
        let original = String::from_utf8_lossy(body);
        let changed = change(&original);
        if changed != original {
            self.set_triggered();
        }
        changed.into()
    }

    /// Sends the deviation's own requests, one after the other. Their responses are ignored.
    pub(super) async fn send_extra(&self, requests: Vec<ProxyRequest>, peer: IpAddr) {
        for request in requests {
            self.set_triggered();
            let _ = self.upstream.send(peer, &request, None).await;
        }
    }

    pub(super) fn set_triggered(&self) {
        self.triggered.store(true, Ordering::Relaxed);
    }

    pub(super) fn state(&self) -> MutexGuard<'_, ProxyState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn rendered(response: &ProxyResponse, mut headers: HeaderMap) -> UpstreamResponse {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    UpstreamResponse { status: response.status, headers, body: response.json.to_string().into() }
}
