//! A module for the sandbox: one function from request to result (ABI version 1, ../README.md).
//!
//! ```ignore
//! fn answer(request: &Request) -> Result<Value, Error> {
//!     let mut lines = 0u64;
//!     for document in request.documents() {
//!         let mut window = document.open()?;
//!         while !window.bytes().is_empty() {
//!             lines += window.bytes().iter().filter(|&&byte| byte == b'\n').count() as u64;
//!             window.advance(window.bytes().len())?;
//!         }
//!     }
//!     Ok(json!(lines))
//! }
//! rlm_module::export!(answer);
//! ```

pub mod abi;
mod ahead;
mod document;
mod error;
mod hash;
mod list;
mod memory;
mod request;

pub use abi::{llm_query, Written};
pub use document::{boundary, Document, Window};
pub use error::Error;
pub use hash::Quick;
pub use list::{List, MOST_OF_LIST};
pub use memory::{keep, reserve};
pub use request::{arguments, row, Request};
pub use serde_json::{json, Map, Value};

/// The exports of a module whose work `$answer: fn(&Request) -> Result<Value, Error>` does; instead of a `Value` it may give JSON
/// that is `Written`.
#[macro_export]
macro_rules! export {
    ($answer:path) => {
        const _: () = {
            #[no_mangle]
            extern "C" fn rlm_abi_version() -> i32 {
                $crate::abi::VERSION
            }

            #[no_mangle]
            extern "C" fn alloc(length: i32) -> i32 {
                $crate::abi::alloc(length)
            }

            #[no_mangle]
            extern "C" fn run(request: i32, length: i32) -> i32 {
                $crate::abi::run(request, length, $answer)
            }
        };
    };
}
