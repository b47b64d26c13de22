//! The simulated PLC as a process of its own, so that its log outlives whatever a test kills.

fn main() -> std::process::ExitCode {
    interlock_tests::plc::main(std::env::args().skip(1))
}
