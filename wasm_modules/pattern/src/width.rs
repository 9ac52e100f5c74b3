//! What a pattern can match, from its structure.

use regex_syntax::hir::{Class, Hir, HirKind, Literal, RepetitionKind, RepetitionRange};

/// Bytes of a match: at least, and at most if there is a most.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Width {
    pub least: usize,
    pub most: Option<usize>,
}

impl Width {
    fn fixed(bytes: usize) -> Width {
        Width { least: bytes, most: Some(bytes) }
    }

    fn then(self, next: Width) -> Width {
        let most = self.most.zip(next.most).and_then(|(one, other)| one.checked_add(other));
        Width { least: self.least.saturating_add(next.least), most }
    }

    fn or(self, other: Width) -> Width {
        Width { least: self.least.min(other.least), most: self.most.zip(other.most).map(|(one, two)| one.max(two)) }
    }

    fn times(self, least: u32, most: Option<u32>) -> Width {
        let most = match (self.most, most) {
            (Some(0), _) => Some(0),
            (Some(each), Some(times)) => each.checked_mul(times as usize),
            _ => None,
        };
        Width { least: self.least.saturating_mul(least as usize), most }
    }
}

pub fn of(hir: &Hir) -> Width {
    match hir.kind() {
        HirKind::Empty | HirKind::Anchor(_) | HirKind::WordBoundary(_) => Width::fixed(0),
        HirKind::Literal(Literal::Unicode(character)) => Width::fixed(character.len_utf8()),
        HirKind::Literal(Literal::Byte(_)) => Width::fixed(1),
        HirKind::Class(Class::Bytes(_)) => Width::fixed(1),
        HirKind::Class(Class::Unicode(class)) => {
            let ends = class.ranges().first().zip(class.ranges().last());
            let (least, most) = ends.map_or((0, 0), |(first, last)| (first.start().len_utf8(), last.end().len_utf8()));
            Width { least, most: Some(most) }
        }
        HirKind::Group(group) => of(&group.hir),
        HirKind::Concat(parts) => parts.iter().map(of).fold(Width::fixed(0), Width::then),
        HirKind::Alternation(parts) => parts.iter().map(of).reduce(Width::or).unwrap_or(Width::fixed(0)),
        HirKind::Repetition(repetition) => {
            let (least, most) = match repetition.kind {
                RepetitionKind::ZeroOrOne => (0, Some(1)),
                RepetitionKind::ZeroOrMore => (0, None),
                RepetitionKind::OneOrMore => (1, None),
                RepetitionKind::Range(RepetitionRange::Exactly(times)) => (times, Some(times)),
                RepetitionKind::Range(RepetitionRange::AtLeast(times)) => (times, None),
                RepetitionKind::Range(RepetitionRange::Bounded(least, most)) => (least, Some(most)),
            };
            of(&repetition.hir).times(least, most)
        }
    }
}

/// Whether a match can have a line end in it.
pub fn spans_lines(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Anchor(_) | HirKind::WordBoundary(_) => false,
        HirKind::Literal(Literal::Unicode(character)) => *character == '\n',
        HirKind::Literal(Literal::Byte(byte)) => *byte == b'\n',
        HirKind::Class(Class::Unicode(class)) => class.iter().any(|range| range.start() <= '\n' && '\n' <= range.end()),
        HirKind::Class(Class::Bytes(class)) => class.iter().any(|range| range.start() <= b'\n' && b'\n' <= range.end()),
        HirKind::Group(group) => spans_lines(&group.hir),
        HirKind::Repetition(repetition) => spans_lines(&repetition.hir),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(spans_lines),
    }
}
