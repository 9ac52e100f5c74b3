//! Passes over JSON text without building it, and checks it on the way.
//!
//! serde_json does this too (IgnoredAny), in WebAssembly at two thirds of the speed: most of a query over lines is this. It takes
//! what Python's json takes, but for NaN, Infinity and a depth of more than 127.

use crate::long::MOST_DIGITS;
use std::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, v128_load, v128_or};

/// As deep as serde_json goes, which says what is wrong with a text.
const DEPTH: usize = 127;

/// It is not JSON.
#[derive(Debug)]
pub struct Broken;

type Passed<T> = Result<T, Broken>;

/// A place in JSON text. `beyond`: something was passed that no other JSON can hold than Python's, a half of a surrogate pair or
/// a number beyond the range of floats.
pub struct Scanner<'a> {
    pub text: &'a str,
    pub place: usize,
    pub beyond: bool,
    depth: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, place: 0, beyond: false, depth: 0 }
    }

    /// The next byte that is no space; 0 at the end.
    pub fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(self.place) {
            self.place += 1;
        }
        bytes.get(self.place).copied().unwrap_or(0)
    }

    /// Passes this byte, which must be the next.
    pub fn expect(&mut self, byte: u8) -> Passed<()> {
        if self.peek() != byte {
            return Err(Broken);
        }
        self.place += 1;
        Ok(())
    }

    /// Passes all there is: what `pass` does, and spaces.
    pub fn whole<T>(&mut self, pass: impl FnOnce(&mut Self) -> Passed<T>) -> Passed<T> {
        let passed = pass(self)?;
        self.peek();
        if self.place == self.text.len() {
            Ok(passed)
        } else {
            Err(Broken)
        }
    }

    /// Passes a string: its text between the quotes, and whether there are escapes in it.
    pub fn string(&mut self) -> Passed<(&'a str, bool)> {
        self.expect(b'"')?;
        let start = self.place;
        let mut escapes = false;
        loop {
            self.place = special(self.text.as_bytes(), self.place);
            match self.text.as_bytes().get(self.place) {
                Some(b'"') => {
                    self.place += 1;
                    return Ok((&self.text[start..self.place - 1], escapes));
                }
                Some(b'\\') => {
                    escapes = true;
                    self.escape()?;
                }
                _ => return Err(Broken),
            }
        }
    }

    fn escape(&mut self) -> Passed<()> {
        self.place += 2;
        match self.text.as_bytes().get(self.place - 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => return Ok(()),
            Some(b'u') => {}
            _ => return Err(Broken),
        }
        // Of a pair both halves: a first one with the second behind it.
        match self.code_unit()? {
            0xD800..=0xDBFF if self.text[self.place..].starts_with("\\u") => {
                let behind = self.place;
                self.place += 2;
                if !(0xDC00..=0xDFFF).contains(&self.code_unit()?) {
                    self.place = behind;
                    self.beyond = true;
                }
            }
            0xD800..=0xDFFF => self.beyond = true,
            _ => {}
        }
        Ok(())
    }

    fn code_unit(&mut self) -> Passed<u32> {
        let digits =
            self.text.get(self.place..self.place + 4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        self.place += 4;
        u32::from_str_radix(digits.ok_or(Broken)?, 16).map_err(|_| Broken)
    }

    /// Passes any value: its text.
    pub fn value(&mut self) -> Passed<&'a str> {
        let first = self.peek();
        let start = self.place;
        self.pass(first)?;
        Ok(&self.text[start..self.place])
    }

    fn pass(&mut self, first: u8) -> Passed<()> {
        match first {
            b'"' => self.string().map(drop),
            b'{' => self.members(),
            b'[' => self.items(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number(),
        }
    }

    fn members(&mut self) -> Passed<()> {
        let mut more = self.open(b'{', b'}')?;
        while more {
            self.string()?;
            self.expect(b':')?;
            let first = self.peek();
            self.pass(first)?;
            more = self.more(b'}')?;
        }
        Ok(())
    }

    fn items(&mut self) -> Passed<()> {
        let mut more = self.open(b'[', b']')?;
        while more {
            let first = self.peek();
            self.pass(first)?;
            more = self.more(b']')?;
        }
        Ok(())
    }

    /// Passes an opening bracket: whether something is in it. If not, the closing one is passed too.
    pub fn open(&mut self, opening: u8, closing: u8) -> Passed<bool> {
        self.expect(opening)?;
        if self.depth == DEPTH {
            return Err(Broken);
        }
        if self.peek() == closing {
            self.place += 1;
            return Ok(false);
        }
        self.depth += 1;
        Ok(true)
    }

    /// Passes a comma, or the closing bracket: whether something follows in it.
    pub fn more(&mut self, closing: u8) -> Passed<bool> {
        let next = self.peek();
        if next == b',' {
            self.place += 1;
            return Ok(true);
        }
        if next != closing {
            return Err(Broken);
        }
        self.place += 1;
        self.depth -= 1;
        Ok(false)
    }

    fn word(&mut self, word: &str) -> Passed<()> {
        if !self.text.as_bytes()[self.place..].starts_with(word.as_bytes()) {
            return Err(Broken);
        }
        self.place += word.len();
        Ok(())
    }

    /// RFC 8259, section 6: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
    fn number(&mut self) -> Passed<()> {
        let bytes = self.text.as_bytes();
        let at = |place: usize| bytes.get(place).copied().unwrap_or(0);
        let digits =
            |place: usize| place + bytes[place.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let start = self.place + usize::from(at(self.place) == b'-');
        let mut end = digits(start);
        if end == start || (at(start) == b'0' && end > start + 1) {
            return Err(Broken);
        }
        let whole_digits = end - start;
        let mut is_float = false;
        if at(end) == b'.' {
            let point = end;
            end = digits(point + 1);
            if end == point + 1 {
                return Err(Broken);
            }
            is_float = true;
        }
        let has_exponent = matches!(at(end), b'e' | b'E');
        if has_exponent {
            let exponent = end + 1 + usize::from(matches!(at(end + 1), b'+' | b'-'));
            end = digits(exponent);
            if end == exponent {
                return Err(Broken);
            }
            is_float = true;
        }
        if !is_float && whole_digits >= MOST_DIGITS {
            // With a sign it is more than the host's reader takes.
            self.beyond = true;
            if whole_digits > MOST_DIGITS {
                return Err(Broken);
            }
        }
        // Beyond a float's range; without an exponent so many digits are needed.
        let written = &self.text[self.place..end];
        if is_float && (has_exponent || written.len() > 300) {
            self.beyond |= !written.parse().map_or(false, f64::is_finite);
        }
        self.place = end;
        Ok(())
    }
}

/// The first quote, backslash or control character at `place` or later, or the end; sixteen bytes at a time.
fn special(bytes: &[u8], mut place: usize) -> usize {
    let (quote, backslash, space) = (u8x16_splat(b'"'), u8x16_splat(b'\\'), u8x16_splat(b' '));
    while place + 16 <= bytes.len() {
        // The sixteen bytes are there.
        let found = unsafe { v128_load(bytes.as_ptr().add(place).cast()) };
        let mask = u8x16_bitmask(v128_or(v128_or(u8x16_eq(found, quote), u8x16_eq(found, backslash)), u8x16_lt(found, space)));
        if mask != 0 {
            return place + mask.trailing_zeros() as usize;
        }
        place += 16;
    }
    let is_special = |&byte: &u8| byte == b'"' || byte == b'\\' || byte < b' ';
    place + bytes[place..].iter().position(is_special).unwrap_or(bytes.len() - place)
}
