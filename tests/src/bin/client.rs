//! The program of people, under a name of its own: two packages of one workspace cannot both
//! build an `interlock`.

fn main() -> std::process::ExitCode {
    interlock::main_with(std::env::args_os())
}
