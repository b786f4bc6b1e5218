//! The reference as a target inside the kit's own process, and the self-test: the reference with one defect at a time,
//! each of which the kit's checks must find.
//!
//! This is the only crate of the kit that uses `mock-server`: a kit that shared types with the reference would share
//! its mistakes. It must not know the command line. `README.md` describes how to add a deviation.
//!
//! Start reading at [`embedded::Embedded`] for the target, at [`deviation::Deviation`] and [`families`] for the
//! defects, and at [`self_test::SelfTest`] for the self-test.

pub mod active_deviation;
pub mod agent;
pub mod census;
#[cfg(feature = "containers")]
pub mod containers;
pub mod deviation;
pub mod embedded;
mod error;
pub mod families;
pub mod front_proxy;
pub mod proxy;
pub mod report;
pub mod selection;
pub mod self_test;

pub use error::ReferenceError;
