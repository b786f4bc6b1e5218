//! Target profiles: the TOML files of `--target`, documented by `example.toml`.

mod capability;
mod content;
mod decode;
mod draft;
mod loaded;
mod masked;
mod resources;

pub use content::{
    Agent, Content, DashboardContent, Hooks, Installer, Limits, Login, MachinePointers, Paths, Pointers,
    Quota, Terraform, Timeouts, TlsFiles, TokenSource, UserOrgPointers, Words, token_key,
};
pub use draft::Draft;
pub use loaded::{Profile, ProfileError, ProfileNotes};
pub use resources::Resources;

#[cfg(test)]
mod tests;
