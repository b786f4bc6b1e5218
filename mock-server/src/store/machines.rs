//! The table `machines`.
