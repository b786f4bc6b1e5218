//! A plugin's life: listens on a socket in a folder of its own until Terraform has no more questions.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::process::getppid;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use super::handshake::{self, Handshake};
use super::{call, tls};
use crate::provider::Provider;

const PARENT_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Handshake(#[from] handshake::Error),
    #[error(transparent)]
    Tls(#[from] tls::Error),
    #[error("cannot listen for Terraform: {0}")]
    Listen(#[source] std::io::Error),
}

/// Serves `provider` to the Terraform that started this process, whose environment `variable` reads.
pub async fn serve(provider: Provider, variable: impl Fn(&str) -> Option<String>) -> Result<(), Error> {
    let handshake = Handshake::read(variable)?;
    let identity = tls::Identity::new(&handshake.client_certificate)?;
    let folder = tempfile::Builder::new().prefix("terraform-provider-").tempdir().map_err(Error::Listen)?;
    let socket = folder.path().join("socket");
    let listener = UnixListener::bind(&socket).map_err(Error::Listen)?;
    announce(&Handshake::answer(&socket, &identity.certificate)).map_err(Error::Listen)?;

    let provider = Arc::new(provider);
    let acceptor = TlsAcceptor::from(Arc::clone(&identity.config));
    let stop = Arc::new(Notify::new());
    let parent = getppid();
    let mut look = tokio::time::interval(PARENT_INTERVAL);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    tokio::spawn(connection(acceptor.clone(), stream, Arc::clone(&provider), Arc::clone(&stop)));
                }
                Err(error) => tracing::warn!(%error, "cannot accept a connection"),
            },
            () = stop.notified() => return Ok(()),
            // A Terraform that was killed cannot ask its plugins to end.
            _ = look.tick() => if getppid() != parent {
                return Ok(());
            },
        }
    }
}

/// The one line that Terraform reads from a plugin's standard output.
fn announce(line: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

async fn connection(acceptor: TlsAcceptor, stream: UnixStream, provider: Arc<Provider>, stop: Arc<Notify>) {
    let stream = match acceptor.accept(stream).await {
        Ok(stream) => stream,
        Err(error) => return tracing::warn!(%error, "refused a connection"),
    };
    let service = service_fn(move |request| {
        let stop = Arc::clone(&stop);
        call::answer(Arc::clone(&provider), move || stop.notify_one(), request)
    });
    let served =
        http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
    if let Err(error) = served {
        tracing::debug!(%error, "the connection ended");
    }
}
