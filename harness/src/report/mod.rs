//! Reports, made from events alone. `README.md` tells how to add one.

pub mod annotation;
pub mod claim;
pub mod comparison;
pub mod destination;
pub mod exit_code;
pub mod json;
pub mod junit;
pub mod merge;
pub mod record;
pub mod resemblance;
pub mod results;
pub mod terminal;
pub mod whole;
