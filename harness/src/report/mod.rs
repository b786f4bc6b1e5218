//! Reports, made from events alone.
