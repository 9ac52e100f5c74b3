//! Small reads of the input that follow each other, answered from a large one: a million documents of a line each must not
//! cost a call of the host each.

use crate::abi;
use crate::memory::reserve;
use std::cell::RefCell;

/// So much is read ahead.
const AHEAD: usize = 1 << 18;
/// A read of so much goes past that: to copy it once more would take longer than a call. (The window asks for a little less
/// than a piece, if it has kept the end of the last one.)
const LARGE: usize = AHEAD / 4;

#[derive(Default)]
struct Ahead {
    start: u64,
    bytes: Vec<u8>,
    /// Where the last small read ended.
    last: u64,
}

thread_local! {
    static AHEAD_OF: RefCell<Ahead> = RefCell::default();
}

/// Appends [offset, offset + length) to `buffer`, as far as the host has so much at hand. Its capacity must be reserved.
pub fn read(offset: u64, length: usize, buffer: &mut Vec<u8>) -> usize {
    if length >= LARGE {
        return abi::context_read(offset, length, buffer);
    }
    AHEAD_OF.with(|ahead| ahead.borrow_mut().read(offset, length, buffer))
}

impl Ahead {
    fn read(&mut self, offset: u64, length: usize, buffer: &mut Vec<u8>) -> usize {
        let follows = offset == self.last && offset > 0;
        self.last = offset + length as u64;
        if let Some(found) = self.held(offset, length) {
            buffer.extend_from_slice(found);
            return length;
        }
        self.bytes.clear();
        if !follows || reserve(&mut self.bytes, AHEAD, String::new).is_err() {
            return abi::context_read(offset, length, buffer);
        }
        self.start = offset;
        abi::context_read(offset, AHEAD, &mut self.bytes);
        let found = &self.bytes[..length.min(self.bytes.len())];
        buffer.extend_from_slice(found);
        found.len()
    }

    fn held(&self, offset: u64, length: usize) -> Option<&[u8]> {
        let first = offset.checked_sub(self.start)? as usize;
        self.bytes.get(first..first.checked_add(length)?)
    }
}
