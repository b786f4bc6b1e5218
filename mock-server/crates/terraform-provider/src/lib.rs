//! The Terraform provider of QuickZTNA: the resource `quickztna_auth_key`, the data source `quickztna_machines`.
//! Terraform starts it and calls it by gRPC.

pub mod auth_key;
pub mod configuration;
pub mod control_plane;
pub mod diagnostic;
pub mod machines;
pub mod plugin;
pub mod provider;
pub mod schema;
pub mod value;
