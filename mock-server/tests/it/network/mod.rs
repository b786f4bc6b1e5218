//! Machines in separate Linux network namespaces.

mod lab;

mod interop;
mod left_behind;
mod paths;
mod tun;
