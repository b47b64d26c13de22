//! The program on the gateway: the policy enforcement point. It listens, carries bytes and
//! keeps links to the PLCs; every decision is the broker's, and nothing is sent without a permit
//! that only the broker can mint.
#![forbid(unsafe_code)]

pub mod beyond;
mod conduit;
mod first_invitation;
mod keeping;
mod limits;
mod link;
mod local;
mod progress;

pub mod reading;
mod recall;
mod registering;
mod signing;
mod timekeeping;
mod trust;
mod windows;

pub mod cli;
pub mod config;
pub mod init;
pub mod issuer;
pub mod key_switch;
pub mod keys;
mod listen;
pub mod metrics;
pub mod root;
pub mod sample;
pub mod service;
pub mod sink;
pub mod site;
pub mod status;
pub mod witness;
