//! Request logging. Bodies, queries and headers are not logged, because they contain secrets.

use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::trace::TraceLayer;
use tracing::Span;

use super::error::LoggedCode;

type Layer = TraceLayer<
    SharedClassifier<ServerErrorsAsFailures>,
    fn(&Request) -> Span,
    (),
    fn(&Response, Duration, &Span),
    (),
    (),
    (),
>;

/// An extension of a response that stands for a later one, which is logged by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct NotAnAnswer;

/// Logs the method, path, status, code of a refusal, and latency of every request.
pub(super) fn layer() -> Layer {
    TraceLayer::new_for_http()
        .make_span_with(request_span as fn(&Request) -> Span)
        .on_request(())
        .on_response(log_response as fn(&Response, Duration, &Span))
        .on_body_chunk(())
        .on_eos(())
        .on_failure(())
}

fn request_span(request: &Request) -> Span {
    tracing::info_span!("request", method = %request.method(), path = request.uri().path())
}

/// Logs the answer to a request that waited.
pub(super) fn log_deferred(path: &str, response: &Response, latency: Duration) {
    let span = tracing::info_span!("request", method = "GET", path);
    span.in_scope(|| log(response, latency));
}

fn log_response(response: &Response, latency: Duration, _span: &Span) {
    if response.extensions().get::<NotAnAnswer>().is_none() {
        log(response, latency);
    }
}

fn log(response: &Response, latency: Duration) {
    let latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
    let code = response.extensions().get().map(|LoggedCode(code)| *code);
    tracing::info!(status = response.status().as_u16(), code, latency_us, "answered");
}
