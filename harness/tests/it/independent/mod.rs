//! The kit against an implementation that shares only the documents with the reference: it passes whatever it chooses
//! where the documents leave a choice, and small departures from them fail the statements that they break.

mod choices;
mod conformance;
mod departures;
mod files;
mod implementation;
mod judgement;
mod recipes;
mod statements;
mod variants;
