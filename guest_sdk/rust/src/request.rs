//! What a module is asked.

use crate::{abi, Document, Error};
use serde::de::DeserializeOwned;
use serde::Deserialize;
use serde_json::{Map, Value};

/// {"function", "args", "documents": the bytes of each, or null if the input is one text}.
#[derive(Deserialize)]
pub struct Request {
    pub function: String,
    args: Value,
    documents: Option<Vec<u64>>,
}

impl Request {
    /// The arguments. One that is missing is an error, or None if it is an Option. An unknown one is ignored, unless the type
    /// is marked with `#[serde(deny_unknown_fields)]`.
    pub fn args<T: DeserializeOwned>(&self) -> Result<T, Error> {
        arguments(self.args.clone())
    }

    /// For a function without arguments: one that is given is an error.
    pub fn no_args(&self) -> Result<(), Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct None {}
        self.args().map(|None {}| ())
    }

    /// The parts of the input: one text has no number.
    pub fn documents(&self) -> Vec<Document> {
        let lengths = match &self.documents {
            Some(lengths) => lengths,
            None => return vec![Document { number: None, start: 0, length: abi::context_len() }],
        };
        let mut start = 0;
        let mut documents = Vec::with_capacity(lengths.len());
        for (number, &length) in lengths.iter().enumerate() {
            documents.push(Document { number: Some(number), start, length });
            start += length;
        }
        documents
    }

    /// One answer for each document, with its number; for one text that answer itself.
    pub fn each(&self, mut answer: impl FnMut(&Document) -> Result<Map<String, Value>, Error>) -> Result<Value, Error> {
        let mut rows = Vec::new();
        for document in self.documents() {
            let mut found = row(&document);
            found.extend(answer(&document)?);
            rows.push(Value::Object(found));
        }
        Ok(if self.documents.is_some() { Value::Array(rows) } else { rows.swap_remove(0) })
    }

    /// The error for any other function than these.
    pub fn unknown<T>(&self, functions: &[&str]) -> Result<T, Error> {
        Err(Error(format!("there is no function {:?}; there are: {}", self.function, functions.join(", "))))
    }
}

/// Arguments, read from JSON. The message is for a model, which knows no Rust.
pub fn arguments<T: DeserializeOwned>(given: Value) -> Result<T, Error> {
    T::deserialize(given).map_err(|error| {
        let message = error.to_string().replace(" field ", " argument ").replace("a sequence", "a list");
        // What serde_json says of -1 and 2.5.
        let message = message.replace("invalid number", "invalid type: number, expected u64");
        let message = message.replace("there are no fields", "there are none").replace("a boolean", "true or false");
        Error(message.replace("u64", "a whole number from 0").replace("usize", "a whole number from 0"))
    })
}

/// The beginning of a result row: where it comes from.
pub fn row(document: &Document) -> Map<String, Value> {
    let mut row = Map::new();
    if let Some(number) = document.number {
        row.insert("document".into(), number.into());
    }
    row
}
