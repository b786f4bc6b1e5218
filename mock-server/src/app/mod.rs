//! The server as a whole: configuration, start, stop.
