//! Being a plugin of Terraform: it starts the provider as a process, reads one line from it, and calls it by gRPC.

mod call;
mod handshake;
pub mod message;
mod serve;
mod tls;

pub use serve::serve;
