//! What is said to etcd's gateway and what it says, as JSON: written as text, since keys and values
//! travel as base64 and need no escaping, and read by the browser's own parser.
//!
//! Protocol Buffers' JSON leaves out what is zero, empty or false, and writes 64-bit numbers as
//! strings.

use bytes::Bytes;
use js_sys::{Array, JSON, Reflect};
use wasm_bindgen::JsValue;

use crate::model::ApiError;

/// Bytes turned to base64 at a time: whole groups of three.
const CHUNK: usize = 3 << 14;

pub fn base64(bytes: &[u8]) -> String {
    let Some(window) = web_sys::window() else {
        return String::new();
    };
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(CHUNK) {
        let latin: String = chunk.iter().map(|byte| char::from(*byte)).collect();
        // It refuses only what is beyond U+00FF.
        text.push_str(&window.btoa(&latin).unwrap_or_default());
    }
    text
}

/// The bytes that base64 stands for.
///
/// # Errors
/// `PROTOCOL` if it is none.
pub fn bytes_of(base64: &str) -> Result<Bytes, ApiError> {
    let window = web_sys::window();
    let latin = window.and_then(|window| window.atob(base64).ok());
    let bytes = latin.and_then(|latin| latin.chars().map(|c| u8::try_from(c).ok()).collect());
    bytes.map(|bytes: Vec<u8>| bytes.into()).ok_or_else(|| {
        ApiError::new(
            "PROTOCOL",
            "etcd answered with something that is no base64.",
        )
    })
}

/// A text as JSON.
pub fn quoted(text: &str) -> String {
    let json = JSON::stringify(&text.into());
    json.map(String::from).unwrap_or_default()
}

/// A range of keys: `key` alone, or from `key` to before `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    pub from: Vec<u8>,
    pub end: Option<Vec<u8>>,
}

impl Keys {
    pub fn one(key: &[u8]) -> Self {
        Self {
            from: key.to_vec(),
            end: None,
        }
    }

    /// All keys that begin with `prefix`.
    pub fn under(prefix: &[u8]) -> Self {
        let mut end = prefix.to_vec();
        // The next sequence of bytes that does not begin so; after 0xff comes a carry.
        while end.last() == Some(&0xff) {
            end.pop();
        }
        match end.last_mut() {
            Some(last) => *last += 1,
            // etcd's word for no end.
            None => end.push(0),
        }
        Self {
            // No key is empty.
            from: if prefix.is_empty() {
                vec![0]
            } else {
                prefix.to_vec()
            },
            end: Some(end),
        }
    }

    /// The same, behind `key`.
    pub fn after(&self, key: &[u8]) -> Self {
        Self {
            from: [key, &[0]].concat(),
            end: self.end.clone(),
        }
    }

    /// As members of an object.
    pub fn json(&self) -> String {
        let from = base64(&self.from);
        match &self.end {
            None => format!(r#""key":"{from}""#),
            Some(end) => format!(r#""key":"{from}","range_end":"{}""#, base64(end)),
        }
    }
}

/// A put, as an object.
pub fn put(key: &[u8], value: &[u8]) -> String {
    format!(r#"{{"key":"{}","value":"{}"}}"#, base64(key), base64(value))
}

/// Writes `puts` if all of `compares` hold. Both are objects.
pub fn txn(compares: &[String], puts: &[String]) -> String {
    let puts: Vec<_> = puts
        .iter()
        .map(|put| format!(r#"{{"request_put":{put}}}"#))
        .collect();
    let (compares, puts) = (compares.join(","), puts.join(","));
    format!(r#"{{"compare":[{compares}],"success":[{puts}]}}"#)
}

/// What a key must hold; `None`: there must be no such key.
pub fn compare(key: &[u8], expected: Option<&[u8]>) -> String {
    let key = base64(key);
    match expected {
        Some(value) => {
            let value = base64(value);
            format!(r#"{{"target":"VALUE","key":"{key}","value":"{value}"}}"#)
        }
        None => format!(r#"{{"target":"CREATE","key":"{key}","create_revision":"0"}}"#),
    }
}

/// Something that was parsed. What is not there reads as zero, empty or false.
#[derive(Clone, Debug)]
pub struct Json(JsValue);

impl Json {
    pub fn new(parsed: JsValue) -> Self {
        Self(parsed)
    }

    pub fn parse(text: &str) -> Option<Self> {
        JSON::parse(text).ok().map(Self)
    }

    pub fn get(&self, name: &str) -> Self {
        Self(Reflect::get(&self.0, &name.into()).unwrap_or(JsValue::UNDEFINED))
    }

    pub fn is_there(&self) -> bool {
        !self.0.is_undefined() && !self.0.is_null()
    }

    pub fn as_text(&self) -> Option<String> {
        self.0.as_string()
    }

    pub fn text(&self, name: &str) -> String {
        self.get(name).as_text().unwrap_or_default()
    }

    pub fn whole(&self, name: &str) -> u64 {
        let value = self.get(name);
        let text = value.as_text().and_then(|text| text.parse().ok());
        text.or_else(|| value.0.as_f64().map(|number| number as u64))
            .unwrap_or_default()
    }

    pub fn is(&self, name: &str) -> bool {
        self.get(name).0.as_bool().unwrap_or_default()
    }

    /// # Errors
    /// As [`bytes_of`].
    pub fn bytes(&self, name: &str) -> Result<Bytes, ApiError> {
        bytes_of(&self.text(name))
    }

    pub fn list(&self, name: &str) -> Vec<Self> {
        let list = self.get(name).0;
        if !Array::is_array(&list) {
            return Vec::new();
        }
        Array::from(&list).iter().map(Self).collect()
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn base64_and_back() {
        let all: Vec<u8> = (0..=255).cycle().take(100_001).collect();
        for length in [0, 1, 2, 3, 255, 49_152, 49_153, 100_001] {
            let bytes = &all[..length];
            assert_eq!(bytes_of(&base64(bytes)).unwrap(), bytes);
        }
        assert_eq!(base64(b"foob"), "Zm9vYg==");
        assert_eq!(bytes_of("Zm9v*").unwrap_err().code, "PROTOCOL");
    }

    #[test]
    fn what_is_under_a_prefix_ends() {
        let end = |prefix: &[u8]| Keys::under(prefix).end;
        assert_eq!(end(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(end(b"a\xff\xff"), Some(b"b".to_vec()));
        assert_eq!(end(b"\xff"), Some(vec![0]));
        let all = Keys::under(b"");
        assert_eq!((all.from, all.end), (vec![0], Some(vec![0])));
        let next = Keys::under(b"ab").after(b"abc");
        assert_eq!(
            (next.from, next.end),
            (b"abc\0".to_vec(), Some(b"ac".to_vec()))
        );
    }

    #[test]
    fn what_is_said_parses() {
        let said = txn(
            &[compare(b"k", None), compare(b"l", Some(b""))],
            &[put(b"k", b"\xff")],
        );
        let json = Json::parse(&said).unwrap();
        let compares = json.list("compare");
        assert_eq!(compares[0].whole("create_revision"), 0);
        assert_eq!(compares[1].text("target"), "VALUE");
        let put = json.list("success")[0].get("request_put");
        assert_eq!(put.bytes("key").unwrap(), &b"k"[..]);
        assert_eq!(put.bytes("value").unwrap(), &b"\xff"[..]);
        let name = Json::parse(&quoted("a\"\\\n")).unwrap();
        assert_eq!(name.as_text().unwrap(), "a\"\\\n");
    }

    #[test]
    fn numbers_are_strings_and_zeros_are_left_out() {
        let json = Json::parse(
            r#"{"cluster_id":"14841639068965178418","code":14,"succeeded":true,"kvs":[{}]}"#,
        )
        .unwrap();
        assert_eq!(json.whole("cluster_id"), 14_841_639_068_965_178_418);
        assert_eq!(json.whole("code"), 14);
        assert_eq!(json.whole("revision"), 0);
        assert!(json.is("succeeded") && !json.is("more"));
        assert_eq!(json.list("kvs").len(), 1);
        assert!(json.list("members").is_empty());
        assert_eq!(json.get("header").whole("revision"), 0);
        assert!(!json.get("header").is_there());
        assert!(Json::parse("<html>").is_none());
    }
}
