//! Exception codes; V1.1b3 §7.

use core::fmt;
use core::hash::{Hash, Hasher};

/// Why a server refuses. Codes that we do not know are kept, so that they pass through.
#[derive(Clone, Copy, Debug)]
pub enum ExceptionCode {
    /// 1: the function is not known or not allowed.
    IllegalFunction,
    /// 2: the address, or address and quantity together, do not exist.
    IllegalDataAddress,
    /// 3: the structure of the request is wrong; not about whether a value is sensible.
    IllegalDataValue,
    /// 4: the server failed while it carried out the request.
    ServerDeviceFailure,
    /// 5: accepted, but it will take long.
    Acknowledge,
    /// 6: busy; ask again later.
    ServerDeviceBusy,
    /// 8: the memory read does not match its parity.
    MemoryParityError,
    /// 0x0A: the gateway has no path to that unit.
    GatewayPathUnavailable,
    /// 0x0B: the device behind the gateway gave no usable answer.
    GatewayTargetFailed,
    /// Any other code, as the device sent it.
    Other(u8),
}

impl ExceptionCode {
    /// The byte on the wire.
    pub const fn code(self) -> u8 {
        match self {
            ExceptionCode::IllegalFunction => 0x01,
            ExceptionCode::IllegalDataAddress => 0x02,
            ExceptionCode::IllegalDataValue => 0x03,
            ExceptionCode::ServerDeviceFailure => 0x04,
            ExceptionCode::Acknowledge => 0x05,
            ExceptionCode::ServerDeviceBusy => 0x06,
            ExceptionCode::MemoryParityError => 0x08,
            ExceptionCode::GatewayPathUnavailable => 0x0A,
            ExceptionCode::GatewayTargetFailed => 0x0B,
            ExceptionCode::Other(code) => code,
        }
    }

    /// Every byte is a code; those without a name of their own become `Other`.
    pub const fn from_code(code: u8) -> ExceptionCode {
        match code {
            0x01 => ExceptionCode::IllegalFunction,
            0x02 => ExceptionCode::IllegalDataAddress,
            0x03 => ExceptionCode::IllegalDataValue,
            0x04 => ExceptionCode::ServerDeviceFailure,
            0x05 => ExceptionCode::Acknowledge,
            0x06 => ExceptionCode::ServerDeviceBusy,
            0x08 => ExceptionCode::MemoryParityError,
            0x0A => ExceptionCode::GatewayPathUnavailable,
            0x0B => ExceptionCode::GatewayTargetFailed,
            other => ExceptionCode::Other(other),
        }
    }
}

// By code, since `Other(2)` is the same exception as `IllegalDataAddress` on the wire.
impl PartialEq for ExceptionCode {
    fn eq(&self, other: &ExceptionCode) -> bool {
        self.code() == other.code()
    }
}

impl Eq for ExceptionCode {}

impl Hash for ExceptionCode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.code().hash(state);
    }
}

impl fmt::Display for ExceptionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match ExceptionCode::from_code(self.code()) {
            ExceptionCode::IllegalFunction => "illegal function",
            ExceptionCode::IllegalDataAddress => "illegal data address",
            ExceptionCode::IllegalDataValue => "illegal data value",
            ExceptionCode::ServerDeviceFailure => "server device failure",
            ExceptionCode::Acknowledge => "acknowledge",
            ExceptionCode::ServerDeviceBusy => "server device busy",
            ExceptionCode::MemoryParityError => "memory parity error",
            ExceptionCode::GatewayPathUnavailable => "gateway path unavailable",
            ExceptionCode::GatewayTargetFailed => "gateway target device failed to respond",
            ExceptionCode::Other(code) => return write!(f, "exception {code:02X}"),
        };
        write!(f, "{name} ({:02X})", self.code())
    }
}
