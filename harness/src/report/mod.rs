//! Reports, built from run events alone. `README.md` explains how to add one.

pub mod annotation;
pub mod badge;
pub mod claim;
pub mod comparison;
pub mod destination;
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
