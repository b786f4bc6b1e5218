//! Why there is no TUN device, or none any more.

use std::io;

use rustix::io::Errno;
use thiserror::Error;

/// A TUN device that cannot be used.
#[derive(Debug, Error)]
pub(crate) enum DeviceError {
    /// This process may not make one, or the system has none.
    #[error(
        "a TUN device takes root (or CAP_NET_ADMIN) and /dev/net/tun: {cause}. Run as root, or 'ztna up --userspace'"
    )]
    Privilege {
        /// The system's reason.
        cause: io::Error,
    },
    /// The name belongs to another device.
    #[error(
        "a network device named '{name}' is there already. Use another --tun-name, or none for the next free one"
    )]
    NameTaken {
        /// The name.
        name: String,
    },
    /// It could not be made for another reason.
    #[error("cannot create a TUN device: {cause}. 'ztna up --userspace' does without one")]
    Creation {
        /// The system's reason.
        cause: io::Error,
    },
    /// It could not be given its address.
    #[error("cannot configure the TUN device {name}: {cause}. 'ztna up --userspace' does without one")]
    Configuration {
        /// Its name.
        name: String,
        /// The system's reason.
        cause: io::Error,
    },
    /// It was deleted while it was in use.
    #[error("the TUN device {name} has gone ({cause}). Run 'ztna up' again")]
    Gone {
        /// Its name.
        name: String,
        /// The system's reason.
        cause: io::Error,
    },
}

impl DeviceError {
    /// What the system's refusal to make a device with this name means.
    pub(super) fn creating(name: Option<&str>, cause: io::Error) -> Self {
        let code = cause.raw_os_error();
        let is = |errors: &[Errno]| errors.iter().any(|error| code == Some(error.raw_os_error()));
        match name {
            _ if is(&[Errno::PERM, Errno::ACCESS, Errno::NOENT, Errno::NODEV, Errno::NXIO]) => {
                Self::Privilege { cause }
            }
            Some(name) if is(&[Errno::BUSY, Errno::EXIST, Errno::INVAL]) => {
                Self::NameTaken { name: name.to_owned() }
            }
            _ => Self::Creation { cause },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_to_do() {
        for (name, code, said) in [
            (None, Errno::PERM, "takes root (or CAP_NET_ADMIN)"),
            (Some("a"), Errno::ACCESS, "or 'ztna up --userspace'"),
            (None, Errno::NOENT, "and /dev/net/tun: No such file"),
            (Some("a"), Errno::BUSY, "named 'a' is there already"),
            (Some("eth0"), Errno::INVAL, "named 'eth0' is there already"),
            (None, Errno::BUSY, "cannot create a TUN device: "),
            (None, Errno::NOMEM, "cannot create a TUN device: "),
        ] {
            let error = DeviceError::creating(name, io::Error::from_raw_os_error(code.raw_os_error()));
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
