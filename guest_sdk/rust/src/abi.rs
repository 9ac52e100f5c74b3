//! The raw imports and exports; the only file that handles pointers.

use crate::{memory, Error, Request};
use serde::Deserialize;
use serde_json::{json, Value};

pub const VERSION: i32 = 1;

#[link(wasm_import_module = "rlm")]
extern "C" {
    #[link_name = "context_len"]
    fn host_context_len() -> i64;
    #[link_name = "context_read"]
    fn host_context_read(offset: i64, length: i32, destination: *mut u8) -> i32;
    #[link_name = "llm_query"]
    fn host_llm_query(prompts: *const u8, length: i32) -> i64;
    #[link_name = "emit"]
    fn host_emit(bytes: *const u8, length: i32);
}

/// Bytes of all that the module works on.
pub fn context_len() -> u64 {
    unsafe { host_context_len() as u64 }
}

/// Appends [offset, offset + length) of the input to `buffer`, or less at its end: how many bytes. `buffer` must have the
/// capacity already.
pub fn context_read(offset: u64, length: usize, buffer: &mut Vec<u8>) -> usize {
    assert!(buffer.capacity() - buffer.len() >= length);
    unsafe {
        let end = buffer.as_mut_ptr().add(buffer.len());
        let read = host_context_read(offset as i64, length as i32, end) as usize;
        buffer.set_len(buffer.len() + read);
        read
    }
}

/// Asks a sub-model every prompt, all at once: an answer for each, or why there is none. Each counts as a sub-call.
pub fn llm_query(prompts: &[String]) -> Result<Vec<Result<String, String>>, Error> {
    /// One of the two is there.
    #[derive(Deserialize)]
    struct Reply {
        text: Option<String>,
        error: Option<String>,
    }
    let asked = serde_json::to_vec(prompts)?;
    let packed = unsafe { host_llm_query(asked.as_ptr(), asked.len() as i32) } as u64;
    let replies: Vec<Reply> = serde_json::from_slice(&take_back((packed >> 32) as i32, packed as u32 as i32))?;
    Ok(replies.into_iter().map(|each| each.text.ok_or_else(|| each.error.unwrap_or_default())).collect())
}

/// Room that the host writes to; `take_back` makes a vector of it again.
pub fn alloc(length: i32) -> i32 {
    let mut room = Vec::<u8>::with_capacity(length as usize);
    let address = room.as_mut_ptr();
    std::mem::forget(room);
    address as i32
}

fn take_back(address: i32, length: i32) -> Vec<u8> {
    unsafe { Vec::from_raw_parts(address as *mut u8, length as usize, length as usize) }
}

/// JSON that is written already.
pub struct Written(pub Vec<u8>);

impl From<Value> for Written {
    fn from(value: Value) -> Written {
        Written(value.to_string().into_bytes())
    }
}

/// Emits the result (0), or {"error": message} (1).
pub fn run<T: Into<Written>>(request: i32, length: i32, answer: fn(&Request) -> Result<T, Error>) -> i32 {
    memory::keep_some();
    std::panic::set_hook(Box::new(|info| last_words(&format!("internal error: {info}"))));
    let text = take_back(request, length);
    match serde_json::from_slice(&text).map_err(Error::from).and_then(|request| answer(&request)) {
        Ok(value) => emit(&value.into().0),
        Err(Error(message)) => {
            last_words(&message);
            return 1;
        }
    }
    0
}

/// Why there will be no result.
pub fn last_words(message: &str) {
    emit(json!({ "error": message }).to_string().as_bytes());
}

fn emit(bytes: &[u8]) {
    unsafe { host_emit(bytes.as_ptr(), bytes.len() as i32) }
}
