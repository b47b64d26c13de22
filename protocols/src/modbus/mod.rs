//! Modbus as strictly as a broker must read it: MODBUS Application Protocol V1.1b3.
//!
//! Every byte string either is exactly one [`Request`] or is refused with the reason that maps to
//! the reply. What is forwarded is encoded afresh from the typed request, so bytes that nobody
//! judged have no way through.

pub mod address;
mod decode;
pub mod device_identification;
pub mod diagnostics;
pub mod exception;
pub mod file_record;
pub mod function;
pub mod malformed;
pub mod mismatch;
pub mod pdu;
pub mod reply;
pub mod reports;
pub mod request;
pub mod response;
pub mod rtu;
pub mod tcp;
pub mod value;
pub mod values;

pub use address::{Address, AddressRange, Quantity, Span, Table, TransactionId, UnitId};
pub use device_identification::{Identification, IdentificationCode, Object, ObjectId};
pub use diagnostics::{Counter, Delimiter, Diagnostics, DiagnosticsReply, Loopback};
pub use exception::ExceptionCode;
pub use file_record::{FileRead, FileReads, FileRecords, FileWrite, FileWrites};
pub use function::FunctionCode;
pub use malformed::Malformed;
pub use mismatch::Mismatch;
pub use pdu::Pdu;
pub use reply::Reply;
pub use reports::{EventLog, FifoValues, ServerId};
pub use request::Request;
pub use response::Response;
pub use value::{DataType, RegistersBuf, WordOrder};
pub use values::{Area, CoilWrite, Coils, RegisterWrite, Registers, Values, Written};
