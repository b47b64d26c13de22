//! A simulated PLC on Modbus/TCP that remembers every byte it was sent.
//!
//! It shares no line with `interlock-protocols`: it is the second opinion on what the broker
//! sends, so it takes bytes apart by itself. It is as strict as the broker claims to be and logs
//! as `malformed` whatever should never have arrived. Told to, it misbehaves in the ways that
//! real devices and networks do.
//!
//! ```text
//! plc --log FILE [--listen 127.0.0.1:0] [--units 1,2] [--do LINE]...
//! ```
//!
//! The first line on standard output is `listening ADDRESS`. Every line of the log follows there
//! too, after it was written to the file. Each line on standard input is an order (see
//! [`orders`]), answered by `ok LINE` or `error LINE: why`. It ends with its standard input.

pub mod answer;
pub mod fault;
pub mod log;
pub mod memory;
pub mod orders;
mod server;

use std::io::{BufRead, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// What the command line says.
struct Arguments {
    log: PathBuf,
    listen: String,
    units: Option<Vec<u8>>,
    orders: Vec<String>,
}

impl Arguments {
    fn parse(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let mut log = None;
        let mut arguments = Arguments {
            log: PathBuf::new(),
            listen: "127.0.0.1:0".to_owned(),
            units: None,
            orders: Vec::new(),
        };
        while let Some(name) = given.next() {
            let value = given.next().ok_or(format!("{name} needs a value"))?;
            match name.as_str() {
                "--log" => log = Some(PathBuf::from(value)),
                "--listen" => arguments.listen = value,
                "--units" => arguments.units = Some(units(&value)?),
                "--do" => arguments.orders.push(value),
                _ => return Err(format!("{name} is not known")),
            }
        }
        arguments.log = log.ok_or("--log FILE is needed")?;
        Ok(arguments)
    }
}

fn units(list: &str) -> Result<Vec<u8>, String> {
    list.split(',')
        .map(|unit| unit.parse().map_err(|_| format!("{unit} is no unit id")))
        .collect()
}

/// Serves until standard input ends.
pub fn main(given: impl Iterator<Item = String>) -> ExitCode {
    match Arguments::parse(given).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say(&format!("error {why}"));
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> Result<(), String> {
    let why = |what: &str, error: std::io::Error| format!("{what}: {error}");
    let listener = TcpListener::bind(&arguments.listen).map_err(|e| why(&arguments.listen, e))?;
    let address = listener.local_addr().map_err(|e| why("listening", e))?;
    let log = log::Log::append(&arguments.log).map_err(|e| why("the log", e))?;
    let plc = Arc::new(server::Plc::new(log, arguments.units));
    for order in &arguments.orders {
        orders::carry_out(&plc.memory, &plc.behaviour, order)?;
    }
    // Before the first connection can be logged: whoever waits for it reads one line.
    say(&format!("listening {address}"));
    let serving = Arc::clone(&plc);
    std::thread::spawn(move || server::serve(&serving, &listener));

    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|e| why("standard input", e))?;
        match orders::carry_out(&plc.memory, &plc.behaviour, &line) {
            Ok(answer) => say(&format!("ok {line}{answer}")),
            Err(why) => say(&format!("error {line}: {why}")),
        }
    }
    Ok(())
}

/// A line for whoever started us. If they are gone there is nobody to tell.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
