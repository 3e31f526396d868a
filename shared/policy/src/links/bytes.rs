//! What single characters mean to the scanner.

/// Without width, or shown as nothing.
pub(super) fn is_zero_width(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200D}' | '\u{2060}'..='\u{2064}'
        | '\u{206A}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Changes the direction in which text is shown.
pub(super) fn is_bidi(c: char) -> bool {
    is_direction_override(c)
        || matches!(
            c,
            '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2066}'..='\u{2069}'
        )
}

/// Forces a direction: no message needs one.
pub(super) fn is_direction_override(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}')
}

/// Control characters that are not white space.
pub(super) fn is_hidden(c: char) -> bool {
    is_zero_width(c) || is_bidi(c) || (c.is_control() && !c.is_whitespace())
}

/// Stands for a dot in a host once software has mapped it.
pub(super) fn is_dot(c: char) -> bool {
    matches!(
        c,
        '.' | '\u{3002}' | '\u{FF0E}' | '\u{FF61}' | '\u{2024}' | '\u{FE52}'
    )
}

/// May stand in a host as people write it.
pub(super) fn is_host(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '-' | '_')
        || is_dot(c)
        || (!c.is_ascii() && (c.is_alphanumeric() || is_mark(c) || c == '\u{B7}'))
}

/// Ends an address wherever it stands.
pub(super) fn ends_address(c: char) -> bool {
    if c.is_ascii() {
        return c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`');
    }
    c.is_whitespace()
        || !(c.is_alphanumeric()
            || is_mark(c)
            || is_hidden(c)
            || is_dot(c)
            || c == '\u{B7}'
            || ('\u{FF01}'..='\u{FF5E}').contains(&c)
            || matches!(c, '\u{2044}' | '\u{2215}' | '\u{29F8}'))
}

fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// Cuts what belongs to the sentence around an address, not to it.
pub(super) fn trim_end(address: &str) -> &str {
    let mut round = Balance::of(address, '(', ')');
    let mut square = Balance::of(address, '[', ']');
    let mut curly = Balance::of(address, '{', '}');
    let mut rest = address;
    while let Some(last) = rest.chars().next_back() {
        let cut = match last {
            '.' | ',' | '!' | '?' | ';' | ':' | '\'' | '*' | '_' | '~' | '|' | '\u{3002}'
            | '\u{FF0C}' | '\u{FF01}' | '\u{FF1F}' | '\u{FF61}' => true,
            ')' => round.cut_surplus(),
            ']' => square.cut_surplus(),
            '}' => curly.cut_surplus(),
            other => is_hidden(other) && !is_direction_override(other),
        };
        if !cut {
            break;
        }
        rest = &rest[..rest.len() - last.len_utf8()];
    }
    rest
}

/// How many brackets a text opens and closes.
struct Balance {
    opened: usize,
    closed: usize,
}

impl Balance {
    fn of(text: &str, open: char, close: char) -> Self {
        Self {
            opened: text.matches(open).count(),
            closed: text.matches(close).count(),
        }
    }

    /// Takes one closing bracket away if more close than open.
    fn cut_surplus(&mut self) -> bool {
        let surplus = self.closed > self.opened;
        self.closed -= usize::from(surplus);
        surplus
    }
}
