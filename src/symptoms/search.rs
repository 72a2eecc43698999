//! Looks for the texts of the table in a text, all at once.

use super::{
    SymptomKind,
    catalog::{
        Sign::{self, All, Code, Near, Piece, Whole},
        TEXTS,
    },
    normalize::{Plain, squeezed},
};
use std::{collections::HashMap, sync::LazyLock};

/// This much of a stretch is enough: no two kinds share as much.
const PIECE: usize = 18;

type Piece18 = [u8; PIECE];

/// Every piece of every stretch, and the rows it is of.
static PIECES: LazyLock<HashMap<Piece18, Vec<usize>>> = LazyLock::new(|| {
    let mut all: HashMap<Piece18, Vec<usize>> = HashMap::new();
    for (row, (_, _, signs)) in TEXTS.iter().enumerate() {
        for sign in *signs {
            let Piece(stretch) = sign else { continue };
            for piece in squeezed(stretch).as_bytes().windows(PIECE) {
                let rows = all.entry(piece.try_into().unwrap_or_default()).or_default();
                if !rows.contains(&row) {
                    rows.push(row);
                }
            }
        }
    }
    all
});

/// A sign as it is looked for, without its blanks.
enum Ready {
    Piece(String),
    Whole(String),
    Code(String),
    All(Vec<String>),
    Near(String, String),
}

static READY: LazyLock<Vec<Vec<Ready>>> = LazyLock::new(|| {
    let ready = |sign: &Sign| match sign {
        Piece(s) => Ready::Piece(squeezed(s)),
        Whole(s) => Ready::Whole(squeezed(s)),
        Code(s) => Ready::Code(s.to_ascii_lowercase()),
        All(all) => Ready::All(all.iter().map(|s| squeezed(s)).collect()),
        Near(a, b) => Ready::Near(squeezed(a), squeezed(b)),
    };
    TEXTS.iter().map(|(_, _, signs)| signs.iter().map(ready).collect()).collect()
});

/// The first kind whose text this is.
pub(super) fn kind(text: &Plain) -> Option<SymptomKind> {
    let mut pieced = vec![false; TEXTS.len()];
    for piece in text.lower.as_bytes().windows(PIECE) {
        let rows = <&Piece18>::try_from(piece).ok().and_then(|piece| PIECES.get(piece));
        for row in rows.into_iter().flatten() {
            if let Some(seen) = pieced.get_mut(*row) {
                *seen = true;
            }
        }
    }
    let mut rows = TEXTS.iter().zip(READY.iter()).zip(pieced);
    rows.find(|(((_, gate, _), signs), pieced)| {
        (*pieced || signs.iter().any(|sign| sign.shows_in(text))) && gate.lets(text)
    })
    .map(|(((kind, _, _), _), _)| *kind)
}

impl Ready {
    fn shows_in(&self, text: &Plain) -> bool {
        let lower = text.lower.as_str();
        match self {
            // A whole stretch may be shorter than a piece.
            Self::Piece(s) => s.len() < PIECE && lower.contains(s.as_str()),
            Self::Whole(s) => whole(lower, s),
            Self::Code(s) => alone(&text.spaced, s),
            Self::All(all) => all.iter().all(|s| lower.contains(s.as_str())),
            Self::Near(a, b) => lower.match_indices(a.as_str()).any(|(at, _)| {
                let behind = lower.get(at + a.len()..).unwrap_or_default();
                behind.find(b.as_str()).is_some_and(|far| far <= 100)
            }),
        }
    }
}

/// All of it, and no longer number where it ends in one.
fn whole(text: &str, s: &str) -> bool {
    let digit = |c: Option<&u8>| c.is_some_and(u8::is_ascii_digit);
    let number = digit(s.as_bytes().last());
    text.match_indices(s).any(|(at, _)| !number || !digit(text.as_bytes().get(at + s.len())))
}

/// With no letter, digit or underscore at either side.
fn alone(text: &str, s: &str) -> bool {
    let word = |c: Option<&u8>| c.is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'_');
    let bytes = text.as_bytes();
    text.match_indices(s)
        .any(|(at, _)| !word(at.checked_sub(1).and_then(|at| bytes.get(at))) && !word(bytes.get(at + s.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_piece_is_of_two_kinds() {
        for (piece, rows) in PIECES.iter() {
            assert_eq!(rows.len(), 1, "{}: {rows:?}", String::from_utf8_lossy(piece));
        }
    }

    #[test]
    fn every_kind_has_a_text() {
        for kind in SymptomKind::ALL {
            assert!(TEXTS.iter().any(|(k, _, _)| k == kind), "{kind:?}");
        }
    }
}
