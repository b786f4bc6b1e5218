//! The line by which Terraform and a plugin find each other.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Tells a plugin that Terraform started it, rather than a person.
const MAGIC_COOKIE: (&str, &str) =
    ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2");
/// The version of the handshake itself.
const CORE_VERSION: u32 = 1;
/// The version of the protocol that follows it.
const PROTOCOL_VERSION: u32 = 6;

/// What Terraform said in the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Handshake {
    /// The certificate with which Terraform will identify itself, in PEM.
    pub(super) client_certificate: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(
        "this program is a plugin of Terraform, which starts it\nname it in required_providers and run `terraform init`"
    )]
    NotTerraform,
    #[error(
        "Terraform offers the plugin protocols {offered}, this provider speaks {PROTOCOL_VERSION}\nuse Terraform 1.0 or later"
    )]
    Protocol { offered: String },
    #[error(
        "Terraform sent no certificate in PLUGIN_CLIENT_CERT, and without one anybody could call the provider"
    )]
    NoCertificate,
}

impl Handshake {
    /// Reads the environment through `variable`.
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        if variable(MAGIC_COOKIE.0).as_deref() != Some(MAGIC_COOKIE.1) {
            return Err(Error::NotTerraform);
        }
        let offered = variable("PLUGIN_PROTOCOL_VERSIONS").unwrap_or_default();
        if !offered.split(',').any(|version| version.trim().parse() == Ok(PROTOCOL_VERSION)) {
            return Err(Error::Protocol { offered });
        }
        let client_certificate =
            variable("PLUGIN_CLIENT_CERT").filter(|pem| !pem.is_empty()).ok_or(Error::NoCertificate)?;
        Ok(Self { client_certificate })
    }

    /// The answer: where the plugin listens and with which certificate.
    pub(super) fn answer(socket: &Path, server_certificate: &[u8]) -> String {
        let certificate = STANDARD_NO_PAD.encode(server_certificate);
        format!("{CORE_VERSION}|{PROTOCOL_VERSION}|unix|{}|grpc|{certificate}", socket.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changed: &[(&str, &str)]) -> Result<Handshake, Error> {
        let usual = [MAGIC_COOKIE, ("PLUGIN_PROTOCOL_VERSIONS", "5,6"), ("PLUGIN_CLIENT_CERT", "PEM")];
        Handshake::read(|name| {
            let found = changed.iter().chain(&usual).find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn terraform_is_recognised() {
        assert_eq!(read(&[]), Ok(Handshake { client_certificate: "PEM".to_owned() }));
        assert_eq!(read(&[(MAGIC_COOKIE.0, "")]), Err(Error::NotTerraform));
        let offered = "5".to_owned();
        assert_eq!(read(&[("PLUGIN_PROTOCOL_VERSIONS", "5")]), Err(Error::Protocol { offered }));
        assert_eq!(read(&[("PLUGIN_CLIENT_CERT", "")]), Err(Error::NoCertificate));
    }

    #[test]
    fn the_answer_has_six_parts() {
        assert_eq!(
            Handshake::answer(Path::new("/t/s"), b"certificate"),
            "1|6|unix|/t/s|grpc|Y2VydGlmaWNhdGU"
        );
    }
}
