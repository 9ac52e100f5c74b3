//! How often each value occurs.

use rlm_module::{json, keep, Error, Quick, Value};
use std::collections::HashMap;

/// Of each value how often it was added.
#[derive(Default)]
pub struct Counter {
    counts: HashMap<Box<str>, u64, Quick>,
    total: u64,
    bytes: usize,
}

impl Counter {
    pub fn add(&mut self, value: &str) -> Result<(), Error> {
        self.total += 1;
        if let Some(count) = self.counts.get_mut(value) {
            *count += 1;
            return Ok(());
        }
        let (distinct, bytes) = (self.counts.len(), self.bytes);
        let mut text = String::new();
        keep(
            || self.counts.try_reserve(1).is_ok() && text.try_reserve(value.len()).is_ok(),
            || {
                format!(
                "{distinct} different values ({bytes} bytes of text) are counted so far, and each takes some 40 bytes more: \
                 narrow the pattern, or work on a part of the text"
            )
            },
        )?;
        text.push_str(value);
        self.bytes += value.len();
        self.counts.insert(text.into_boxed_str(), 1);
        Ok(())
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    pub fn distinct(&self) -> usize {
        self.counts.len()
    }

    /// The `k` most frequent values, by count, then by value.
    pub fn top(&self, k: usize) -> Vec<(&str, u64)> {
        let mut all: Vec<(&str, u64)> = self.counts.iter().map(|(value, &count)| (&**value, count)).collect();
        let order = |one: &(&str, u64), other: &(&str, u64)| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0));
        if k < all.len() {
            all.select_nth_unstable_by(k, order);
            all.truncate(k);
        }
        all.sort_unstable_by(order);
        all
    }

    /// The `k` most frequent values as JSON: [value, count] of each.
    pub fn pairs(&self, k: usize) -> Vec<Value> {
        self.top(k).into_iter().map(|(value, count)| json!([value, count])).collect()
    }
}
