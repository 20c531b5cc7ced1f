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
        let image: Image = frame::decode(Kind::Snapshot, bytes)?;
        if image.index == 0 || image.term == 0 || !image.membership.is_sound() {
            return Err(FrameError::Contents);
        }
        Ok(Self {
            cluster: image.cluster,
            index: image.index,
            term: image.term,
            membership: image.membership,
            store: Store::restore(image.store).ok_or(FrameError::Contents)?,
        })
    }
}

/// Encodes the snapshot of a store at `(index, term)`.
pub fn encode(
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
    frame::encode(Kind::Snapshot, &image)
}
