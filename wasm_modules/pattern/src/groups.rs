//! The texts of a match's groups.

use crate::split::{Place, Split};
use crate::{Found, Pattern};
use regex::CaptureLocations;
use std::ops::Range;

/// Reads the groups of matches; those of one pattern.
pub struct Groups<'p> {
    pattern: &'p Pattern,
    split: Option<Split>,
    locations: CaptureLocations,
    /// Of the last match, in bytes from its beginning.
    places: Vec<Place>,
}

impl<'p> Groups<'p> {
    pub fn new(pattern: &'p Pattern) -> Groups<'p> {
        let places = vec![None; pattern.regex.captures_len()];
        Groups { pattern, split: Split::new(&pattern.hir), locations: pattern.regex.capture_locations(), places }
    }

    /// How many there are beside the whole match, which is group 0.
    pub fn count(&self) -> usize {
        self.places.len() - 1
    }

    /// What the given groups matched; None for one that took no part.
    pub fn read<'t>(&mut self, found: &Found<'t>, wanted: Range<usize>) -> Vec<Option<&'t str>> {
        self.place(found, wanted.end > 1);
        wanted.map(|group| self.text(found, group)).collect()
    }

    /// What one group matched.
    pub fn one<'t>(&mut self, found: &Found<'t>, group: usize) -> Option<&'t str> {
        self.place(found, group > 0);
        self.text(found, group)
    }

    fn place(&mut self, found: &Found, within: bool) {
        self.places[0] = Some((0, found.end - found.start));
        if !within {
            return;
        }
        if let Some(split) = &self.split {
            return split.write(found.as_str(), &mut self.places);
        }
        self.pattern.follower().captures_read_at(&mut self.locations, found.text, found.start);
        for (group, place) in self.places.iter_mut().enumerate() {
            *place = self.locations.get(group).map(|(start, end)| (start - found.start, end - found.start));
        }
    }

    fn text<'t>(&self, found: &Found<'t>, group: usize) -> Option<&'t str> {
        self.places[group].map(|(start, end)| &found.as_str()[start..end])
    }
}
