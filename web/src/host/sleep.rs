//! A worker notices that it slept: its tab was frozen, or the whole machine.

use tabraft::node::Input;

use super::replica::Replica;
use super::worker::say;
use crate::clock;
use crate::protocol::FromWorker;

impl Replica {
    /// Tells the node before anything else that time has passed which it did not see. `false` if it slept for so long that it is to begin anew from its disk.
    pub(super) fn wake(&self) -> bool {
        let now = clock::ticking_ms();
        let slept_ms = now - self.0.reacted_ms.get();
        let ticks = (slept_ms / f64::from(self.0.tick_ms)) as u64;
        let live = self.0.live.get();
        if ticks < live.limits.sit_out_ticks.min(live.limits.step_down_ticks) {
            return true;
        }
        self.0.reacted_ms.set(now);
        if ticks >= live.reopen_ticks {
            self.end();
            self.0.disk.close();
            say(&FromWorker::Overslept { ms: slept_ms });
            return false;
        }
        self.0.node.borrow_mut().handle(Input::Woke { ticks });
        self.act();
        true
    }
}
