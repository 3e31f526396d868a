//! Dates as people and systems write them.
//!
//! ISO 8601, day/month/year with any of `/ - .`, names of months in English
//! and Indonesian, spreadsheet serials, Unix times; each with an optional time
//! and zone. What could mean two dates is read by the caller's order, never
//! guessed row by row.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};

use super::text;

/// Whether `03/04/2026` is the third of April or the fourth of March.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DateOrder {
    /// Day, month, year: Indonesia and most of the world.
    DayFirst,
    /// Month, day, year: the United States.
    MonthFirst,
}

/// Why a text is no date.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum DateProblem {
    /// It is none in any reading.
    Invalid,
    /// It is one in the other [`DateOrder`] only.
    Order,
}

/// Reads a date; `clock` is the content of a separate time column, if any.
pub(super) fn parse(
    text: &str,
    clock: Option<&str>,
    order: DateOrder,
    zone: &TimeZone,
) -> Result<Timestamp, DateProblem> {
    if clock.is_none()
        && let Some(at) = iso(text, zone)
    {
        return at.ok_or(DateProblem::Invalid);
    }
    let text = &*plain(text);
    if let Some(found) = number(text, order, zone) {
        let moment = found.ok_or(DateProblem::Invalid)?;
        let Some(clock) = clock else {
            return Ok(moment);
        };
        let date = moment.to_zoned_datetime(zone.clone()).date();
        return Parts::with_date(date)
            .read_clock(clock, order)?
            .finish(zone);
    }
    let parts = Parts::default().read(text, order)?;
    match clock {
        Some(clock) if parts.time.is_none() => parts.read_clock(clock, order)?.finish(zone),
        _ => parts.finish(zone),
    }
}

/// Digits of other scripts, and the words that some systems write between or
/// behind them, in the forms that are read.
fn plain(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.contains(' ') {
        return text.into();
    }
    let mut text = text::ascii_digits(text);
    if text.contains('年') {
        text = text.replace(['年', '月'], "-").replace('日', " ").into();
    }
    if text.contains(" / ") {
        text = text.replace(" / ", "/").into();
    }
    // `… GMT+0700 (Western Indonesia Time)`
    let name_of_zone = text.strip_suffix(')').and_then(|text| {
        let (before, name) = text.split_once(" (")?;
        let is_name = name.contains(' ') && !name.bytes().any(|byte| byte.is_ascii_digit());
        is_name.then_some(before.len())
    });
    if let Some(end) = name_of_zone {
        text = text[..end].to_owned().into();
    }
    text
}

/// The common form at full speed: `2026-11-24`, then `T` or a space and
/// `10:32[:05[.123]]`, then `Z` or `+07:00`. `None` if it is not that form,
/// `Some(None)` if it is and there is no such moment.
fn iso(text: &str, zone: &TimeZone) -> Option<Option<Timestamp>> {
    let bytes = text.as_bytes();
    let digits = |from: usize, count: usize| -> Option<i16> {
        let part = bytes.get(from..from + count)?;
        part.iter().try_fold(0, |sum, byte| {
            byte.is_ascii_digit()
                .then(|| sum * 10 + i16::from(byte - b'0'))
        })
    };
    let mark = |at: usize, marks: &[u8]| bytes.get(at).is_some_and(|byte| marks.contains(byte));
    if !(mark(4, b"-") && mark(7, b"-")) {
        return None;
    }
    let date = (digits(0, 4)?, digits(5, 2)?, digits(8, 2)?);
    let Ok(date) = Date::new(date.0, date.1 as i8, date.2 as i8) else {
        return Some(None);
    };
    if bytes.len() == 10 {
        return Some(local(date.to_datetime(Time::midnight()), zone));
    }
    if !(mark(10, b"T ") && mark(13, b":")) {
        return None;
    }
    let (hour, minute) = (digits(11, 2)?, digits(14, 2)?);
    let mut at = 16;
    let mut second = 0;
    if mark(at, b":") {
        second = digits(17, 2)?;
        at = 19;
        if mark(at, b".,") {
            let fraction = bytes[20..].iter().take_while(|b| b.is_ascii_digit());
            at = 20 + fraction.count();
        }
    }
    // A leap second is kept as the second before it.
    let Ok(time) = Time::new(hour as i8, minute as i8, second.min(59) as i8, 0) else {
        return Some(None);
    };
    if second > 60 {
        return Some(None);
    }
    let moment = date.to_datetime(time);
    match text.get(at..)?.trim_start() {
        "" => Some(local(moment, zone)),
        "Z" | "z" => Some(Offset::UTC.to_timestamp(moment).ok()),
        rest => Some(offset(rest)?.to_timestamp(moment).ok()),
    }
}

fn local(moment: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_ambiguous_timestamp(moment).compatible().ok()
}

/// `+07:00`, `+0700`, `+07`, `-3`.
fn offset(text: &str) -> Option<Offset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-" | "−", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest.split_once(':') {
        Some(parts) => parts,
        None if rest.len() == 4 => rest.split_at_checked(2)?,
        None => (rest, "0"),
    };
    let part = |text: &str, most: i32| {
        let plain = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        plain
            .then(|| text.parse::<i32>().ok())
            .flatten()
            .filter(|&value| value <= most)
    };
    Offset::from_seconds(sign * (part(hours, 14)? * 3600 + part(minutes, 59)? * 60)).ok()
}

/// A bare number: `20261124`, a spreadsheet's day count, a Unix time.
/// `None` if the text is not a bare number.
fn number(text: &str, order: DateOrder, zone: &TimeZone) -> Option<Option<Timestamp>> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let value: i64 = whole.parse().ok()?;
    match (whole.len(), fraction.is_empty()) {
        // Day 1 of a spreadsheet is 1900-01-01, but it believes in 1900-02-29,
        // so from March 1900 on days count from 1899-12-30. Five digits reach
        // from 1927 to 2173; four might as well be a year.
        (5, _) => {
            let day = jiff::civil::date(1899, 12, 30)
                .checked_add(jiff::Span::new().try_days(value).ok()?)
                .ok();
            let share: f64 = format!("0.{fraction}0").parse().ok()?;
            let second = (share * 86_400.0).round() as i64;
            Some(day.and_then(|day| {
                let midnight = day.to_datetime(Time::midnight());
                let moment = midnight.checked_add(jiff::SignedDuration::from_secs(second));
                local(moment.ok()?, zone)
            }))
        }
        (8, true) => {
            let (year, month, day) = (value / 10_000, value / 100 % 100, value % 100);
            let date = Date::new(year as i16, month as i8, day as i8);
            let date = date.ok().filter(|date| (1900..2200).contains(&date.year()));
            // `05012026` is read as `05/01/2026` is.
            let date = date.or_else(|| {
                let (first, rest) = whole.split_at_checked(2)?;
                let (second, year) = rest.split_at_checked(2)?;
                date_of(first, second, year, order).ok()
            });
            Some(date.and_then(|date| local(date.to_datetime(Time::midnight()), zone)))
        }
        (10, _) => Some(Timestamp::from_second(value).ok()),
        (13, true) => Some(Timestamp::from_millisecond(value).ok()),
        _ => Some(None),
    }
}

/// What was found in a date so far.
#[derive(Clone, Debug, Default)]
struct Parts {
    date: Option<Date>,
    day: Option<i8>,
    month: Option<i8>,
    year: Option<i16>,
    time: Option<Time>,
    zone: Option<Zone>,
}

#[derive(Clone, Debug)]
enum Zone {
    Named(&'static str),
    Offset(Offset),
}

impl Parts {
    fn with_date(date: Date) -> Self {
        Self {
            date: Some(date),
            ..Self::default()
        }
    }

    /// Reads words in any order: weekday, date, time, zone.
    fn read(mut self, text: &str, order: DateOrder) -> Result<Self, DateProblem> {
        let lower = text.to_lowercase();
        let words = lower.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')'));
        for word in words.filter(|word| !word.is_empty()) {
            self.read_word(word, order)?;
        }
        Ok(self)
    }

    fn read_clock(mut self, clock: &str, order: DateOrder) -> Result<Self, DateProblem> {
        let share = clock
            .strip_prefix("0.")
            .or_else(|| clock.strip_prefix("0,"))
            .filter(|digits| digits.len() > 2 && digits.bytes().all(|b| b.is_ascii_digit()));
        if let Some(digits) = share {
            // A spreadsheet's time of day is a share of the day.
            let share: f64 = format!("0.{digits}")
                .parse()
                .map_err(|_| DateProblem::Invalid)?;
            let second = ((share * 86_400.0).round() as i64).min(86_399);
            self.time = Time::midnight()
                .checked_add(jiff::SignedDuration::from_secs(second))
                .ok();
            return Ok(self);
        }
        self.read(clock, order)
    }

    fn read_word(&mut self, word: &str, order: DateOrder) -> Result<(), DateProblem> {
        const WRONG: Result<(), DateProblem> = Err(DateProblem::Invalid);

        if let Some((date, time)) = word.split_once('t')
            && date.ends_with(|c: char| c.is_ascii_digit())
            && time.starts_with(|c: char| c.is_ascii_digit())
        {
            self.read_word(date, order)?;
            return self.read_word(time, order);
        }
        if let Some(month) = text::month(word) {
            return match self.month.replace(month) {
                None => Ok(()),
                Some(_) => WRONG,
            };
        }
        if word.contains(':') && word.starts_with(|c: char| c.is_ascii_digit()) {
            return self.read_time(word);
        }
        if let Some(half) = half_of_day(word) {
            let time = self.time.and_then(|time| half.apply(time));
            self.time = Some(time.ok_or(DateProblem::Invalid)?);
            return Ok(());
        }
        if let Some(zone) = named_zone(word) {
            return match self.zone.replace(zone) {
                None => Ok(()),
                Some(_) => WRONG,
            };
        }
        let has_date = self.date.is_some() || (self.day.is_some() && self.year.is_some());
        if has_date && self.time.is_none() && word.contains('.') {
            return self.read_time(&word.replace('.', ":"));
        }
        if text::is_date_noise(word) {
            return Ok(());
        }
        let numbers: Vec<&str> = word
            .split(['/', '-', '.'])
            .filter(|part| !part.is_empty())
            .collect();
        match numbers[..] {
            [one] => self.read_number(one),
            [a, b, c] if self.date.is_none() => {
                self.date = Some(date_of(a, b, c, order)?);
                Ok(())
            }
            _ => WRONG,
        }
    }

    /// A day or a year that stands alone.
    fn read_number(&mut self, word: &str) -> Result<(), DateProblem> {
        let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let tail = &word[digits.len()..];
        if !matches!(tail, "" | "st" | "nd" | "rd" | "th") || !(1..=4).contains(&digits.len()) {
            return Err(DateProblem::Invalid);
        }
        let value: i16 = digits.parse().map_err(|_| DateProblem::Invalid)?;
        let free = match digits.len() {
            1..=2 if self.day.is_none() => {
                self.day = Some(value as i8);
                true
            }
            2 if self.year.is_none() => {
                self.year = Some(2000 + value);
                true
            }
            4 if self.year.is_none() => {
                self.year = Some(value);
                true
            }
            _ => false,
        };
        if free {
            Ok(())
        } else {
            Err(DateProblem::Invalid)
        }
    }

    /// `10:32`, `10:32:05.5`, `10:32pm`, `10:32:05z`, `10:32+07:00`.
    fn read_time(&mut self, word: &str) -> Result<(), DateProblem> {
        let read = || {
            let end = word
                .find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.')))
                .unwrap_or(word.len());
            let (clock, tail) = word.split_at(end);
            let mut parts = clock.split(':');
            let mut part = || {
                let text = parts.next()?.split('.').next()?;
                (text.len() <= 2).then(|| text.parse::<i8>().ok()).flatten()
            };
            let (hour, minute) = (part()?, part()?);
            let second = if clock.matches(':').count() == 2 {
                part()?
            } else {
                0
            };
            if clock.matches(':').count() > 2 {
                return None;
            }
            let time = Time::new(hour, minute, second.min(59), 0).ok()?;
            match tail {
                "" => Some((time, None)),
                tail => match half_of_day(tail) {
                    Some(half) => Some((half.apply(time)?, None)),
                    None => Some((time, Some(named_zone(tail)?))),
                },
            }
        };
        if self.time.is_some() {
            return Err(DateProblem::Invalid);
        }
        let (time, zone) = read().ok_or(DateProblem::Invalid)?;
        self.time = Some(time);
        if zone.is_some() {
            self.zone = zone;
        }
        Ok(())
    }

    fn finish(self, zone: &TimeZone) -> Result<Timestamp, DateProblem> {
        let spelled = || Date::new(self.year?, self.month?, self.day?).ok();
        let date = match self.date {
            Some(date) if self.day.is_none() && self.month.is_none() && self.year.is_none() => date,
            Some(_) => return Err(DateProblem::Invalid),
            None => spelled().ok_or(DateProblem::Invalid)?,
        };
        let moment = date.to_datetime(self.time.unwrap_or(Time::midnight()));
        let at = match self.zone {
            None => local(moment, zone),
            Some(Zone::Offset(offset)) => offset.to_timestamp(moment).ok(),
            Some(Zone::Named(name)) => TimeZone::get(name)
                .ok()
                .and_then(|zone| local(moment, &zone)),
        };
        at.ok_or(DateProblem::Invalid)
    }
}

/// Three parts of which one may be a month's name.
fn date_of(a: &str, b: &str, c: &str, order: DateOrder) -> Result<Date, DateProblem> {
    const WRONG: DateProblem = DateProblem::Invalid;

    let plain = |part: &str| -> Option<i16> {
        let digits = part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    };
    let date = |year: i16, month: i16, day: i16| -> Option<Date> {
        Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
    };
    let year = |part: &str| -> Option<i16> {
        match part.len() {
            2 => Some(2000 + plain(part)?),
            4 => plain(part),
            _ => None,
        }
    };
    if let Some(month) = text::month(b).map(i16::from) {
        let found = if a.len() == 4 {
            date(year(a).ok_or(WRONG)?, month, plain(c).ok_or(WRONG)?)
        } else {
            date(year(c).ok_or(WRONG)?, month, plain(a).ok_or(WRONG)?)
        };
        return found.ok_or(WRONG);
    }
    if let Some(month) = text::month(a).map(i16::from) {
        return date(year(c).ok_or(WRONG)?, month, plain(b).ok_or(WRONG)?).ok_or(WRONG);
    }
    let (first, second) = (plain(a).ok_or(WRONG)?, plain(b).ok_or(WRONG)?);
    if a.len() == 4 {
        return date(first, second, plain(c).ok_or(WRONG)?).ok_or(WRONG);
    }
    if a.len() > 2 || b.len() > 2 {
        return Err(WRONG);
    }
    let year = year(c).ok_or(WRONG)?;
    let day_first = date(year, second, first);
    let month_first = date(year, first, second);
    let (ours, other) = match order {
        DateOrder::DayFirst => (day_first, month_first),
        DateOrder::MonthFirst => (month_first, day_first),
    };
    match (ours, other) {
        (Some(date), _) => Ok(date),
        (None, Some(_)) => Err(DateProblem::Order),
        (None, None) => Err(WRONG),
    }
}

/// Morning or afternoon on a twelve-hour clock.
#[derive(Clone, Copy)]
enum HalfOfDay {
    Morning,
    Afternoon,
}

fn half_of_day(word: &str) -> Option<HalfOfDay> {
    match word {
        "am" | "a.m." => Some(HalfOfDay::Morning),
        "pm" | "p.m." => Some(HalfOfDay::Afternoon),
        _ => None,
    }
}

impl HalfOfDay {
    fn apply(self, time: Time) -> Option<Time> {
        let hour = match (self, time.hour()) {
            (Self::Morning, 12) => 0,
            (Self::Afternoon, 12) => 12,
            (Self::Morning, hour @ 1..=11) => hour,
            (Self::Afternoon, hour @ 1..=11) => hour + 12,
            _ => return None,
        };
        Time::new(hour, time.minute(), time.second(), 0).ok()
    }
}

fn named_zone(word: &str) -> Option<Zone> {
    let bare = match word {
        "z" | "utc" | "gmt" => return Some(Zone::Offset(Offset::UTC)),
        "wib" => return Some(Zone::Named("Asia/Jakarta")),
        "wita" => return Some(Zone::Named("Asia/Makassar")),
        "wit" => return Some(Zone::Named("Asia/Jayapura")),
        word => word
            .strip_prefix("utc")
            .or_else(|| word.strip_prefix("gmt"))
            .unwrap_or(word),
    };
    offset(bare).map(Zone::Offset)
}

#[cfg(test)]
mod tests;
