//! Where the groups of a match are, in one pass over its text.
//!
//! The engine's own way takes a microsecond or two for each match. But if every part of a pattern that varies in length is a
//! run of characters none of which can begin what follows it, there is only one way to divide a match among the parts: each
//! run ends at the first character that is not its own.

use regex_syntax::hir::RepetitionRange::{AtLeast, Bounded, Exactly};
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, GroupKind, Hir, HirKind, Literal, Repetition, RepetitionKind};

pub type Place = Option<(usize, usize)>;

/// A part of a pattern.
enum Part {
    Open(usize),
    Close(usize),
    /// So many characters of a class.
    Characters {
        of: ClassUnicode,
        count: usize,
    },
    /// As many characters of a class as there are; maybe none.
    Run {
        of: Members,
        can_be_empty: bool,
    },
}

/// How to pass a part of a match.
enum Step {
    Open(usize),
    Close(usize),
    Bytes(usize),
    Characters(usize),
    Run(Members),
    Rest,
}

/// How a match of one pattern is divided.
pub struct Split {
    steps: Vec<Step>,
}

impl Split {
    /// None for a pattern that has no groups, or if the division depends on more than the text.
    pub fn new(hir: &Hir) -> Option<Split> {
        let mut parts = Vec::new();
        collect(hir, &mut parts)?;
        let has_groups = parts.iter().any(|part| matches!(part, Part::Open(_)));
        (has_groups && (0..parts.len()).all(|index| ends_surely(&parts, index))).then(|| Split { steps: steps(parts) })
    }

    /// Writes the places of the groups of a match, in bytes of its text.
    pub fn write(&self, matched: &str, places: &mut [Place]) {
        let mut place = 0;
        let rest = |place: usize| matched[place..].chars();
        for step in &self.steps {
            match step {
                Step::Open(group) => places[*group] = Some((place, place)),
                Step::Close(group) => places[*group] = places[*group].map(|(start, _)| (start, place)),
                Step::Bytes(count) => place += count,
                Step::Characters(count) => place += rest(place).take(*count).map(char::len_utf8).sum::<usize>(),
                Step::Run(of) => place += rest(place).take_while(|&each| of.has(each)).map(char::len_utf8).sum::<usize>(),
                Step::Rest => place = matched.len(),
            }
        }
    }
}

fn steps(parts: Vec<Part>) -> Vec<Step> {
    let last = parts.iter().rposition(|part| !matches!(part, Part::Open(_) | Part::Close(_)));
    let mut steps = Vec::new();
    for (index, part) in parts.into_iter().enumerate() {
        let step = match part {
            Part::Open(group) => Step::Open(group),
            Part::Close(group) => Step::Close(group),
            _ if Some(index) == last => Step::Rest,
            Part::Run { of, .. } => Step::Run(of),
            Part::Characters { of, count } => {
                one_width(&of).map_or(Step::Characters(count), |width| Step::Bytes(width * count))
            }
        };
        match (steps.last_mut(), &step) {
            (Some(Step::Bytes(before)), Step::Bytes(more)) => *before += more,
            _ => steps.push(step),
        }
    }
    steps
}

/// The bytes of each character of a class, if all have equally many.
fn one_width(class: &ClassUnicode) -> Option<usize> {
    let (first, last) = class.ranges().first().zip(class.ranges().last())?;
    Some(first.start().len_utf8()).filter(|&width| width == last.end().len_utf8())
}

fn collect(hir: &Hir, parts: &mut Vec<Part>) -> Option<()> {
    match hir.kind() {
        HirKind::Empty | HirKind::Anchor(_) | HirKind::WordBoundary(_) => {}
        HirKind::Literal(_) | HirKind::Class(_) => parts.push(Part::Characters { of: characters(hir)?, count: 1 }),
        HirKind::Repetition(repetition) => parts.push(repetition_part(repetition)?),
        HirKind::Concat(inner) => inner.iter().try_for_each(|each| collect(each, parts))?,
        HirKind::Group(group) => match group.kind {
            GroupKind::NonCapturing => collect(&group.hir, parts)?,
            GroupKind::CaptureIndex(index) | GroupKind::CaptureName { index, .. } => {
                parts.push(Part::Open(index as usize));
                collect(&group.hir, parts)?;
                parts.push(Part::Close(index as usize));
            }
        },
        HirKind::Alternation(_) => return None,
    }
    Some(())
}

fn repetition_part(repetition: &Repetition) -> Option<Part> {
    let of = characters(&repetition.hir)?;
    let least = match repetition.kind {
        RepetitionKind::Range(Exactly(count)) => return Some(Part::Characters { of, count: count as usize }),
        RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore => 0,
        RepetitionKind::OneOrMore => 1,
        RepetitionKind::Range(AtLeast(least) | Bounded(least, _)) => least,
    };
    Some(Part::Run { of: Members::new(of), can_be_empty: least == 0 })
}

/// What one character can be, if the pattern is that.
fn characters(hir: &Hir) -> Option<ClassUnicode> {
    match hir.kind() {
        HirKind::Literal(Literal::Unicode(character)) => {
            Some(ClassUnicode::new([ClassUnicodeRange::new(*character, *character)]))
        }
        HirKind::Class(Class::Unicode(class)) => Some(class.clone()),
        HirKind::Group(group) if group.kind == GroupKind::NonCapturing => characters(&group.hir),
        _ => None,
    }
}

/// Whether none of a run's characters can begin what follows it.
fn ends_surely(parts: &[Part], index: usize) -> bool {
    let run = match &parts[index] {
        Part::Run { of, .. } => of,
        _ => return true,
    };
    for next in &parts[index + 1..] {
        let (first, can_be_empty) = match next {
            Part::Open(_) | Part::Close(_) => continue,
            Part::Characters { count: 0, .. } => continue,
            Part::Characters { of, .. } => (of, false),
            Part::Run { of, can_be_empty } => (&of.class, *can_be_empty),
        };
        let mut both = run.class.clone();
        both.intersect(first);
        if both.ranges().len() > 0 {
            return false;
        }
        if !can_be_empty {
            break;
        }
    }
    true
}

/// A class that is asked often: one bit for each ASCII character.
struct Members {
    ascii: u128,
    class: ClassUnicode,
}

impl Members {
    fn new(class: ClassUnicode) -> Members {
        let has = |character: char| class.iter().any(|range| range.start() <= character && character <= range.end());
        let ascii = (0..128u8).filter(|&each| has(each as char)).fold(0, |bits, each| bits | 1 << each);
        Members { ascii, class }
    }

    fn has(&self, character: char) -> bool {
        if character.is_ascii() {
            return self.ascii >> (character as u32) & 1 == 1;
        }
        let ranges = self.class.ranges();
        let after = ranges.partition_point(|range| range.end() < character);
        ranges.get(after).map_or(false, |range| range.start() <= character)
    }
}
