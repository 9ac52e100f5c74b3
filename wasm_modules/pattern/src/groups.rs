//! The texts of a match's groups.

use crate::{width, Found, Pattern};
use regex::CaptureLocations;
use regex_syntax::hir::{GroupKind, Hir, HirKind};
use std::ops::Range;

/// A group that begins and ends at fixed distances from its match, which is found without following it: bytes.
#[derive(Clone, Copy)]
struct Margin {
    before: usize,
    after: usize,
}

/// Reads the groups of matches; those of one pattern.
pub struct Groups<'p> {
    pattern: &'p Pattern,
    locations: CaptureLocations,
    margins: Vec<Option<Margin>>,
}

impl<'p> Groups<'p> {
    pub fn new(pattern: &'p Pattern) -> Groups<'p> {
        let mut margins = vec![None; pattern.regex.captures_len()];
        margins[0] = Some(Margin { before: 0, after: 0 });
        find_margins(&pattern.hir, 0, 0, &mut margins);
        Groups { pattern, locations: pattern.regex.capture_locations(), margins }
    }

    /// How many there are beside the whole match, which is group 0.
    pub fn count(&self) -> usize {
        self.margins.len() - 1
    }

    /// What the given groups matched; None for one that took no part.
    pub fn read<'t>(&mut self, found: &Found<'t>, wanted: Range<usize>) -> Vec<Option<&'t str>> {
        self.follow(found, wanted.clone());
        wanted.map(|group| self.place(found, group)).collect()
    }

    /// What one group matched.
    pub fn one<'t>(&mut self, found: &Found<'t>, group: usize) -> Option<&'t str> {
        self.follow(found, group..group + 1);
        self.place(found, group)
    }

    fn follow(&mut self, found: &Found, mut wanted: Range<usize>) {
        if wanted.any(|group| self.margins[group].is_none()) {
            self.pattern.engine(found.is_ascii).captures_read_at(&mut self.locations, found.text, found.start);
        }
    }

    fn place<'t>(&self, found: &Found<'t>, group: usize) -> Option<&'t str> {
        let (start, end) = match self.margins[group] {
            Some(margin) => (found.start + margin.before, found.end - margin.after),
            None => self.locations.get(group)?,
        };
        Some(&found.text[start..end])
    }
}

fn find_margins(hir: &Hir, before: usize, after: usize, margins: &mut [Option<Margin>]) {
    match hir.kind() {
        HirKind::Group(group) => {
            if let GroupKind::CaptureIndex(index) | GroupKind::CaptureName { index, .. } = group.kind {
                margins[index as usize] = Some(Margin { before, after });
            }
            find_margins(&group.hir, before, after, margins);
        }
        HirKind::Concat(parts) => {
            let widths: Vec<_> = parts.iter().map(|part| width::of(part).exact()).collect();
            let sum = |parts: &[Option<usize>]| parts.iter().copied().sum::<Option<usize>>();
            for (index, part) in parts.iter().enumerate() {
                if let (Some(left), Some(right)) = (sum(&widths[..index]), sum(&widths[index + 1..])) {
                    find_margins(part, before + left, after + right, margins);
                }
            }
        }
        _ => {}
    }
}
