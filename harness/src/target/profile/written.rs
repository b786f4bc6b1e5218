//! A new profile, with comments that say what to fill in.
