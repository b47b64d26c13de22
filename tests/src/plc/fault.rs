//! Misbehaviour, as real devices and networks show it.

use std::collections::VecDeque;
use std::time::Duration;

/// What is done to the answer of one request. Unless it says otherwise the request itself is
/// carried out: that is what makes a silent device's write an unknown outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is answered.
    Silent,
    /// Answered this much later; nothing else is answered on the connection meanwhile.
    Delay(Duration),
    /// Answered this much later, while later requests are answered at once.
    Late(Duration),
    /// Answered under another transaction id.
    WrongTransaction,
    /// Answered under another unit id.
    WrongUnit,
    /// Answered with another function code.
    WrongFunction,
    /// Answered with one value too few, or with a quantity that is one too high, or with a byte
    /// missing, whichever the function has; the header agrees with the bytes.
    WrongCount,
    /// Answered with an address that is one too high, or with a byte count that does not agree.
    WrongEcho,
    /// Answered with a header that promises 254 bytes and a trickle that never ends.
    Endless,
    /// Answered twice.
    Double,
    /// Carried out, then the connection is closed without an answer.
    Close,
    /// Carried out, then the connection is closed in the middle of the answer.
    Half,
    /// Not carried out; answered with this exception code.
    Exception(u8),
}

impl Fault {
    /// The words of an order, and how many of them belong to the fault.
    fn parse(words: &[&str]) -> Result<(Fault, usize), String> {
        let number = |what: &str| -> Result<u64, String> {
            let given = words.get(1).ok_or(format!("{} needs {what}", words[0]))?;
            given.parse().map_err(|_| format!("{given} is not {what}"))
        };
        let fault = match *words.first().ok_or("no fault is named")? {
            "silent" => (Fault::Silent, 1),
            "delay" => (
                Fault::Delay(Duration::from_millis(number("milliseconds")?)),
                2,
            ),
            "late" => (
                Fault::Late(Duration::from_millis(number("milliseconds")?)),
                2,
            ),
            "wrong-transaction" => (Fault::WrongTransaction, 1),
            "wrong-unit" => (Fault::WrongUnit, 1),
            "wrong-function" => (Fault::WrongFunction, 1),
            "wrong-count" => (Fault::WrongCount, 1),
            "wrong-echo" => (Fault::WrongEcho, 1),
            "endless" => (Fault::Endless, 1),
            "double" => (Fault::Double, 1),
            "close" => (Fault::Close, 1),
            "half" => (Fault::Half, 1),
            "exception" => {
                let code = number("an exception code")?;
                (
                    Fault::Exception(u8::try_from(code).map_err(|_| format!("{code} is no byte"))?),
                    2,
                )
            }
            other => return Err(format!("{other} is no fault")),
        };
        Ok(fault)
    }

    /// The answer's ADU as this fault leaves it.
    pub fn distort(self, mut adu: Vec<u8>) -> Vec<u8> {
        match self {
            Fault::WrongTransaction => adu[1] ^= 0x55,
            Fault::WrongUnit => adu[6] ^= 0x55,
            // A function that reads stays one that reads: 3 becomes 4, 1 becomes 2.
            Fault::WrongFunction => {
                adu[7] = if adu[7].is_multiple_of(2) {
                    adu[7] - 1
                } else {
                    adu[7] + 1
                }
            }
            Fault::WrongCount => wrong_count(&mut adu),
            Fault::WrongEcho if reads(adu[7]) => adu[8] = adu[8].wrapping_add(1),
            Fault::WrongEcho => *adu.get_mut(9).unwrap_or(&mut 0) ^= 1,
            _ => {}
        }
        adu
    }
}

fn reads(function: u8) -> bool {
    matches!(function, 1..=4 | 23)
}

fn wrong_count(adu: &mut Vec<u8>) {
    match adu[7] {
        function if reads(function) => {
            // One value less: a register, or a byte of bits.
            let value = if function <= 2 { 1 } else { 2 };
            adu.truncate(adu.len() - value);
            adu[8] -= u8::try_from(value).expect("one or two");
        }
        15 | 16 => adu[11] = adu[11].wrapping_add(1),
        _ => {
            adu.pop();
        }
    }
    let length = u16::try_from(adu.len() - 6).expect("at most 254");
    adu[4..6].copy_from_slice(&length.to_be_bytes());
}

/// Faults in the order in which requests will meet them.
#[derive(Default)]
pub struct Script {
    steps: VecDeque<(Fault, Option<u32>)>,
}

impl Script {
    /// `NAME [ARGUMENT] [COUNT|always]`: for that many further requests, one if nothing is said.
    pub fn add(&mut self, words: &[&str]) -> Result<(), String> {
        let (fault, used) = Fault::parse(words)?;
        let count = match words[used..] {
            [] => Some(1),
            ["always"] => None,
            [count] => match count.parse() {
                Ok(0) | Err(_) => return Err(format!("{count} is no count")),
                Ok(count) => Some(count),
            },
            _ => return Err(format!("too many words after {}", words[0])),
        };
        self.steps.push_back((fault, count));
        Ok(())
    }

    /// Behaves from now on.
    pub fn clear(&mut self) {
        self.steps.clear();
    }

    /// What happens to the request at hand.
    pub fn next_fault(&mut self) -> Option<Fault> {
        let (fault, left) = self.steps.front_mut()?;
        let fault = *fault;
        match left {
            None => {}
            Some(1) => {
                self.steps.pop_front();
            }
            Some(left) => *left -= 1,
        }
        Some(fault)
    }
}

#[test]
fn a_script_runs_in_order_and_ends() {
    let mut script = Script::default();
    script.add(&["silent", "2"]).unwrap();
    script.add(&["exception", "6"]).unwrap();
    let seen: Vec<_> = std::iter::from_fn(|| script.next_fault()).collect();
    assert_eq!(seen, [Fault::Silent, Fault::Silent, Fault::Exception(6)]);
    script.add(&["delay", "5", "always"]).unwrap();
    assert!((0..9).all(|_| script.next_fault() == Some(Fault::Delay(Duration::from_millis(5)))));
    script.clear();
    assert_eq!(script.next_fault(), None);
    for wrong in [
        &["silent", "0"][..],
        &["late"],
        &["exception", "300"],
        &["nice"],
        &["close", "1", "2"],
        &[],
    ] {
        assert!(script.add(wrong).is_err(), "{wrong:?}");
    }
}
