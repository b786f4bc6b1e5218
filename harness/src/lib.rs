//! The conformance kit: the documented sub-tests of QuickZTNA, executable against any implementation.

pub mod check;
pub mod cli;
pub mod evidence;
pub mod plan;
pub mod report;
pub mod requirement;
pub mod run;
pub mod scenario;
pub mod selftest;
pub mod step;
pub mod target;
