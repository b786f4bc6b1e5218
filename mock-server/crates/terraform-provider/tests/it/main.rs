//! The provider against a control plane, and as a program.

mod lifecycle;
mod program;
