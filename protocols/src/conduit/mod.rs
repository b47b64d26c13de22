//! The messages between client and edge.
