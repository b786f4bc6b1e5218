//! The results of a run and everything built from them: reports, comparisons, merged shards, and the diagnosis of a
//! failing target.
//!
//! All of it is built from the events of a run or from stored results. This crate must not know how a run is carried
//! out (`harness-runner`) or what the reference is; a diagnosis compares verdicts with those of the stored kill matrix.
//! `README.md` explains how to add a report.
//!
//! Start reading at [`record::Record`], which listens to the events, then [`results::Results`].

pub mod annotation;
pub mod badge;
pub mod claim;
pub mod comparison;
pub mod coverage;
pub mod destination;
pub mod diagnosis;
mod error;
pub mod exit_code;
pub mod extent;
pub mod gap;
pub mod headline;
pub mod history;
pub mod html;
pub mod json;
pub mod junit;
pub mod level;
pub mod markdown;
pub mod merge;
pub mod record;
pub mod replay;
pub mod resemblance;
pub mod results;
pub mod summary;
pub mod tap;
pub mod terminal;
pub mod unjudged;

pub use error::ReportError;
