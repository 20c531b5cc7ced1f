//! The frame around every run of bytes that leaves a replica, whether to a channel, a disk or a
//! file: what it is, in which version, how long, and a checksum over all of it.
//!
//! ```text
//! offset  size  field
//!      0     4  magic     "TBRF"
//!      4     1  kind      1 WAL record, 2 snapshot, 3 envelope, 4 backup, 5 run
//!      5     1  version   of the payload's format for this kind
//!      6     2  reserved  zero
//!      8     4  length    of the payload in bytes, little-endian
//!     12     4  checksum  CRC-32 (IEEE) of bytes 0..12 and the payload, little-endian
//!     16     -  payload
//! ```
//!
//! A frame is whole or it is an error: nothing is read from a frame before its checksum holds.
//! CRC-32 recognises every single flipped bit and every burst of up to 32 bits.

use thiserror::Error;

const MAGIC: [u8; 4] = *b"TBRF";
const HEADER: usize = 16;

/// Where the version byte stands; tests of foreign versions change it.
pub const VERSION_OFFSET: usize = 5;

/// What a frame holds. The number is part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Record = 1,
    Snapshot = 2,
    Envelope = 3,
    /// A file that a person keeps.
    Backup = 4,
    /// What a page has seen, as a file.
    Run = 5,
}

impl Kind {
    /// The version this build writes.
    pub const fn version(self) -> u8 {
        match self {
            Kind::Record => 2,
            Kind::Snapshot => 1,
            Kind::Envelope => 3,
            Kind::Backup => 1,
            Kind::Run => 3,
        }
    }

    /// The oldest version this build reads. What a replica has said or stored is read in one only.
    pub const fn oldest_version(self) -> u8 {
        match self {
            Kind::Run => 2,
            other => other.version(),
        }
    }

    /// The largest payload in bytes: a length beyond it is refused before anything is allocated.
    pub const fn payload_max(self) -> usize {
        match self {
            // All that a leader sends without an answer may come to wait for one disk write:
            // INFLIGHT_MAX messages of MESSAGE_BYTES_MAX, or of one entry that is larger.
            Kind::Record => 1 << 30,
            Kind::Snapshot | Kind::Backup => 1 << 30,
            // What a page keeps is bounded; this is many times as much.
            Kind::Run => 64 << 20,
            // Appends of a whole window, in one envelope; snapshots travel in chunks.
            Kind::Envelope => (1 << 30) + (1 << 20),
        }
    }
}

/// Why some bytes are not a frame of the expected kind.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    #[error("{found} bytes are too few for a frame of {wanted}")]
    Short { found: usize, wanted: usize },
    #[error("{found} bytes are too many for a frame of {wanted}")]
    Long { found: usize, wanted: usize },
    #[error("the bytes do not begin with tabraft's mark")]
    Magic,
    #[error("the frame is of kind {found}, not {wanted}")]
    Kind { found: u8, wanted: u8 },
    #[error("the frame has format version {found}; this build reads version {wanted}")]
    Version { found: u8, wanted: u8 },
    #[error("the payload claims {found} bytes; {max} is the most")]
    TooLarge { found: usize, max: usize },
    #[error("the checksum does not match: the bytes were damaged")]
    Checksum,
    #[error("the checksum matches but the contents do not decode")]
    Contents,
}

/// Wraps what `write` appends to the buffer into a frame.
pub fn seal<E>(
    kind: Kind,
    write: impl FnOnce(Vec<u8>) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, E> {
    let mut header = Vec::with_capacity(256);
    header.extend_from_slice(&MAGIC);
    header.extend_from_slice(&[kind as u8, kind.version(), 0, 0]);
    header.extend_from_slice(&[0; 8]);
    let mut frame = write(header)?;
    let length = (frame.len() - HEADER) as u32;
    frame[8..12].copy_from_slice(&length.to_le_bytes());
    let sum = checksum(&frame);
    frame[12..16].copy_from_slice(&sum.to_le_bytes());
    Ok(frame)
}

/// The payload of a frame of `kind`.
///
/// # Errors
/// Whatever is wrong first, in the order: magic, kind, version, length, checksum.
pub fn open(kind: Kind, bytes: &[u8]) -> Result<&[u8], FrameError> {
    if bytes.len() < HEADER {
        return Err(FrameError::Short {
            found: bytes.len(),
            wanted: HEADER,
        });
    }
    if bytes[..4] != MAGIC {
        return Err(FrameError::Magic);
    }
    if bytes[4] != kind as u8 {
        return Err(FrameError::Kind {
            found: bytes[4],
            wanted: kind as u8,
        });
    }
    if !(kind.oldest_version()..=kind.version()).contains(&bytes[VERSION_OFFSET]) {
        return Err(FrameError::Version {
            found: bytes[VERSION_OFFSET],
            wanted: kind.version(),
        });
    }
    let length = le_u32(bytes, 8) as usize;
    if length > kind.payload_max() {
        return Err(FrameError::TooLarge {
            found: length,
            max: kind.payload_max(),
        });
    }
    let (found, wanted) = (bytes.len(), HEADER + length);
    if found < wanted {
        return Err(FrameError::Short { found, wanted });
    }
    if found > wanted {
        return Err(FrameError::Long { found, wanted });
    }
    if le_u32(bytes, 12) != checksum(bytes) {
        return Err(FrameError::Checksum);
    }
    Ok(&bytes[HEADER..])
}

fn checksum(frame: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&frame[..12]);
    hasher.update(&frame[HEADER..]);
    hasher.finalize()
}

fn le_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Seals a value in postcard's encoding.
pub fn encode<T: serde::Serialize>(kind: Kind, value: &T) -> Vec<u8> {
    seal(kind, |buffer| postcard::to_extend(value, buffer))
        .unwrap_or_else(|error| unreachable!("plain data always encodes: {error}"))
}

/// Opens a frame and decodes its payload, which must be used up to the last byte.
pub fn decode<T: serde::de::DeserializeOwned>(kind: Kind, bytes: &[u8]) -> Result<T, FrameError> {
    let payload = open(kind, bytes)?;
    match postcard::take_from_bytes(payload) {
        Ok((value, [])) => Ok(value),
        _ => Err(FrameError::Contents),
    }
}
