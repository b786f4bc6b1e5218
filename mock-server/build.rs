//! Links unoptimised programs for a fixed address. Tests start the agent hundreds of times, and two thirds of an
//! unoptimised program's start were spent on relocating it (3.1 ms of CPU time, 1.2 ms without).

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|found| found == value);
    let is_static =
        env::var("CARGO_CFG_TARGET_FEATURE").is_ok_and(|features| features.contains("crt-static"));
    if is("PROFILE", "debug")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && !is_static
    {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
