//! Both sides identify themselves with a certificate made for this one run, and each accepts the other's alone.

use std::sync::Arc;

use p521::PublicKey;
use p521::ecdsa::signature::Verifier as _;
use p521::ecdsa::{DerSignature, Signature, VerifyingKey};
use p521::pkcs8::DecodePublicKey as _;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error as TlsError, PeerMisbehaved,
    ServerConfig, SignatureScheme,
};

/// A plugin's side of the encrypted connection.
pub(super) struct Identity {
    pub(super) config: Arc<ServerConfig>,
    /// What Terraform must be told to expect.
    pub(super) certificate: CertificateDer<'static>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Terraform's certificate in PLUGIN_CLIENT_CERT cannot be read: {0}")]
    Client(#[from] rustls::pki_types::pem::Error),
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] TlsError),
}

impl Identity {
    /// Makes a certificate, and accepts connections from the holder of `client_certificate` (PEM) alone.
    pub(super) fn new(client_certificate: &str) -> Result<Self, Error> {
        let expected = CertificateDer::from_pem_slice(client_certificate.as_bytes())?;
        // The name for which Terraform asks.
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(Arc::new(Pinned { expected }))
            .with_single_cert(vec![certificate.clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self { config: Arc::new(config), certificate })
    }
}

/// Accepts one certificate, whoever signed it: Terraform makes it anew for each plugin that it starts.
#[derive(Debug)]
struct Pinned {
    expected: CertificateDer<'static>,
}

impl ClientCertVerifier for Pinned {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, TlsError> {
        if *certificate == self.expected {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        if signature.scheme != SignatureScheme::ECDSA_NISTP521_SHA512 {
            let algorithms = ring::default_provider().signature_verification_algorithms;
            return rustls::crypto::verify_tls13_signature(message, certificate, signature, &algorithms);
        }
        let key = webpki::EndEntityCert::try_from(certificate)
            .map_err(|_| TlsError::from(CertificateError::BadEncoding))?
            .subject_public_key_info();
        let bad_signature = || TlsError::from(CertificateError::BadSignature);
        let key = PublicKey::from_public_key_der(key.as_ref()).map_err(|_| bad_signature())?;
        let key = VerifyingKey::from_affine(*key.as_affine()).map_err(|_| bad_signature())?;
        let signature = DerSignature::from_bytes(signature.signature()).map_err(|_| bad_signature())?;
        let signature = Signature::try_from(signature).map_err(|_| bad_signature())?;
        key.verify(message, &signature).map_err(|_| bad_signature())?;
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = ring::default_provider().signature_verification_algorithms.supported_schemes();
        schemes.push(SignatureScheme::ECDSA_NISTP521_SHA512);
        schemes
    }
}
