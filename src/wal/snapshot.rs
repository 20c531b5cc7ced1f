//! Snapshots: the state machine at an index, with the membership in force there.

use serde::{Deserialize, Serialize};

use crate::frame::{self, FrameError, Kind};
use crate::kv::Store;
use crate::kv::store::StoreImage;
use crate::wire::{ClusterId, Membership};

/// A whole state machine, able to stand in for the log up to `index`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub cluster: ClusterId,
    /// The last entry it contains, and that entry's term.
    pub index: u64,
    pub term: u64,
    pub membership: Membership,
    pub store: Store,
}

#[derive(Serialize, Deserialize)]
struct Image {
    cluster: ClusterId,
    index: u64,
    term: u64,
    membership: Membership,
    store: StoreImage,
}

impl Snapshot {
    pub fn encode(&self) -> Vec<u8> {
        encode(
            self.cluster,
            (self.index, self.term),
            self.membership.clone(),
            &self.store,
        )
    }

    /// # Errors
    /// What is wrong with the bytes; [`FrameError::Contents`] also where pairs and digest or the
    /// membership make no sense. Never panics, whatever they are.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        Self::decode_as(Kind::Snapshot, bytes)
    }

    /// The same contents as a file that a person keeps.
    pub fn encode_backup(&self) -> Vec<u8> {
        let membership = self.membership.clone();
        let at = (self.index, self.term);
        encode_as(Kind::Backup, self.cluster, at, membership, &self.store)
    }

    /// # Errors
    /// As [`Snapshot::decode`]; of a file that is no backup, [`FrameError::Magic`] or
    /// [`FrameError::Kind`].
    pub fn decode_backup(bytes: &[u8]) -> Result<Self, FrameError> {
        let snapshot = Self::decode_as(Kind::Backup, bytes)?;
        let whole = !snapshot.is_nothing();
        whole.then_some(snapshot).ok_or(FrameError::Contents)
    }

    /// Where a replica begins that joins a cluster later: before the first entry, without members.
    pub fn nothing(cluster: ClusterId) -> Self {
        Self {
            cluster,
            index: 0,
            term: 0,
            membership: Membership::default(),
            store: Store::default(),
        }
    }

    pub fn is_nothing(&self) -> bool {
        self.index == 0
    }

    fn decode_as(kind: Kind, bytes: &[u8]) -> Result<Self, FrameError> {
        let image: Image = frame::decode(kind, bytes)?;
        let snapshot = Self {
            cluster: image.cluster,
            index: image.index,
            term: image.term,
            membership: image.membership,
            store: Store::restore(image.store).ok_or(FrameError::Contents)?,
        };
        let sound = snapshot.index > 0 && snapshot.term > 0 && snapshot.membership.is_sound();
        (sound || snapshot == Self::nothing(snapshot.cluster))
            .then_some(snapshot)
            .ok_or(FrameError::Contents)
    }
}

/// Encodes the snapshot of a store at `(index, term)`.
pub fn encode(
    cluster: ClusterId,
    at: (u64, u64),
    membership: Membership,
    store: &Store,
) -> Vec<u8> {
    encode_as(Kind::Snapshot, cluster, at, membership, store)
}

fn encode_as(
    kind: Kind,
    cluster: ClusterId,
    (index, term): (u64, u64),
    membership: Membership,
    store: &Store,
) -> Vec<u8> {
    let image = Image {
        cluster,
        index,
        term,
        membership,
        store: store.image(),
    };
    frame::encode(kind, &image)
}
