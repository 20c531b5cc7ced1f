//! Figures as the page writes them, with their units.

/// 1240 as "1,240".
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Three significant digits: "2.14 ms", "21.4 ms", "214 ms", "2.14 s".
pub fn duration(ms: f64) -> String {
    if ms < 9.995 {
        format!("{ms:.2} ms")
    } else if ms < 99.95 {
        format!("{ms:.1} ms")
    } else if ms < 999.5 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.2} s", ms / 1_000.0)
    }
}

/// "512 B", "3.1 kB", "12.0 MB".
pub fn bytes(n: u64) -> String {
    let n_f = n as f64;
    if n < 1_000 {
        format!("{n} B")
    } else if n_f < 999_950.0 {
        format!("{:.1} kB", n_f / 1e3)
    } else {
        format!("{:.1} MB", n_f / 1e6)
    }
}

/// How long ago, in the coarsest unit that says enough: "now", "12 s", "3 min", "2 h".
pub fn ago(ms: f64) -> String {
    let s = (ms / 1_000.0).max(0.0) as u64;
    match s {
        0 => "now".to_owned(),
        1..60 => format!("{s} s"),
        60..3_600 => format!("{} min", s / 60),
        3_600..86_400 => format!("{} h", s / 3_600),
        _ => format!("{} d", s / 86_400),
    }
}

/// Bytes as people can read and copy them: text where they are UTF-8, hexadecimal where not.
pub fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => hexadecimal(bytes),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from(DIGITS[digit as usize]));
    "0x".chars().chain(bytes.iter().flat_map(digits)).collect()
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The first `max` characters of a text, and whether that is not all of it.
pub fn head(text: &str, max: usize) -> (&str, bool) {
    match text.char_indices().nth(max) {
        Some((end, _)) => (&text[..end], true),
        None => (text, false),
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn figures() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [0.0, 2.144, 21.44, 214.4, 2144.0].map(duration),
            ["0.00 ms", "2.14 ms", "21.4 ms", "214 ms", "2.14 s"]
        );
        assert_eq!(
            [512, 3_100, 12_000_000].map(bytes),
            ["512 B", "3.1 kB", "12.0 MB"]
        );
        assert_eq!(
            [-5.0, 12_000.0, 180_000.0, 7.2e6, 1.8e8].map(ago),
            ["now", "12 s", "3 min", "2 h", "2 d"]
        );
        assert_eq!(readable("grüße".as_bytes()), "grüße");
        assert_eq!(readable(b"a\xff\x0a"), "0x61ff0a");
        assert_eq!(head("grüße", 3), ("grü", true));
        assert_eq!(head("abc", 3), ("abc", false));
    }
}
