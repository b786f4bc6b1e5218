//! The memory that others can make the programs take, in control groups.

mod agent;
mod cgroup;
mod server;

const MIB: u64 = 1 << 20;
