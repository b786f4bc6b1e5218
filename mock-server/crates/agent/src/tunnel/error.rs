use std::io;
use std::sync::Arc;

use super::tun::DeviceError;

/// Why a tunnel cannot be opened, or has ended.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum TunnelError {
    #[error("cannot open the tunnel's UDP socket: {0}")]
    Socket(Arc<io::Error>),
    #[error("{0}")]
    Device(Arc<DeviceError>),
    /// Its task ended without an error.
    #[error("internal error: the tunnel has stopped. Run 'ztna up --log debug' for details")]
    Stopped,
}

impl From<DeviceError> for TunnelError {
    fn from(error: DeviceError) -> Self {
        Self::Device(Arc::new(error))
    }
}
