//! What a run found, and every form in which it is shown: results, reports, comparisons, and the diagnosis of a target
//! that failed.
//!
//! All of it is made from the events of a run, or from results that were stored. This crate must not know how a run is
//! carried out (`harness-runner`) nor what the reference is; a diagnosis compares verdicts with those of the stored
//! kill matrix. `README.md` tells how to add a report.
//!
//! Start reading at [`record::Record`], which hears the events, then [`results::Results`].

pub mod annotation;
pub mod badge;
pub mod claim;
pub mod comparison;
pub mod coverage;
pub mod destination;
pub mod diagnosis;
pub mod exit_code;
pub mod headline;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod merge;
pub mod record;
pub mod replay;
pub mod resemblance;
pub mod results;
pub mod tap;
pub mod terminal;
pub mod whole;
