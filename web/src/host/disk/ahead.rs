//! A disk that is read before it is needed.
//!
//! What is stored under a key stays as it is for as long as it is there: a host adds each record under a
//! number of its own, and a snapshot is the state at its index. So what was read once need not be read
//! again when the disk is taken over, if it is still there, and if the [`Stamp`] says that it is the
//! same host's, and that nobody began the disk anew or damaged it in between.

use futures_util::future::try_join;
use indexed_db_futures::error::Error;
use indexed_db_futures::prelude::*;
use indexed_db_futures::transaction::TransactionRef;
use js_sys::Number;
use tabraft::wal::{Replay, Tables};
use tabraft::wire::{ClusterId, NodeId};

use super::rows::{self, Snapshots, whole};
use super::{DiskError, EPOCH, OWNER, SNAPSHOTS, WAL};
use crate::host::idb::{self, Connection};

/// Another number whenever rows that were there were changed, and not only added or deleted.
const REWRITTEN: &str = "rewritten";
/// More than this is not kept, in bytes: a spare is to be quick, not large.
const KNOWN_MAX: usize = 16 << 20;

/// Whose rows they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    pub epoch: u64,
    rewritten: u64,
}

/// Rows that were read, and whose they were then.
#[derive(Default)]
pub struct Known {
    pub stamp: Stamp,
    pub tables: Tables,
    /// What was made of them, some of the newest excepted.
    pub replay: Option<Replay>,
}

impl Known {
    /// What is stored now, with what has come since.
    ///
    /// # Errors
    /// The browser's.
    pub async fn refreshed(self, connection: &Connection) -> Result<Self, DiskError> {
        let reading = connection.read([WAL, SNAPSHOTS, OWNER])?;
        let known = self.completed(&reading, |now| now).await?;
        idb::commit(reading).await?;
        Ok(known)
    }

    /// What is stored, if `whose` says of the stamp that is found which one these rows have to have.
    pub async fn completed(
        self,
        reading: &TransactionRef<'_>,
        whose: impl FnOnce(Stamp) -> Stamp,
    ) -> Result<Self, DiskError> {
        let (mut stamp, mut replay) = (Stamp::default(), self.replay);
        let holds = async {
            stamp = Stamp::read(reading).await?;
            let holds = self.stamp == whose(stamp);
            replay.take_if(|_| !holds);
            Ok(holds)
        };
        let tables = rows::read(reading, Snapshots::Newest, self.tables, holds).await?;
        Ok(Self {
            stamp,
            tables,
            replay,
        })
    }

    /// Makes of the rows what a replica of this cluster needs to go on from them.
    pub fn replay_ahead(&mut self, cluster: ClusterId, node: NodeId) {
        let mut replay = self.replay.take().unwrap_or(Replay::new(cluster, node));
        // What is damaged is found again by who goes on from it, and told by him.
        self.replay = replay.follow(&self.tables).is_ok().then_some(replay);
    }

    pub fn is_too_large(&self) -> bool {
        let Tables { records, snapshots } = &self.tables;
        let rows = records.iter().chain(snapshots);
        rows.map(|(_, bytes)| bytes.len()).sum::<usize>() > KNOWN_MAX
    }
}

impl Stamp {
    pub async fn read(transaction: &TransactionRef<'_>) -> Result<Self, DiskError> {
        let owner = transaction.object_store(OWNER)?;
        let epoch = owner.get::<f64, &str, _>(EPOCH).primitive()?;
        let rewritten = owner.get::<f64, &str, _>(REWRITTEN).primitive()?;
        let (epoch, rewritten) = try_join(epoch, rewritten).await?;
        Ok(Self {
            epoch: epoch.map_or(Ok(0), whole)?,
            rewritten: rewritten.map_or(Ok(0), whole)?,
        })
    }

    /// That of the host before this one.
    pub fn before(self) -> Self {
        Self {
            epoch: self.epoch.saturating_sub(1),
            ..self
        }
    }
}

/// Has nobody believe any more what he read before this transaction.
pub fn note_rewritten(transaction: &TransactionRef<'_>) -> Result<(), Error> {
    let number = (js_sys::Math::random() * Number::MAX_SAFE_INTEGER).floor();
    let owner = transaction.object_store(OWNER)?;
    let _put = owner.put(number).with_key(REWRITTEN).primitive()?;
    Ok(())
}
