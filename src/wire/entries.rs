//! Entries on their way to followers, encoded once for all of them.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use raft::eraftpb;
use serde::de::Visitor;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::LogEntry;

/// The entries of an append. Clones share them, and their encoding, which is made when the first of
/// them is sent; it travels as one run of bytes.
#[derive(Clone, Default)]
pub struct Entries(Option<Arc<Shared>>);

struct Shared {
    list: Vec<LogEntry>,
    encoded: OnceLock<Bytes>,
}

/// What an entry takes beside its data, in bytes, if its numbers are not very large.
const OVERHEAD: usize = 16;

impl Entries {
    fn encoded(&self) -> postcard::Result<&[u8]> {
        let Some(shared) = &self.0 else {
            return Ok(&[]);
        };
        if let Some(encoded) = shared.encoded.get() {
            return Ok(encoded);
        }
        let bytes = |entry: &LogEntry| entry.data.len() + entry.context.len() + OVERHEAD;
        let room = Vec::with_capacity(shared.list.iter().map(bytes).sum());
        let encoded = postcard::to_extend(&shared.list, room)?;
        Ok(shared.encoded.get_or_init(|| encoded.into()))
    }

    pub fn from_raft(entries: Vec<eraftpb::Entry>) -> Self {
        let list: Vec<LogEntry> = entries.into_iter().map(Into::into).collect();
        list.into()
    }

    pub fn into_raft(self) -> Vec<eraftpb::Entry> {
        let list = match self.0.map(Arc::try_unwrap) {
            None => return Vec::new(),
            Some(Ok(shared)) => shared.list,
            Some(Err(shared)) => shared.list.clone(),
        };
        list.into_iter().map(Into::into).collect()
    }
}

impl From<Vec<LogEntry>> for Entries {
    fn from(list: Vec<LogEntry>) -> Self {
        if list.is_empty() {
            return Self(None);
        }
        let encoded = OnceLock::new();
        Self(Some(Arc::new(Shared { list, encoded })))
    }
}

impl Deref for Entries {
    type Target = [LogEntry];

    fn deref(&self) -> &[LogEntry] {
        self.0.as_ref().map_or(&[], |shared| &shared.list)
    }
}

impl PartialEq for Entries {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Entries {}

impl fmt::Debug for Entries {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, to)
    }
}

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.encoded().map_err(S::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_bytes(Encoded)
    }
}

struct Encoded;

impl Visitor<'_> for Encoded {
    type Value = Entries;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("encoded entries")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Entries, E> {
        if bytes.is_empty() {
            return Ok(Entries::default());
        }
        match postcard::take_from_bytes::<Vec<LogEntry>>(bytes) {
            Ok((list, [])) if !list.is_empty() => Ok(list.into()),
            _ => Err(E::custom("these are no entries")),
        }
    }
}

/// The newest run of a log's entries that went out. It goes to one follower after the other: a run of that
/// length which ends with that index and term is the same (log matching: Raft thesis, section 3.5).
#[derive(Default)]
pub struct Sharing(Entries);

impl Sharing {
    pub fn entries(&mut self, entries: Vec<eraftpb::Entry>) -> Entries {
        let last = entries.last().map(|it| (it.index, it.term));
        let newest = self.0.last().map(|it| (it.index, it.term));
        if (entries.len(), last) != (self.0.len(), newest) {
            self.0 = Entries::from_raft(entries);
        }
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::RaftMessage;
    use super::*;

    fn entry(index: u64) -> eraftpb::Entry {
        eraftpb::Entry {
            index,
            term: 3,
            data: Bytes::from_static(b"data"),
            ..eraftpb::Entry::default()
        }
    }

    fn address(entries: &Entries) -> *const u8 {
        entries.encoded().expect("they encode").as_ptr()
    }

    #[test]
    fn the_same_entries_are_encoded_once() {
        let mut sharing = Sharing::default();
        let one = sharing.entries(vec![entry(1), entry(2)]);
        let other = sharing.entries(vec![entry(1), entry(2)]);
        let shorter = sharing.entries(vec![entry(2)]);
        let longer = sharing.entries(vec![entry(2), entry(3)]);
        assert_eq!(address(&one), address(&other));
        assert_eq!(one, other);
        let of = |indices: [u64; 2]| Entries::from(indices.map(entry).map(LogEntry::from).to_vec());
        assert_eq!((one, longer), (of([1, 2]), of([2, 3])));
        assert_eq!(shorter[..], [LogEntry::from(entry(2))]);
        assert!(sharing.entries(vec![]).is_empty());
    }

    #[test]
    fn appends_share_entries_and_reads_do_not() {
        let message = |kind, to, entries: Vec<eraftpb::Entry>| {
            let mut message = eraftpb::Message {
                to,
                ..eraftpb::Message::default()
            };
            message.set_msg_type(kind);
            message.set_entries(entries.into());
            message
        };
        let append = |to| message(eraftpb::MessageType::MsgAppend, to, vec![entry(1)]);
        let read = |to, context| {
            let entry = eraftpb::Entry {
                data: Bytes::from_static(context),
                ..eraftpb::Entry::default()
            };
            message(eraftpb::MessageType::MsgReadIndexResp, to, vec![entry])
        };
        let messages = vec![append(2), append(3), read(2, b"two"), read(3, b"three")];
        let sent = RaftMessage::outgoing(messages);
        assert_eq!(address(&sent[0].entries), address(&sent[1].entries));
        let contexts = [&sent[2].entries[0].data[..], &sent[3].entries[0].data];
        assert_eq!(contexts, [&b"two"[..], b"three"]);
    }

    #[test]
    fn they_arrive_as_they_were_sent() {
        for count in 0..4 {
            let list: Vec<_> = (1..=count).map(entry).collect();
            let sent = Sharing::default().entries(list.clone());
            let bytes = postcard::to_allocvec(&sent).expect("they encode");
            let (arrived, rest) = postcard::take_from_bytes::<Entries>(&bytes).expect("entries");
            assert!(rest.is_empty());
            assert_eq!(arrived, sent);
            assert_eq!(arrived.clone().into_raft(), list, "while another has them");
            assert_eq!(arrived.into_raft(), list);
        }
    }

    #[test]
    fn bytes_that_are_no_entries_are_refused() {
        let sent = Entries::from(vec![LogEntry::from(entry(1))]);
        let whole = sent.encoded().expect("they encode").to_vec();
        let arrive = |bytes: &[u8]| {
            let bytes = postcard::to_allocvec(&Bytes::copy_from_slice(bytes)).expect("bytes");
            postcard::from_bytes::<Entries>(&bytes).is_ok()
        };
        assert!(arrive(&whole) && arrive(&[]));
        assert!(!arrive(&whole[..whole.len() - 1]), "cut short");
        assert!(!arrive(&[&whole[..], &[0]].concat()), "something after it");
        assert!(
            !arrive(&[0]),
            "none has no bytes: one encoding for one thing"
        );
        assert!(!arrive(&[255; 12]), "a length that cannot be");
    }
}
