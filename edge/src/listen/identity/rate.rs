//! How often one network may ask. A token of 128 bits is not guessed; but each try costs three
//! signatures, and a line in the log.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use interlock_broker::clock::{Mono, Now};

use crate::limits::{IDENTITY_NETWORKS_MAX, IDENTITY_REQUESTS_AT_ONCE, IDENTITY_REQUESTS_EVERY};
use crate::listen::quic::network;

/// So many at once from each network, then one in a while.
#[derive(Default)]
pub(super) struct Rates(Mutex<HashMap<IpAddr, Bucket>>);

struct Bucket {
    left: u32,
    since: Mono,
}

impl Rates {
    /// Whether one more request from there is looked at.
    pub(super) fn take(&self, address: IpAddr, now: Now) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let network = network(address);
        if !buckets.contains_key(&network) && buckets.len() >= IDENTITY_NETWORKS_MAX {
            // Whose bucket is full again is as if never seen.
            buckets.retain(|_, bucket| {
                bucket.refill(now.mono());
                bucket.left < IDENTITY_REQUESTS_AT_ONCE
            });
            if buckets.len() >= IDENTITY_NETWORKS_MAX {
                return false;
            }
        }
        let bucket = buckets.entry(network).or_insert(Bucket {
            left: IDENTITY_REQUESTS_AT_ONCE,
            since: now.mono(),
        });
        bucket.refill(now.mono());
        let some = bucket.left > 0;
        bucket.left = bucket.left.saturating_sub(1);
        some
    }
}

impl Bucket {
    fn refill(&mut self, now: Mono) {
        let every = IDENTITY_REQUESTS_EVERY.as_secs().max(1);
        let more = now.since(self.since).as_secs() / every;
        self.since = self
            .since
            .after(std::time::Duration::from_secs(more * every));
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        self.left = self
            .left
            .saturating_add(more)
            .min(IDENTITY_REQUESTS_AT_ONCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_network_has_so_many_tries_and_then_one_in_a_while() {
        let rates = Rates::default();
        let at = |ms| Now::new(0, Mono::at(Duration::from_millis(ms)));
        let here: IpAddr = "192.0.2.1".parse().unwrap();
        let taken = (0..100).filter(|_| rates.take(here, at(0))).count();
        assert_eq!(taken, IDENTITY_REQUESTS_AT_ONCE as usize);
        assert!(rates.take("192.0.2.2".parse().unwrap(), at(0)));
        let every = IDENTITY_REQUESTS_EVERY.as_millis() as u64;
        assert!(!rates.take(here, at(every - 1)));
        assert!(rates.take(here, at(every)));
        assert!(!rates.take(here, at(every)));
    }

    #[test]
    fn many_networks_take_bounded_room_and_it_is_given_back() {
        let rates = Rates::default();
        let at = |s| Now::new(0, Mono::at(Duration::from_secs(s)));
        let from = |number: usize| IpAddr::from((number as u32).to_be_bytes());
        for number in 0..IDENTITY_NETWORKS_MAX {
            assert!(rates.take(from(number), at(0)));
        }
        assert!(!rates.take(from(IDENTITY_NETWORKS_MAX), at(0)));
        assert!(rates.take(from(IDENTITY_NETWORKS_MAX), at(3_600)));
    }
}
