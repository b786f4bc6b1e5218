//! The table `device_codes`.
