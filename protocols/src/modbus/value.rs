//! Numbers in registers: the types and word orders that plants use.

/// What one or two registers hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DataType {
    /// Unsigned, 16 bits.
    U16,
    /// Two's complement, 16 bits.
    I16,
    /// Unsigned, 32 bits.
    U32,
    /// Two's complement, 32 bits.
    I32,
    /// IEEE 754, 32 bits.
    F32,
}

impl DataType {
    /// All of them.
    pub const ALL: [DataType; 5] = [
        DataType::U16,
        DataType::I16,
        DataType::U32,
        DataType::I32,
        DataType::F32,
    ];

    /// How many registers a value takes.
    pub const fn registers(self) -> u16 {
        match self {
            DataType::U16 | DataType::I16 => 1,
            DataType::U32 | DataType::I32 | DataType::F32 => 2,
        }
    }

    /// The word used in configuration and screens.
    pub const fn name(self) -> &'static str {
        match self {
            DataType::U16 => "u16",
            DataType::I16 => "i16",
            DataType::U32 => "u32",
            DataType::I32 => "i32",
            DataType::F32 => "f32",
        }
    }

    /// The reverse of [`DataType::name`].
    pub fn from_name(name: &str) -> Option<DataType> {
        DataType::ALL.into_iter().find(|t| t.name() == name)
    }
}

/// How the four bytes of a 32-bit value, A the highest, lie in two registers. A value of one
/// register is always big-endian: the standard leaves no choice there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WordOrder {
    /// High word first.
    Abcd,
    /// Low word first.
    Cdab,
    /// High word first, bytes swapped inside each word.
    Badc,
    /// Low word first, bytes swapped inside each word.
    Dcba,
}

impl WordOrder {
    /// All of them.
    pub const ALL: [WordOrder; 4] = [
        WordOrder::Abcd,
        WordOrder::Cdab,
        WordOrder::Badc,
        WordOrder::Dcba,
    ];

    /// The word used in configuration and screens.
    pub const fn name(self) -> &'static str {
        match self {
            WordOrder::Abcd => "abcd",
            WordOrder::Cdab => "cdab",
            WordOrder::Badc => "badc",
            WordOrder::Dcba => "dcba",
        }
    }

    /// The reverse of [`WordOrder::name`].
    pub fn from_name(name: &str) -> Option<WordOrder> {
        WordOrder::ALL
            .into_iter()
            .find(|order| order.name() == name)
    }

    /// From the order of the value to that of the registers, and back: each order undoes itself.
    const fn arrange(self, [a, b, c, d]: [u8; 4]) -> [u8; 4] {
        match self {
            WordOrder::Abcd => [a, b, c, d],
            WordOrder::Cdab => [c, d, a, b],
            WordOrder::Badc => [b, a, d, c],
            WordOrder::Dcba => [d, c, b, a],
        }
    }
}

/// The one or two registers of an encoded value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegistersBuf {
    one: bool,
    words: [u16; 2],
    bytes: [u8; 4],
}

impl RegistersBuf {
    fn single(word: u16) -> RegistersBuf {
        let [high, low] = word.to_be_bytes();
        RegistersBuf {
            one: true,
            words: [word, 0],
            bytes: [high, low, 0, 0],
        }
    }

    fn double(order: WordOrder, value: [u8; 4]) -> RegistersBuf {
        let [a, b, c, d] = order.arrange(value);
        RegistersBuf {
            one: false,
            words: [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])],
            bytes: [a, b, c, d],
        }
    }

    /// The registers.
    pub fn as_slice(&self) -> &[u16] {
        let [first, _] = &self.words;
        if self.one {
            core::slice::from_ref(first)
        } else {
            &self.words
        }
    }

    /// The same as bytes, ready for a write.
    pub fn as_bytes(&self) -> &[u8] {
        let (first, _) = self.bytes.split_at(2);
        if self.one { first } else { &self.bytes }
    }
}

/// The number that registers hold. `None` unless there are exactly as many as the type takes.
/// NaN and the infinities are returned as such: they lie outside every limit.
pub fn decode(data_type: DataType, order: WordOrder, registers: &[u16]) -> Option<f64> {
    let value = match (data_type, registers) {
        (DataType::U16, &[word]) => f64::from(word),
        (DataType::I16, &[word]) => f64::from(word.cast_signed()),
        (DataType::U32, &[first, second]) => {
            f64::from(u32::from_be_bytes(pair(order, first, second)))
        }
        (DataType::I32, &[first, second]) => {
            f64::from(i32::from_be_bytes(pair(order, first, second)))
        }
        (DataType::F32, &[first, second]) => {
            f64::from(f32::from_be_bytes(pair(order, first, second)))
        }
        _ => return None,
    };
    Some(value)
}

/// The registers that hold a number. For the integer types `None` unless the number is whole and
/// in range: rounding is for the caller, who knows the scale. A float is rounded to the nearest
/// that 32 bits can hold; `None` where that is not finite.
pub fn encode(data_type: DataType, order: WordOrder, value: f64) -> Option<RegistersBuf> {
    match data_type {
        DataType::U16 => {
            let word = u16::try_from(whole_u32(value)?).ok()?;
            Some(RegistersBuf::single(word))
        }
        DataType::I16 => {
            let word = i16::try_from(whole_i32(value)?).ok()?;
            Some(RegistersBuf::single(word.cast_unsigned()))
        }
        DataType::U32 => Some(RegistersBuf::double(order, whole_u32(value)?.to_be_bytes())),
        DataType::I32 => Some(RegistersBuf::double(order, whole_i32(value)?.to_be_bytes())),
        DataType::F32 => {
            let near = nearest_f32(value);
            near.is_finite()
                .then(|| RegistersBuf::double(order, near.to_be_bytes()))
        }
    }
}

fn pair(order: WordOrder, first: u16, second: u16) -> [u8; 4] {
    let [a, b] = first.to_be_bytes();
    let [c, d] = second.to_be_bytes();
    order.arrange([a, b, c, d])
}

// The three conversions that only `as` can make. It saturates and turns NaN into 0, so comparing
// with the way back finds every value that did not survive.

#[expect(
    clippy::as_conversions,
    reason = "no other way from f64; checked by the way back"
)]
fn whole_u32(value: f64) -> Option<u32> {
    let whole = value as u32;
    (f64::from(whole) == value).then_some(whole)
}

#[expect(
    clippy::as_conversions,
    reason = "no other way from f64; checked by the way back"
)]
fn whole_i32(value: f64) -> Option<i32> {
    let whole = value as i32;
    (f64::from(whole) == value).then_some(whole)
}

#[expect(
    clippy::as_conversions,
    reason = "rounds to nearest; the caller checks for infinity"
)]
fn nearest_f32(value: f64) -> f32 {
    value as f32
}
