//! Journal records and their byte encoding.
