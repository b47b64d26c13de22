//! Makes a profile with the issuer's key of a site, as the tests do: for comparisons by script.
//! `profile SITE SUBJECT GATEWAY FOLDER`
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;

use interlock::demo::hand_out;
use interlock_broker::clock::Clock;
use interlock_edge::site::Site;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [site, subject, gateway, folder] = args.as_slice() else {
        eprintln!("profile SITE SUBJECT GATEWAY FOLDER");
        return ExitCode::from(2);
    };
    let Ok(site) = Site::load(Path::new(site)) else {
        eprintln!("{site} is no sound site");
        return ExitCode::from(7);
    };
    match hand_out(
        &site,
        subject,
        gateway,
        Path::new(folder),
        Clock::start().now(),
    ) {
        Ok(_) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
