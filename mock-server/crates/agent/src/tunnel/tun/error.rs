//! Errors of the TUN device.

use std::io;

use rustix::io::Errno;
use thiserror::Error;

#[derive(Debug, Error)]
pub(crate) enum DeviceError {
    /// The process lacks the privilege, or the system has no TUN driver.
    #[error(
        "a TUN device needs root (or CAP_NET_ADMIN) and /dev/net/tun: {cause}. Run as root, or use 'ztna up --userspace'"
    )]
    Privilege { cause: io::Error },
    /// Another device has this name.
    #[error(
        "a network device named '{name}' already exists. Use another --tun-name, or omit it to use the next free name"
    )]
    NameTaken { name: String },
    /// The device could not be created for another reason.
    #[error("cannot create a TUN device: {cause}. Use 'ztna up --userspace' to run without one")]
    Creation { cause: io::Error },
    /// The address could not be assigned.
    #[error("cannot configure the TUN device {name}: {cause}. Use 'ztna up --userspace' to run without one")]
    Configuration { name: String, cause: io::Error },
    /// The device was deleted while in use.
    #[error("the TUN device {name} was removed: {cause}. Run 'ztna up' again")]
    Gone { name: String, cause: io::Error },
}

impl DeviceError {
    /// Interprets the system's error when creating a device with this name.
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
    fn creation_errors_explain_the_fix() {
        for (name, code, expected) in [
            (None, Errno::PERM, "needs root (or CAP_NET_ADMIN)"),
            (Some("a"), Errno::ACCESS, "or use 'ztna up --userspace'"),
            (None, Errno::NOENT, "and /dev/net/tun: No such file"),
            (Some("a"), Errno::BUSY, "named 'a' already exists"),
            (Some("eth0"), Errno::INVAL, "named 'eth0' already exists"),
            (None, Errno::BUSY, "cannot create a TUN device: "),
            (None, Errno::NOMEM, "cannot create a TUN device: "),
        ] {
            let error = DeviceError::creating(name, io::Error::from_raw_os_error(code.raw_os_error()));
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
