//! What a module says if it cannot answer.

use std::fmt::Display;

/// A message for the model: what is wrong, and what to do instead.
#[derive(Debug)]
pub struct Error(pub String);

impl<T: Display> From<T> for Error {
    fn from(message: T) -> Self {
        Error(message.to_string())
    }
}
