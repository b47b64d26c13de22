//! Modbus as strictly as a broker must read it: MODBUS Application Protocol V1.1b3.

pub mod address;
pub mod function;

pub use address::{Address, AddressRange, Quantity, Span, Table, TransactionId, UnitId};
pub use function::FunctionCode;
