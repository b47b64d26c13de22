//! A line of a GPIO character device.

use std::path::PathBuf;

use embedded_hal::digital::{Error, ErrorKind, ErrorType, InputPin};
use gpiocdev::Request;
use gpiocdev::line::Bias;

use crate::config::{Active, SwitchConfig};

/// What the line is held by, in the words of `gpioinfo`.
const CONSUMER: &str = "interlock break-glass";

/// One line. It is opened when it is first read, and again after each error: a chip may come up later
/// than the edge, and go.
pub(super) struct Line {
    chip: PathBuf,
    line: u32,
    bias: Bias,
    open: Option<gpiocdev_embedded_hal::InputPin>,
}

/// Why it could not be read.
pub(super) struct Unread(gpiocdev_embedded_hal::Error);

impl std::fmt::Debug for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Error for Unread {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

impl Line {
    pub(super) fn of(config: &SwitchConfig) -> Line {
        Line {
            chip: config.chip.clone(),
            line: config.line,
            // A wire that came off reads as off.
            bias: match config.active {
                Active::High => Bias::PullDown,
                Active::Low => Bias::PullUp,
            },
            open: None,
        }
    }

    fn read(
        &mut self,
        level: fn(
            &mut gpiocdev_embedded_hal::InputPin,
        ) -> Result<bool, gpiocdev_embedded_hal::Error>,
    ) -> Result<bool, Unread> {
        let mut pin = match self.open.take() {
            Some(pin) => pin,
            None => self.request().map_err(Unread)?,
        };
        let read = level(&mut pin).map_err(Unread)?;
        self.open = Some(pin);
        Ok(read)
    }

    fn request(&self) -> Result<gpiocdev_embedded_hal::InputPin, gpiocdev_embedded_hal::Error> {
        let request = |bias: Option<Bias>| {
            Request::builder()
                .on_chip(&self.chip)
                .with_consumer(CONSUMER)
                .with_line(self.line)
                .as_input()
                .with_bias(bias)
                .request()
        };
        // Not every chip has resistors of its own: then there must be one beside the switch.
        let request = request(Some(self.bias)).or_else(|_| request(None))?;
        gpiocdev_embedded_hal::InputPin::try_from(request)
    }
}

impl ErrorType for Line {
    type Error = Unread;
}

impl InputPin for Line {
    fn is_high(&mut self) -> Result<bool, Unread> {
        self.read(InputPin::is_high)
    }

    fn is_low(&mut self) -> Result<bool, Unread> {
        self.read(InputPin::is_low)
    }
}
