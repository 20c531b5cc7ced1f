//! What a running replica does when it is asked to.

use tabraft::node::Input;

use super::entry;
use super::replica::Replica;
use super::worker::say;
use crate::protocol::{Deed, FromWorker, Yield};

/// Calls that may wait for a snapshot.
const AWAITING_MAX: usize = 1_000;

impl Replica {
    pub(super) fn perform(&self, call: u64, deed: Deed) {
        let yielded = match deed {
            Deed::Configure(live) => {
                self.0.live.set(live);
                self.input(Input::Configure(live.limits));
                self.watch_leader();
                Yield::Nothing
            }
            Deed::Snapshot => {
                let applied = self.0.node.borrow().applied();
                let mut awaiting = self.0.awaiting_snapshot.borrow_mut();
                if awaiting.len() >= AWAITING_MAX {
                    let sentence = "Too many callers wait for a snapshot already.";
                    let result = Err(("BUSY".into(), sentence.into()));
                    return say(&FromWorker::Did { call, result });
                }
                awaiting.push((call, applied));
                drop(awaiting);
                self.input(Input::Snapshot);
                return self.answer_snapshots();
            }
            Deed::Transfer(to) => {
                self.input(Input::TransferLeader(Some(to)));
                Yield::Nothing
            }
            Deed::Disk(fault) => {
                self.0.disk.set_fault(fault);
                Yield::Nothing
            }
            Deed::Entry(index) => {
                let (node, steps) = (self.0.node.borrow(), self.0.steps.borrow());
                Yield::Entry(Box::new(entry::told(&node, &steps, index)))
            }
        };
        say(&FromWorker::Did {
            call,
            result: Ok(yielded),
        });
    }

    /// Answers the calls whose snapshot is durable.
    pub(super) fn answer_snapshots(&self) {
        let Ok(mut awaiting) = self.0.awaiting_snapshot.try_borrow_mut() else {
            return;
        };
        let (index, _) = self.0.node.borrow().snapshot();
        awaiting.retain(|(call, wanted)| {
            if index >= *wanted {
                say(&FromWorker::Did {
                    call: *call,
                    result: Ok(Yield::Index(index)),
                });
            }
            index < *wanted
        });
    }
}
