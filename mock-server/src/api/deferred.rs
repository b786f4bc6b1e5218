//! Answers that are not known yet, for which a connection can wait without the state of its HTTP.
//!
//! Thousands of agents wait for their network map at a time. Buffers, layers and the handler of a request in progress take
//! 20 kB; the future that waits takes 1 kB.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Extension;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;

use super::{error, trace};

/// An extension of requests whose connection knows what a [`Deferred`] response is.
#[derive(Debug, Clone, Copy)]
pub struct CanDefer;

/// Waits for a response.
pub type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// An extension of a response that stands for a later one, and is not to be sent.
#[derive(Clone)]
pub struct Deferred(Arc<Mutex<Option<Answering>>>);

impl Deferred {
    pub fn new(answering: Answering) -> Self {
        Self(Arc::new(Mutex::new(Some(answering))))
    }

    /// Returns the future of the response, once.
    pub fn take(&self) -> Option<Answering> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Leaves waiting for the answer to a `GET` of this path to the connection, if that is possible.
pub(super) async fn respond(
    can_defer: Option<Extension<CanDefer>>,
    path: &'static str,
    answer: impl Future<Output = Response> + Send + 'static,
) -> Response {
    if can_defer.is_none() {
        return answer.await;
    }
    let begun = Instant::now();
    // Here no layer catches panics or logs. A block would have room for the answer's future twice.
    let answering = AssertUnwindSafe(answer).catch_unwind().map(move |answer| {
        let response = answer.unwrap_or_else(|_| error::internal());
        trace::log_deferred(path, &response, begun.elapsed());
        response
    });
    let deferred = Extension(Deferred::new(Box::pin(answering)));
    (StatusCode::OK, Extension(trace::NotAnAnswer), deferred).into_response()
}
