//! A file that a person has chosen: read if its first bytes say that it is of the kind that is
//! wanted, refused by name otherwise.

use js_sys::{ArrayBuffer, Uint8Array};
use tabraft::frame::{self, FrameError, Kind};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use crate::model::ApiError;

/// Bytes read at a time.
const SLICE: f64 = (4 << 20) as f64;
/// Enough of a file to tell what it is and how long it should be.
const HEAD: f64 = 16.0;
const MAGIC: &[u8] = b"TBRF";

/// Reads a file of a kind. `tell` hears how far it is, from 0 to 1.
///
/// # Errors
/// `BAD_FILE` with what is wrong; `BROWSER`.
pub async fn read(file: &Blob, kind: Kind, tell: impl AsyncFn(f64)) -> Result<Vec<u8>, ApiError> {
    let size = file.size();
    let head = slice(file, 0.0, HEAD.min(size)).await?;
    match frame::open(kind, &head) {
        // Of the right kind, and as long as it says.
        Err(FrameError::Short { wanted, .. }) if wanted as f64 == size => {}
        Err(FrameError::Short { wanted, .. }) if size >= HEAD && size > wanted as f64 => {
            let found = size as usize;
            return Err(bad_file(kind, &FrameError::Long { found, wanted }, size));
        }
        Err(error) => return Err(refusal(kind, &error, &head, size)),
        Ok(_) => {}
    }
    let mut bytes = Vec::with_capacity(size as usize);
    let mut at = 0.0;
    while at < size {
        tell(at / size).await;
        let end = size.min(at + SLICE);
        bytes.extend(slice(file, at, end).await?);
        at = end;
    }
    Ok(bytes)
}

async fn slice(file: &Blob, from: f64, to: f64) -> Result<Vec<u8>, ApiError> {
    let failed = |error: JsValue| ApiError::browser("The file could not be read", &error);
    let part = file.slice_with_f64_and_f64(from, to).map_err(failed)?;
    let buffer = JsFuture::from(part.array_buffer()).await.map_err(failed)?;
    Ok(Uint8Array::new(&buffer.unchecked_into::<ArrayBuffer>()).to_vec())
}

/// What the first bytes of a file say is wrong with it.
fn refusal(kind: Kind, error: &FrameError, head: &[u8], size: f64) -> ApiError {
    if size == 0.0 {
        return ApiError::new("BAD_FILE", "The file is empty. Nothing was changed.");
    }
    let begins_well = head
        .iter()
        .zip(MAGIC)
        .all(|(found, wanted)| found == wanted);
    match error {
        FrameError::Short { .. } if !begins_well => bad_file(kind, &FrameError::Magic, size),
        error => bad_file(kind, error, size),
    }
}

/// What is wrong with a file of `size` bytes that was to be of a kind.
pub fn bad_file(kind: Kind, error: &FrameError, size: f64) -> ApiError {
    let sentence = match error {
        FrameError::Magic => "The file is not one that tabraft has made.".to_owned(),
        FrameError::Kind { found, .. } => format!(
            "The file is {}, not {}.",
            kind_in_words(*found),
            kind_in_words(kind as u8)
        ),
        FrameError::Version { found, wanted } if found > wanted => format!(
            "The file was made by a newer version of tabraft: it has format {found}, and this \
             build reads format {wanted}. Reload the page to get the newest build."
        ),
        FrameError::Version { found, wanted } => {
            format!("The file has format {found}, and this build reads format {wanted} only.")
        }
        FrameError::Short { wanted, .. } => {
            format!("The file is cut short: it has {size} of {wanted} bytes.")
        }
        FrameError::Long { wanted, .. } => format!(
            "The file has {size} bytes where {wanted} belong: something was added to its end."
        ),
        FrameError::TooLarge { found, max } => {
            format!("The file is too large: it says {found} bytes, and {max} are the most.")
        }
        FrameError::Checksum => {
            "The file is damaged: its checksum does not match its contents.".to_owned()
        }
        FrameError::Contents => {
            "The file makes no sense, although its checksum matches. It was not made by tabraft."
                .to_owned()
        }
    };
    ApiError::new("BAD_FILE", format!("{sentence} Nothing was changed."))
}

fn kind_in_words(kind: u8) -> &'static str {
    const KINDS: [(Kind, &str); 5] = [
        (Kind::Record, "a record of a write-ahead log"),
        (Kind::Snapshot, "a snapshot from a replica's own disk"),
        (Kind::Envelope, "a message between replicas"),
        (Kind::Backup, "a snapshot that was saved as a file"),
        (Kind::Run, "a saved run"),
    ];
    let found = KINDS.iter().find(|(of, _)| *of as u8 == kind);
    found.map_or("of a kind that this build does not know", |(_, words)| {
        words
    })
}

#[cfg(test)]
mod tests {
    use tabraft::wal::Snapshot;
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn told(kind: Kind, head: &[u8], size: f64) -> String {
        let error = frame::open(kind, head).expect_err("not of that kind");
        refusal(kind, &error, head, size).message
    }

    #[test]
    fn each_wrong_file_is_named() {
        let backup = Snapshot::nothing(7).encode_backup();
        let with = |at: usize, byte: u8| {
            let mut head = backup[..16].to_vec();
            head[at] = byte;
            head
        };
        let cases = [
            (Vec::new(), 0.0, "empty"),
            (b"PNG".to_vec(), 3.0, "not one that tabraft has made"),
            (b"TB".to_vec(), 2.0, "cut short: it has 2 of 16 bytes"),
            (with(0, b'X'), 900.0, "not one that tabraft has made"),
            (with(4, 1), 900.0, "a record of a write-ahead log"),
            (with(4, 2), 900.0, "from a replica's own disk"),
            (
                with(4, 5),
                900.0,
                "is a saved run, not a snapshot that was saved",
            ),
            (with(4, 9), 900.0, "does not know"),
            (with(5, 200), 900.0, "newer version"),
            (with(11, 0xff), 900.0, "too large"),
            (backup[..16].to_vec(), 17.0, "cut short: it has 17 of"),
        ];
        for (head, size, wanted) in cases {
            let sentence = told(Kind::Backup, &head, size);
            assert!(sentence.contains(wanted), "{sentence}");
            assert!(sentence.ends_with("Nothing was changed."), "{sentence}");
        }
        let sentence = told(Kind::Run, &backup, backup.len() as f64);
        let wanted = "The file is a snapshot that was saved as a file, not a saved run.";
        assert!(sentence.starts_with(wanted), "{sentence}");
    }
}
