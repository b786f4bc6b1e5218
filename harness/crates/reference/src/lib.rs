//! The reference inside the kit's own process, and the kit's proof of itself: the reference with one thing wrong at a
//! time, and the checks that must find it.
//!
//! The one crate of the kit that uses `mock-server`; a kit that shared its types would be wrong together with it. It
//! must not know the command line. `README.md` tells how to add a deviation.
//!
//! Start reading at [`embedded::Embedded`] for the target, at [`deviation::Deviation`] and [`families`] for what can be
//! wrong, and at [`proof::Bench`] for the self-test.

pub mod agent;
pub mod census;
pub mod deviant;
pub mod deviation;
pub mod embedded;
pub mod families;
pub mod front;
pub mod layer;
pub mod proof;
pub mod report;
pub mod selection;
