//! The edge's program: cargo builds no other package's binaries for a test.

fn main() -> std::process::ExitCode {
    interlock_edge::cli::main(std::env::args_os())
}
