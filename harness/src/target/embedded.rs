//! The reference inside this process: the only file, besides the self-test, that knows it.

use std::time::Duration;

use crate::run::event::TargetDescription;
use crate::scenario::model::Identity;

use super::{Place, TargetError};

/// Where the reference takes approvals of device logins.
pub(super) const APPROVE: &str = "/api/auth/device/approve";

/// Starts a control plane for each sub-test.
#[derive(Debug, Default)]
pub struct Embedded;

/// One control plane.
#[derive(Debug)]
pub(super) struct ControlPlane;

impl Embedded {
    pub(super) fn description(&self) -> TargetDescription {
        TargetDescription {
            name: "reference".to_owned(),
            version: None,
            base_url: None,
            reference: true,
            capabilities: Default::default(),
        }
    }

    pub(super) async fn place(&self) -> Result<Place, TargetError> {
        Err(TargetError::Start("it is not there yet".to_owned()))
    }
}

impl ControlPlane {
    pub(super) async fn token(&self, _: Identity) -> Result<String, TargetError> {
        Ok(String::new())
    }
    pub(super) async fn advance(&self, _: Duration) {}
    pub(super) async fn stop(self) {}
}
