//! The kit proves itself: the reference with one thing wrong at a time, and the checks that must find it.
//!
//! `README.md` tells how to add a deviation.

pub mod agent;
pub mod catalogue;
pub mod census;
pub mod deviant;
pub mod deviation;
pub mod diagnosis;
pub mod layer;
pub mod matrix;
pub mod observed;
pub mod proof;
pub mod report;
