//! A result that is a list: written as it grows, up to what the host takes.

use crate::{keep, Error, Value};

/// Bytes of a list: the host takes 16 MiB of all that a call answers.
pub const MOST_OF_LIST: usize = (16 << 20) - 4096;

/// Items of JSON. Beyond what the host takes they are only counted.
pub struct List {
    json: Vec<u8>,
    count: u64,
}

impl Default for List {
    fn default() -> List {
        List { json: vec![b'['], count: 0 }
    }
}

impl List {
    pub fn add(&mut self, item: &Value) -> Result<(), Error> {
        self.add_written(item.to_string().as_bytes())
    }

    /// One that is JSON already.
    pub fn add_written(&mut self, item: &[u8]) -> Result<(), Error> {
        self.count += 1;
        if self.is_full() {
            return Ok(());
        }
        let (json, count) = (&mut self.json, self.count);
        keep(|| json.try_reserve(item.len() + 2).is_ok(), || format!("{count} items so far: ask for fewer with limit="))?;
        if count > 1 {
            json.push(b',');
        }
        json.extend_from_slice(item);
        if self.is_full() {
            self.json = Vec::new();
        }
        Ok(())
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The list; or an error with how many `items` there are, and how to ask for `less`.
    pub fn end(mut self, items: &str, less: &str) -> Result<Vec<u8>, Error> {
        if self.is_full() {
            return Err(Error(format!("{} {items} are more than the 16 MiB that a result may have: {less}", self.count)));
        }
        self.json.push(b']');
        Ok(self.json)
    }

    fn is_full(&self) -> bool {
        self.json.is_empty() || self.json.len() > MOST_OF_LIST
    }
}
