//! A program that stays connected renews its certificate by itself.

use std::time::Duration;

use interlock_broker::clock::Clock;
use interlock_broker::subject::Identity;
use tokio::time::sleep;

use super::{identity, renew, turn};
use crate::failure::{Failure, Kind};
use crate::limits::{RENEWAL_LOOK_EVERY, RENEWAL_RETRY_MAX, RENEWAL_RETRY_MIN};
use crate::profile::Profile;
use crate::screen;

/// Renews the certificate of a profile at two thirds of its life, for as long as it is polled.
/// Ends only where trying again cannot help.
pub(crate) async fn keep_renewed(profile: Profile) -> Failure {
    let clock = Clock::start();
    let mut wait = RENEWAL_RETRY_MIN;
    loop {
        let due = match identity(&profile) {
            Ok(identity) => due_in(&identity, clock.now().wall_ms()),
            Err(failure) => return failure,
        };
        if let Some(due) = due {
            // In steps: this machine may sleep, and its clock may be set meanwhile.
            sleep(due.min(RENEWAL_LOOK_EVERY)).await;
            continue;
        }
        match once(&profile, clock).await {
            Ok(renewed) => {
                wait = RENEWAL_RETRY_MIN;
                tracing::info!(ends_ms = renewed.ends_ms(), "the certificate is renewed");
            }
            Err(failure) if failure.kind() == Kind::Unreachable => {
                tracing::warn!(%failure, "the certificate is not renewed yet");
                sleep(wait.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
                wait = wait.saturating_mul(2).min(RENEWAL_RETRY_MAX);
            }
            Err(failure) => {
                screen::say_loud("not renewed", &failure.to_string());
                return failure;
            }
        }
    }
}

async fn once(profile: &Profile, clock: Clock) -> Result<Identity, Failure> {
    let authenticator = profile.authenticator().open()?;
    let _turn = turn(profile).await?;
    // Another process with this profile woke at the same moment, and was first.
    let there = identity(profile)?;
    if due_in(&there, clock.now().wall_ms()).is_some() {
        return Ok(there);
    }
    renew(profile, &authenticator, false).await
}

/// How long until two thirds of the certificate's life are over; `None` once they are.
fn due_in(identity: &Identity, now_ms: i64) -> Option<Duration> {
    let life_ms = identity.ends_ms().saturating_sub(identity.begins_ms());
    let due_ms = identity.ends_ms().saturating_sub(life_ms / 3);
    let left_ms = u64::try_from(due_ms.saturating_sub(now_ms)).ok()?;
    (left_ms > 0).then(|| Duration::from_millis(left_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use interlock_broker::authority::Authority;
    use interlock_broker::clock::{Mono, Now};
    use interlock_broker::subject::{Bound, SubjectId};
    use interlock_protocols::identity::{AuthStrength, KeyProtection};

    use crate::keys::FileKey;
    use crate::tls;

    const NOW_MS: i64 = 1_795_000_000_000;
    const HOUR_MS: i64 = 3_600_000;

    #[test]
    fn a_certificate_is_renewed_once_two_thirds_of_its_life_are_over() {
        let now = Now::new(NOW_MS, Mono::at(Duration::ZERO));
        let authority = Authority::open(&Authority::create("issuer", now).unwrap()).unwrap();
        let subject = SubjectId::parse("spiffe://waterworks/workload/historian").unwrap();
        let bound = Bound {
            device_key: [1; 32],
            protection: KeyProtection::Software,
            auth: AuthStrength::SingleFactor,
            auth_ms: NOW_MS,
        };
        let key = FileKey::generate().unwrap();
        let ends_ms = NOW_MS + 24 * HOUR_MS;
        let pem = authority.sign_client(&subject, key.spki(), &bound, ends_ms, now);
        let der = tls::first_certificate(&pem.unwrap()).unwrap();
        let identity = Identity::of_certificate(&der, "waterworks").unwrap();
        // It begins five minutes before it was made, for clocks that run behind.
        let due = due_in(&identity, NOW_MS).unwrap();
        assert!(due < Duration::from_secs(16 * 3_600), "{due:?}");
        assert!(due > Duration::from_secs(16 * 3_600 - 300), "{due:?}");
        assert_eq!(due_in(&identity, NOW_MS + 16 * HOUR_MS), None);
        assert_eq!(due_in(&identity, ends_ms + 1), None);
    }
}
