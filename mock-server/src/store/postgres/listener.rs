//! Hears of the changes that other replicas committed.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio_postgres::{AsyncMessage, Client, Connection, Error, NoTls};

use super::address::Address;
use super::session::{runtime, verified};
use crate::store::StoreError;
use crate::store::notification::Notifications;

const RECONNECT_DELAY: Duration = Duration::from_millis(500);

/// Passes notifications on until `stopped` resolves. While the connection is lost, listeners look at the database
/// themselves, as they always do now and then.
pub(super) fn listen(
    address: &Address,
    channel: &str,
    notifications: &Notifications,
    stopped: oneshot::Receiver<()>,
) {
    let Ok(runtime) = runtime() else { return };
    runtime.block_on(async {
        let following = async {
            loop {
                if let Err(error) = follow(address, channel, notifications).await {
                    tracing::warn!(%error, "not hearing of other replicas' changes; connecting again");
                }
                tokio::time::sleep(RECONNECT_DELAY).await;
            }
        };
        tokio::select! {
            () = following => {}
            _ = stopped => {}
        }
    });
}

async fn follow(address: &Address, channel: &str, notifications: &Notifications) -> Result<(), StoreError> {
    match verified(address)? {
        None => {
            let (client, connection) = address.config().connect(NoTls).await?;
            Ok(hear(client, connection, channel, notifications).await?)
        }
        Some(tls) => {
            let (client, connection) = address.config().connect(tls).await?;
            Ok(hear(client, connection, channel, notifications).await?)
        }
    }
}

async fn hear<S, T>(
    client: Client,
    mut connection: Connection<S, T>,
    channel: &str,
    notifications: &Notifications,
) -> Result<(), Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let messages = async {
        loop {
            match futures::future::poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(notification))) => {
                    notifications.notify(notification.payload());
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            }
        }
    };
    let listen = async {
        client.batch_execute(&format!("LISTEN {channel}")).await?;
        // Nobody told of what was committed before.
        notifications.notify_all();
        std::future::pending::<Result<(), Error>>().await
    };
    tokio::select! {
        ended = messages => ended,
        failed = listen => failed,
    }
}
