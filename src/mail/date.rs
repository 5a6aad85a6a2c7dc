//! The date of a message (RFC 5322, section 3.3, and what was written before it).

/// Seconds since 1970 began, UTC. Where no zone is named it is taken for UTC.
pub fn parse(text: &[u8]) -> Option<i64> {
    let text: Vec<u8> = without_comments(text);
    let words = text.split(|byte| byte.is_ascii_whitespace() || *byte == b',').filter(|word| !word.is_empty());
    let mut date = Date::default();
    // no date has more, and none of them is long
    for word in words.take(12) {
        date.read(std::str::from_utf8(word).ok()?)?;
    }
    date.seconds()
}

/// What was read of a date.
#[derive(Default)]
struct Date {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    time: Option<i64>,
    zone: Option<i64>,
}

impl Date {
    /// A word of it, by what it looks like. `None` where the whole cannot be a date.
    fn read(&mut self, word: &str) -> Option<()> {
        if let Some(at) = word.find(['+', '-']).filter(|_| word.contains(':') || self.time.is_some()) {
            let (before, zone) = word.split_at(at);
            if !before.is_empty() {
                self.read(before)?;
            }
            self.zone = Some(offset(zone)?);
        } else if word.contains(':') {
            self.time = Some(time(word)?);
        } else if let Some((day, rest)) = word.split_once('-') {
            // 1-Jul-2003
            self.read(day)?;
            self.read(rest)?;
        } else if let Ok(number) = word.parse::<u32>() {
            match (self.day, self.year) {
                (None, _) if word.len() <= 2 => self.day = Some(number.into()),
                (_, None) => self.year = Some(year(number, word.len())?),
                _ => return None,
            }
        } else if let (Some(month), None) = (month(word), self.month) {
            self.month = Some(month);
        } else if self.time.is_some() && self.zone.is_none() {
            self.zone = Some(zone(word));
        }
        Some(())
    }

    fn seconds(&self) -> Option<i64> {
        let (year, month, day) = (self.year?, self.month?, self.day?);
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = match month {
            2 => 28 + i64::from(is_leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if !(1..=length).contains(&day) {
            return None;
        }
        Some(days(year, month, day) * 86_400 + self.time? - self.zone.unwrap_or(0))
    }
}

/// Days since 1 January 1970. Years begin in March here, so that the day that only some have is their last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469
}

/// Years with fewer digits than four are obsolete, and still sent.
fn year(number: u32, digits: usize) -> Option<i64> {
    match (digits, i64::from(number)) {
        (2, number @ ..50) => Some(2000 + number),
        (2 | 3, number) => Some(1900 + number),
        (4, number) => Some(number),
        _ => None,
    }
}

fn month(word: &str) -> Option<i64> {
    let names = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let start = word.get(..3)?.to_ascii_lowercase();
    names.iter().position(|name| *name == start).map(|at| at as i64 + 1)
}

/// Seconds since midnight.
fn time(word: &str) -> Option<i64> {
    let mut numbers = word.splitn(3, ':').map(|number| number.parse::<u8>().ok().map(i64::from));
    let (hours, minutes, seconds) = (numbers.next()??, numbers.next()??, numbers.next().unwrap_or(Some(0))?);
    (hours < 24 && minutes < 60 && seconds <= 60).then_some(hours * 3600 + minutes * 60 + seconds)
}

/// `+0200`, `-02:00`, `+2` in seconds.
fn offset(text: &str) -> Option<i64> {
    let (sign, digits) = text.split_at(1);
    let digits = digits.replace(':', "");
    let number = digits.parse::<u16>().ok().map(i64::from)?;
    let (hours, minutes) = if digits.len() <= 2 { (number, 0) } else { (number / 100, number % 100) };
    let seconds = hours * 3600 + minutes * 60;
    Some(if sign == "-" { -seconds } else { seconds })
}

/// Zones by name, in seconds. Those that RFC 5322 does not know say nothing.
fn zone(name: &str) -> i64 {
    let hours = match name.to_ascii_uppercase().as_str() {
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => 0,
    };
    hours * 3600
}

/// Without what is in parentheses. A date is short: what is far behind its beginning is not looked at.
fn without_comments(text: &[u8]) -> Vec<u8> {
    let mut depth = 0_u32;
    let mut rest = Vec::new();
    for byte in text.iter().take(1000) {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            byte if depth == 0 => rest.push(*byte),
            _ => {}
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (text, seconds) in [
            ("Thu, 1 Jan 1970 00:00:00 +0000", 0),
            ("Fri, 21 Nov 1997 09:55:06 -0600", 880_127_706),
            ("29 Feb 2000 23:59:60 GMT", 951_868_800),
            ("Tue, 1 Jul 2003 10:52:37 +0200", 1_057_049_557),
            ("Tue,1 July 2003\r\n 10:52:37 (noon (ish)) +0200 (CEST)", 1_057_049_557),
            ("1 Jul 03 10:52 EDT", 1_057_071_120),
            ("1 Jul 103 08:52:37 Z", 1_057_049_557),
            ("Tue Jul  1 08:52:37 2003", 1_057_049_557),
            ("Tue Jul  1 10:52:37 +0200 2003", 1_057_049_557),
            ("1-Jul-2003 10:52:37+02:00", 1_057_049_557),
            ("1 Jul 2003 10:52:37 GMT+0200", 1_057_049_557),
            ("1 Jul 2003 08:52:37 -0000", 1_057_049_557),
            ("31 Dec 1969 23:59:59 UT", -1),
            ("1 Mar 0000 00:00:00 +0000", -62_162_035_200),
            ("31 Dec 9999 23:59:59 +0000", 253_402_300_799),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "yesterday",
            "1 Jul 2003",
            "32 Jul 2003 10:52:37 +0200",
            "29 Feb 1900 10:52:37 +0200",
            "0 Jul 2003 10:52:37",
            "1 Jul 2003 24:00:00",
            "1 Jul 2003 10:60",
            "1 Jul 2003 10:",
            "1 Jul 20030 10:52:37",
            "1 2 3 4 5 6",
            "1 Jul 2003 10:52:37 +99999999",
            "Д Jul",
            "\u{fffd}\u{fffd} 1 Jul -",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
