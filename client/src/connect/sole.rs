//! Being the one writer of a device.

use interlock_protocols::conduit::Ask;

use crate::failure::Failure;
use crate::gateway::Gateway;
use crate::screen;

/// Takes the writer token of each of these devices: all of them, or none.
pub(crate) async fn take(gateway: &mut Gateway, devices: &[String]) -> Result<(), Failure> {
    for (taken, device) in devices.iter().enumerate() {
        let device = device.clone();
        match gateway.ask_for_word(Ask::TakeWriter { device }).await {
            Ok(word) => screen::say(&word),
            Err(failure) => {
                for device in devices.iter().take(taken) {
                    let device = device.clone();
                    // It runs out by itself where this fails.
                    let _ = gateway.ask_for_word(Ask::ReturnWriter { device }).await;
                }
                return Err(failure);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use interlock_protocols::conduit::{CallEnd, FromClient, ToClient};
    use tokio::join;

    use super::*;
    use crate::gateway::scripted::{Scripted, Side};

    async fn asked(side: &mut Side, wanted: Ask, end: CallEnd) {
        let FromClient::Ask { call, ask } = side.heard().await else {
            panic!("another call");
        };
        assert_eq!(ask, wanted);
        let text = "said".to_owned();
        side.tell(&ToClient::Reply { call, end, text }).await;
    }

    #[tokio::test]
    async fn all_are_taken_or_none() {
        let scripted = Scripted::new();
        let profile = scripted.profile();
        let (gateway, mut side) = join!(Gateway::connect(&profile), scripted.welcome(Vec::new()));
        let mut gateway = gateway.unwrap();
        let devices = ["mixer".to_owned(), "pump".to_owned()];
        let take = |device: &str| Ask::TakeWriter {
            device: device.to_owned(),
        };
        let play = async {
            asked(&mut side, take("mixer"), CallEnd::Done).await;
            asked(&mut side, take("pump"), CallEnd::Failed).await;
            let device = "mixer".to_owned();
            asked(&mut side, Ask::ReturnWriter { device }, CallEnd::Done).await;
        };
        let (taken, ()) = join!(super::take(&mut gateway, &devices), play);
        assert_eq!(taken.unwrap_err().what(), "said");
    }
}
