//! A simulated PLC on the network: tokio-modbus' server over a memory. It plays the plant, and is
//! used for nothing that guards one.

use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;

use interlock_protocols::modbus::Table;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_modbus::server::Service;
use tokio_modbus::server::tcp::{Server, accept_tcp_connection};
use tokio_modbus::{ExceptionCode, Request, Response, SlaveRequest};

use super::memory::Shared;

/// A PLC that answers on a port of loopback. Dropping it takes it off the network.
#[derive(Debug)]
pub(super) struct Plc {
    memory: Shared,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Plc {
    /// Puts a PLC on a free port. `unit` is the only unit id it answers to.
    pub(super) async fn start(unit: u8, memory: Shared) -> io::Result<Plc> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let program = Program {
            unit,
            memory: memory.clone(),
        };
        let server = tokio::spawn(async move {
            let connected = |stream, peer| {
                let program = program.clone();
                async move { accept_tcp_connection(stream, peer, |_| Ok(Some(program.clone()))) }
            };
            let broken = |error| tracing::debug!(%error, "a connection to a simulated PLC broke");
            if let Err(error) = Server::new(listener).serve(&connected, broken).await {
                tracing::warn!(%error, "a simulated PLC is off the network");
            }
        });
        Ok(Plc {
            memory,
            address,
            server,
        })
    }

    /// Where it answers.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it holds, looked at directly: not by Modbus, and past the gateway.
    pub(super) fn memory(&self) -> &Shared {
        &self.memory
    }
}

#[cfg(test)]
impl Plc {
    /// Takes it off the network while the plant goes on.
    pub(super) fn switch_off(&self) {
        self.server.abort();
    }
}

impl Drop for Plc {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What the PLC does with a request.
#[derive(Clone)]
struct Program {
    unit: u8,
    memory: Shared,
}

impl Service for Program {
    type Request = SlaveRequest<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Response, ExceptionCode>>;

    fn call(&self, asked: SlaveRequest<'static>) -> Self::Future {
        ready(self.answer(&asked))
    }
}

impl Program {
    fn answer(&self, asked: &SlaveRequest<'_>) -> Result<Response, ExceptionCode> {
        if asked.slave != self.unit {
            return Err(ExceptionCode::GatewayTargetDevice);
        }
        let read = |table, first, count| {
            let words = self.memory.lock().read(table, first, count);
            words.ok_or(ExceptionCode::IllegalDataAddress)
        };
        let bits = |words: Vec<u16>| words.into_iter().map(|word| word != 0).collect();
        match &asked.request {
            Request::ReadCoils(first, count) => Ok(Response::ReadCoils(bits(read(
                Table::Coils,
                *first,
                *count,
            )?))),
            Request::ReadDiscreteInputs(first, count) => {
                let words = read(Table::DiscreteInputs, *first, *count)?;
                Ok(Response::ReadDiscreteInputs(bits(words)))
            }
            Request::ReadHoldingRegisters(first, count) => {
                let words = read(Table::HoldingRegisters, *first, *count)?;
                Ok(Response::ReadHoldingRegisters(words))
            }
            Request::ReadInputRegisters(first, count) => {
                let words = read(Table::InputRegisters, *first, *count)?;
                Ok(Response::ReadInputRegisters(words))
            }
            other => self.write(other),
        }
    }

    fn write(&self, asked: &Request<'_>) -> Result<Response, ExceptionCode> {
        let write = |table, first, words: &[u16]| {
            let written = self.memory.lock().write(table, first, words);
            written.ok_or(ExceptionCode::IllegalDataAddress)
        };
        let count = |words: &[u16]| u16::try_from(words.len()).unwrap_or(u16::MAX);
        match asked {
            Request::WriteSingleCoil(address, on) => {
                write(Table::Coils, *address, &[u16::from(*on)])?;
                Ok(Response::WriteSingleCoil(*address, *on))
            }
            Request::WriteMultipleCoils(first, on) => {
                let words: Vec<u16> = on.iter().map(|on| u16::from(*on)).collect();
                write(Table::Coils, *first, &words)?;
                Ok(Response::WriteMultipleCoils(*first, count(&words)))
            }
            Request::WriteSingleRegister(address, word) => {
                write(Table::HoldingRegisters, *address, &[*word])?;
                Ok(Response::WriteSingleRegister(*address, *word))
            }
            Request::WriteMultipleRegisters(first, words) => {
                write(Table::HoldingRegisters, *first, words)?;
                Ok(Response::WriteMultipleRegisters(*first, count(words)))
            }
            _ => Err(ExceptionCode::IllegalFunction),
        }
    }
}
