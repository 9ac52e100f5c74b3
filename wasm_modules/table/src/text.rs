//! Texts as JSON can write them: Unicode, and halves of surrogate pairs that stand alone.

use std::borrow::Cow;

/// Bytes of UTF-8, or with such halves in it (WTF-8). Bytes are in the order of code points.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Text<'a>(Cow<'a, [u8]>);

impl<'a> Text<'a> {
    /// Of what stands between quotes in JSON that was scanned.
    pub fn of_json(written: &'a str, escapes: bool) -> Text<'a> {
        Text(if escapes { Cow::Owned(without_escapes(written)) } else { Cow::Borrowed(written.as_bytes()) })
    }

    /// Of those of a text.
    pub fn of_bytes(bytes: &'a [u8]) -> Text<'a> {
        Text(Cow::Borrowed(bytes))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn contains(&self, part: &Text) -> bool {
        contains(&self.0, &part.0)
    }

    pub fn into_owned(self) -> Text<'static> {
        Text(Cow::Owned(self.0.into_owned()))
    }

    /// As JSON; a half of a pair as \uD800.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut rest: &[u8] = &self.0;
        out.push(b'"');
        loop {
            let valid = std::str::from_utf8(rest).map_or_else(|error| error.valid_up_to(), str::len);
            // Up to there it is valid.
            write_escaped(unsafe { std::str::from_utf8_unchecked(&rest[..valid]) }, out);
            match rest[valid..] {
                [_, second, third, ..] => {
                    let half = 0xD000 | u32::from(second & 0x3F) << 6 | u32::from(third & 0x3F);
                    out.extend_from_slice(format!("\\u{half:04x}").as_bytes());
                    rest = &rest[valid + 3..];
                }
                _ => break,
            }
        }
        out.push(b'"');
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Text<'a> {
        Text(Cow::Borrowed(text.as_bytes()))
    }
}

impl From<String> for Text<'static> {
    fn from(text: String) -> Text<'static> {
        Text(Cow::Owned(text.into_bytes()))
    }
}

/// Between quotes.
fn write_escaped(text: &str, out: &mut Vec<u8>) {
    let mut begin = 0;
    for (place, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[begin..place]);
        begin = place + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
    }
    out.extend_from_slice(&text.as_bytes()[begin..]);
}

fn without_escapes(written: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(written.len());
    let mut parts = written.split('\\');
    text.extend_from_slice(parts.next().unwrap_or("").as_bytes());
    let mut first_half: Option<u32> = None;
    while let Some(part) = parts.next() {
        let before = first_half.take();
        match part.as_bytes().first() {
            // An escaped backslash: what follows is no escape.
            None => {
                text.push(b'\\');
                text.extend_from_slice(parts.next().unwrap_or("").as_bytes());
            }
            Some(b'u') => {
                let unit = u32::from_str_radix(&part[1..5], 16).unwrap_or(0);
                match before {
                    Some(half) if (0xDC00..0xE000).contains(&unit) => {
                        text.truncate(text.len() - 3);
                        push(0x10000 + ((half - 0xD800) << 10) + (unit - 0xDC00), &mut text);
                    }
                    _ => push(unit, &mut text),
                }
                if part.len() == 5 && (0xD800..0xDC00).contains(&unit) {
                    first_half = Some(unit);
                }
                text.extend_from_slice(&part.as_bytes()[5..]);
            }
            Some(letter) => {
                text.push(match letter {
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    other => *other,
                });
                text.extend_from_slice(&part.as_bytes()[1..]);
            }
        }
    }
    text
}

/// As UTF-8 would write it, a half of a pair too.
fn push(point: u32, text: &mut Vec<u8>) {
    match char::from_u32(point) {
        Some(character) => text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        None => text.extend([0xE0 | point >> 12, 0x80 | point >> 6 & 0x3F, 0x80 | point & 0x3F].map(|byte| byte as u8)),
    }
}

/// Whether bytes are within others. Those of two texts: characters are not cut.
fn contains(whole: &[u8], part: &[u8]) -> bool {
    match (std::str::from_utf8(whole), std::str::from_utf8(part)) {
        (Ok(whole), Ok(part)) => whole.contains(part),
        _ => part.is_empty() || whole.windows(part.len()).any(|window| window == part),
    }
}
