//! Paths into JSON values: names with points between them, [0] for an item, [*] for every item, ["a.b"] for any name.

use rlm_module::{Error, Value};

/// From a value to one inside it, or to all.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Name(String),
    Index(u64),
    All,
}

/// As it is written, and the steps that it stands for.
pub struct Path {
    pub written: String,
    pub steps: Vec<Step>,
}

impl Path {
    /// "" is the whole value.
    pub fn parse(written: &str) -> Result<Path, Error> {
        let wrong = || Error(format!("{written:?} is not a path like user.address.city, items[*].price or [\"a.b\"]"));
        let mut steps = Vec::new();
        let mut rest = written;
        while !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix('[') {
                let (step, length) = bracket(inside).ok_or_else(wrong)?;
                steps.push(step);
                rest = &inside[length..];
                continue;
            }
            let name = match rest.strip_prefix('.') {
                Some(behind) if !steps.is_empty() => behind,
                None if steps.is_empty() => rest,
                _ => return Err(wrong()),
            };
            let end = name.find(|character| character == '.' || character == '[').unwrap_or(name.len());
            if end == 0 {
                return Err(wrong());
            }
            steps.push(Step::Name(name[..end].into()));
            rest = &name[end..];
        }
        Ok(Path { written: written.into(), steps })
    }

    pub fn has_all(&self) -> bool {
        self.steps.contains(&Step::All)
    }
}

/// A step in brackets, and how long it is with the closing one.
fn bracket(inside: &str) -> Option<(Step, usize)> {
    if inside.starts_with('"') {
        let mut names = serde_json::Deserializer::from_str(inside).into_iter::<String>();
        let name = names.next()?.ok()?;
        let length = names.byte_offset();
        return inside[length..].starts_with(']').then(|| (Step::Name(name), length + 1));
    }
    let end = inside.find(']')?;
    let step = match &inside[..end] {
        "*" => Step::All,
        index => Step::Index(index.parse().ok()?),
    };
    Some((step, end + 1))
}

/// Calls `each` for every value that the steps lead to. Gives whether they lead somewhere, if only to an empty list.
pub fn find<'v>(value: &'v Value, steps: &[Step], each: &mut dyn FnMut(&'v Value)) -> bool {
    let (step, rest) = match steps.split_first() {
        Some(split) => split,
        None => {
            each(value);
            return true;
        }
    };
    match (step, value) {
        (Step::Name(name), Value::Object(members)) => members.get(name).map_or(false, |inner| find(inner, rest, each)),
        (Step::Index(index), Value::Array(items)) => items.get(*index as usize).map_or(false, |inner| find(inner, rest, each)),
        (Step::All, Value::Array(items)) => items.iter().fold(items.is_empty(), |led, inner| find(inner, rest, each) || led),
        _ => false,
    }
}
