//! Targets that lack what no document describes, or have it elsewhere: the served reference behind a proxy.

mod absent;
mod agent;
mod dashboard;
mod fields;
mod ids;
mod lagging;
mod moved;
mod proxy;
mod quota;
mod target;
