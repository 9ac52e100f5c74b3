//! The input, read piece by piece: memory does not grow with it.

use crate::memory::{keep, reserve};
use crate::{ahead, Error};

/// Bytes that are read at once, unless a window grows. Half as many cost a literal's search a twentieth: more calls of the host.
const PIECE: usize = 1 << 19;
/// Bytes; the host refuses more.
const MOST_AT_ONCE: usize = 1 << 24;

/// One text of the input, of `length` bytes of valid UTF-8.
#[derive(Clone, Copy)]
pub struct Document {
    pub number: Option<usize>,
    pub(crate) start: u64,
    pub length: u64,
}

impl Document {
    /// A window at its beginning.
    pub fn open(&self) -> Result<Window, Error> {
        let mut window = Window { document: *self, offset: 0, buffer: Vec::new() };
        window.advance(0)?;
        Ok(window)
    }
}

/// A part of a document: what is looked at now.
pub struct Window {
    document: Document,
    offset: u64,
    buffer: Vec<u8>,
}

impl Window {
    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// The window as text, without a character that its end cuts. Whoever advances must not cut one either: cut at line ends,
    /// or at a `boundary`.
    pub fn text(&self) -> &str {
        let end = boundary(&self.buffer, self.buffer.len());
        // The host hands out valid UTF-8 only, and windows begin at character boundaries.
        unsafe { std::str::from_utf8_unchecked(&self.buffer[..end]) }
    }

    /// Where it begins, in bytes of the document.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the document ends with it.
    pub fn at_end(&self) -> bool {
        self.offset + self.buffer.len() as u64 == self.document.length
    }

    /// Lets go of the first `done` bytes and reads on; one that is never let go of doubles.
    pub fn advance(&mut self, done: usize) -> Result<(), Error> {
        self.buffer.drain(..done);
        self.offset += done as u64;
        let end = self.offset + self.buffer.len() as u64;
        let more = (self.document.length - end).min(self.buffer.len().max(PIECE) as u64) as usize;
        let document = self.document.length;
        reserve(&mut self.buffer, more, || {
            format!("what belongs together has more than {end} of the text's {document} bytes")
        })?;
        self.read(self.buffer.len() + more)
    }

    /// Reads on until so much is at hand, or all, in memory that is taken once.
    pub fn fill(&mut self, length: u64) -> Result<(), Error> {
        let wanted = length.min(self.document.length - self.offset) as usize;
        let more = wanted.saturating_sub(self.buffer.len());
        keep(|| self.buffer.try_reserve_exact(more).is_ok(), || format!("{wanted} bytes of text are needed at once"))?;
        while self.buffer.len() < wanted {
            self.read(wanted)?;
        }
        Ok(())
    }

    /// Reads on to `wanted` bytes, or to as many as the host has at hand.
    fn read(&mut self, wanted: usize) -> Result<(), Error> {
        while self.buffer.len() < wanted {
            let piece = (wanted - self.buffer.len()).min(MOST_AT_ONCE);
            let place = self.document.start + self.offset + self.buffer.len() as u64;
            match ahead::read(place, piece, &mut self.buffer) {
                0 => return Err(Error("the input ended before its length".into())),
                // The host may give less than it is asked for.
                read if read < piece => break,
                _ => {}
            }
        }
        Ok(())
    }

    /// Calls `each(line, its number from 1)` for every line, without its end (\n or \r\n), until it returns false.
    pub fn lines(mut self, mut each: impl FnMut(&str, u64) -> Result<bool, Error>) -> Result<(), Error> {
        let mut number = 0;
        while !self.buffer.is_empty() {
            let at_end = self.at_end();
            let whole = self.buffer.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
            let whole = if at_end { self.buffer.len() } else { whole };
            let text = unsafe { std::str::from_utf8_unchecked(&self.buffer[..whole]) };
            for line in text.split_inclusive('\n') {
                number += 1;
                let line = line.strip_suffix('\n').unwrap_or(line);
                let line = line.strip_suffix('\r').unwrap_or(line);
                if !each(line, number)? {
                    return Ok(());
                }
            }
            self.advance(whole)?;
        }
        Ok(())
    }
}

/// The last place at or before `end` that is not within a character.
pub fn boundary(bytes: &[u8], mut end: usize) -> usize {
    while end > 0 && end < bytes.len() && bytes[end] & 0xC0 == 0x80 {
        end -= 1;
    }
    if end == bytes.len() {
        // The last character may be cut.
        let first = (1..=end.min(4)).find(|back| bytes[end - back] & 0xC0 != 0x80);
        if let Some(back) = first {
            let lead = bytes[end - back];
            let length = if lead < 0x80 {
                1
            } else if lead < 0xE0 {
                2
            } else if lead < 0xF0 {
                3
            } else {
                4
            };
            if back < length {
                end -= back;
            }
        }
    }
    end
}
