//! The table `auth_keys`.
