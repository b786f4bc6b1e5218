//! One call by gRPC: which method of the provider answers which path.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use prost::Message;
use tonic::body::Body;
use tonic::server::{Grpc, UnaryService};
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;

use super::message::Empty;
use crate::provider::Provider;

/// Answers a request; `stop` is called when Terraform asks the plugin to end.
pub(super) async fn answer(
    provider: Arc<Provider>,
    stop: impl Fn(),
    request: http::Request<hyper::body::Incoming>,
) -> Result<http::Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let Some(method) = path.strip_prefix("/tfplugin6.Provider/") else {
        if path == "/plugin.GRPCController/Shutdown" {
            stop();
            return Ok(unary(request, |_: Empty| async { Empty {} }).await);
        }
        return Ok(unimplemented(&path));
    };
    Ok(match method {
        "GetProviderSchema" => unary(request, |_: Empty| async move { provider.schema.clone() }).await,
        "ValidateProviderConfig" => {
            unary(request, |asked| async move { provider.validate_provider(&asked) }).await
        }
        "ConfigureProvider" => unary(request, |asked| async move { provider.configure(&asked) }).await,
        "ValidateResourceConfig" => {
            unary(request, |asked| async move { provider.validate_resource(&asked) }).await
        }
        "ValidateDataResourceConfig" => {
            unary(request, |asked| async move { provider.validate_data(&asked) }).await
        }
        "UpgradeResourceState" => unary(request, |asked| async move { provider.upgrade_state(asked) }).await,
        "ReadResource" => unary(request, |asked| async move { provider.read_resource(&asked).await }).await,
        "PlanResourceChange" => unary(request, |asked| async move { provider.plan(&asked) }).await,
        "ApplyResourceChange" => unary(request, |asked| async move { provider.apply(asked).await }).await,
        "ImportResourceState" => unary(request, |asked| async move { provider.import(asked).await }).await,
        "ReadDataSource" => unary(request, |asked| async move { provider.read_data(&asked).await }).await,
        "StopProvider" => unary(request, |_: Empty| async { Empty {} }).await,
        _ => unimplemented(&path),
    })
}

async fn unary<A, B, F, Answer>(
    request: http::Request<hyper::body::Incoming>,
    answer: F,
) -> http::Response<Body>
where
    A: Message + Default + 'static,
    B: Message + Default + 'static,
    F: FnOnce(A) -> Answer + Send + 'static,
    Answer: Future<Output = B> + Send + 'static,
{
    Grpc::new(ProstCodec::<B, A>::default()).unary(Once { answer: Some(answer) }, request).await
}

/// Terraform asks newer questions of every provider and takes this for "no".
fn unimplemented(path: &str) -> http::Response<Body> {
    tracing::debug!(path, "not answered");
    Status::new(Code::Unimplemented, format!("this provider does not answer {path}")).into_http()
}

/// A service that is called once.
struct Once<F> {
    answer: Option<F>,
}

impl<A, B, F, Answer> UnaryService<A> for Once<F>
where
    F: FnOnce(A) -> Answer + Send + 'static,
    Answer: Future<Output = B> + Send + 'static,
    A: Send + 'static,
{
    type Response = B;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, Status>> + Send>>;

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let answer = self.answer.take();
        Box::pin(async move {
            match answer {
                Some(answer) => Ok(Response::new(answer(request.into_inner()).await)),
                None => Err(Status::internal("one request was sent as two")),
            }
        })
    }
}
