//! Members of the cluster: added, promoted, removed, replaced; and who leads them.

use tabraft::wire::MemberChange;
use wasm_bindgen_futures::spawn_local;

use super::Cluster;
use super::deadline::Deadline;
use super::membership::{CHANGE, Report};
use crate::host::registry;
use crate::model::ApiError;
use crate::protocol::{Action, Deed};

/// How long a change of the members may take if its caller does not say, in milliseconds.
pub const MEMBERS_TIMEOUT_MS: f64 = 15_000.0;
/// Entries that a learner may lack when it is to be promoted. Replicas allow for more, since
/// others write meanwhile.
const NEAR: u64 = 500;
/// How often a learner's progress is looked at, in milliseconds.
const LOOK_MS: u32 = 50;
/// How long a removed replica may take to end by itself, in milliseconds.
const FAREWELL_MS: f64 = 2_000.0;
/// How long one attempt to hand leadership over may take, in milliseconds: Raft gives it up after
/// an election timeout.
const TRANSFER_MS: f64 = 1_000.0;

impl Cluster {
    /// Starts a new replica in this tab and makes it a member: a learner that catches up, then,
    /// unless it is to stay one, a voter. Without an id it gets a new one. Doing it again with the
    /// id of an addition that was interrupted goes on with that.
    ///
    /// # Errors
    /// `ID_USED`, `ALREADY_MEMBER`, `NO_QUORUM`, or why it cannot run here; `LEARNER_BEHIND` if it
    /// did not catch up in time.
    pub async fn add_node(&self, id: Option<u64>, learner: bool) -> Result<u64, ApiError> {
        let deadline = Deadline::after(MEMBERS_TIMEOUT_MS);
        self.add_node_by(id, learner, deadline).await
    }

    pub(super) async fn add_node_by(
        &self,
        id: Option<u64>,
        learner: bool,
        deadline: Deadline,
    ) -> Result<u64, ApiError> {
        self.fresh_status().await?;
        self.check_quorum(CHANGE)?;
        let lock = self.membership_lock(deadline).await?;
        let report = self.confirmed(deadline).await?;
        let id = match id.filter(|id| report.membership.has(*id)) {
            Some(id) => {
                self.resume_addition(id, learner, &report).await?;
                id
            }
            None => {
                let id = self.seat(id, &report).await?;
                let add = [MemberChange::AddLearner(id)];
                self.reach(|conf| conf.has(id), &add, deadline).await?;
                id
            }
        };
        drop(lock);
        if !learner {
            self.promote_by(id, deadline).await?;
        }
        Ok(id)
    }

    /// A member is to be added: it has been, but perhaps not wholly.
    async fn resume_addition(
        &self,
        id: u64,
        learner: bool,
        report: &Report,
    ) -> Result<(), ApiError> {
        let runs = self.0.view.borrow().is_running(id);
        let is_voter = report.membership.voters.contains(&id);
        if is_voter || (learner && runs) {
            return Err(already_member(id, is_voter));
        }
        if runs { Ok(()) } else { self.start(id).await }
    }

    /// Gives a replica that is to join an id and a disk, and hosts it here.
    async fn seat(&self, wanted: Option<u64>, report: &Report) -> Result<u64, ApiError> {
        let cluster = self.cluster();
        let record = registry::find(cluster).await?.unwrap_or_default();
        if let Some(id) = wanted
            && record.members.contains(&id)
            && self.0.view.borrow().is_running(id)
        {
            return Ok(id);
        }
        let id = match registry::reserve(cluster, wanted)
            .await
            .map_err(ApiError::from)
        {
            // It was removed, and the tab that removed it ended before it noted that.
            Err(error) if error.code == "ID_USED" && wanted.is_some() => {
                let id = wanted.unwrap_or_default();
                self.note_removal(id, report).await?;
                registry::reserve(cluster, wanted).await?
            }
            reserved => reserved?,
        };
        let identity = self.joined().await?.identity;
        registry::prepare_joiner(cluster, identity, id).await?;
        self.tell_record().await;
        self.0.view.borrow_mut().forget_status(id);
        match self.host(id, false, false).await {
            Err(error) if error.code != "ALREADY_RUNNING" => Err(error),
            _ => Ok(id),
        }
    }

    /// Makes a learner a voter, as soon as it has caught up.
    ///
    /// # Errors
    /// `NOT_MEMBER`, `ALREADY_MEMBER`, `NO_QUORUM`; `LEARNER_BEHIND` with how far it is.
    pub async fn promote(&self, id: u64) -> Result<(), ApiError> {
        let deadline = Deadline::after(MEMBERS_TIMEOUT_MS);
        self.promote_checked(id, deadline).await
    }

    pub(super) async fn promote_checked(
        &self,
        id: u64,
        deadline: Deadline,
    ) -> Result<(), ApiError> {
        self.fresh_status().await?;
        self.check_listed(id)?;
        self.check_quorum(CHANGE)?;
        let membership = self.confirmed(deadline).await?.membership;
        if membership.voters.contains(&id) {
            return Err(already_member(id, true));
        }
        self.promote_by(id, deadline).await
    }

    async fn promote_by(&self, id: u64, deadline: Deadline) -> Result<(), ApiError> {
        let near = |report: &Report| {
            let matched = matched(report, id);
            matched > 0 && matched + NEAR >= report.commit
        };
        let mut report = self.confirmed(deadline).await?;
        while !near(&report) {
            if !report.membership.has(id) {
                return Err(ApiError::not_member(id));
            }
            self.look_at_locks().await;
            let runs = self.0.view.borrow().is_running(id);
            if !runs || !deadline.pause(LOOK_MS).await {
                return Err(behind(id, &report, runs));
            }
            report = self.confirmed(deadline).await?;
        }
        let is_voter = [MemberChange::AddVoter(id)];
        let reached = self.reach(|conf| conf.voters.contains(&id), &is_voter, deadline);
        match reached.await {
            Ok(_) => Ok(()),
            Err(error) if error.code == "LEARNER_BEHIND" => Err(behind(id, &report, true)),
            Err(error) => Err(error),
        }
    }

    /// Removes a member. A leader hands over first.
    ///
    /// # Errors
    /// `NOT_MEMBER`, `LAST_VOTER`, `NO_QUORUM`, `TRANSFER_FAILED`.
    pub async fn remove_node(&self, id: u64) -> Result<(), ApiError> {
        let deadline = Deadline::after(MEMBERS_TIMEOUT_MS);
        self.remove_node_by(id, deadline).await
    }

    pub(super) async fn remove_node_by(&self, id: u64, deadline: Deadline) -> Result<(), ApiError> {
        self.fresh_status().await?;
        self.check_listed(id)?;
        if self.0.view.borrow().record().removed.contains(&id) {
            return Err(ApiError::removed(id));
        }
        self.check_quorum(CHANGE)?;
        let _lock = self.membership_lock(deadline).await?;
        let report = self.confirmed(deadline).await?;
        if report.membership.voters == [id] {
            return Err(last_voter(id));
        }
        self.hand_over_from(id, &report, deadline).await?;
        let remove = [MemberChange::Remove(id)];
        let report = self.reach(|conf| !conf.has(id), &remove, deadline).await?;
        self.note_removal(id, &report).await?;
        self.see_out(id).await;
        Ok(())
    }

    /// Removes a member and adds a new one in its place, which catches up from its peers. The new
    /// one's id.
    ///
    /// # Errors
    /// As [`Cluster::remove_node`] and [`Cluster::add_node`].
    pub async fn replace(&self, id: u64) -> Result<u64, ApiError> {
        let deadline = Deadline::after(MEMBERS_TIMEOUT_MS);
        self.replace_by(id, deadline).await
    }

    pub(super) async fn replace_by(&self, id: u64, deadline: Deadline) -> Result<u64, ApiError> {
        self.fresh_status().await?;
        self.check_listed(id)?;
        self.check_quorum(CHANGE)?;
        let lock = self.membership_lock(deadline).await?;
        let report = self.confirmed(deadline).await?;
        if !report.membership.has(id) {
            return Err(ApiError::not_member(id));
        }
        if report.membership.voters == [id] {
            return Err(last_voter(id));
        }
        let was_voter = report.membership.voters.contains(&id);
        self.hand_over_from(id, &report, deadline).await?;
        let new = self.seat(None, &report).await?;
        let swap = [MemberChange::Remove(id), MemberChange::AddLearner(new)];
        let swapped = self.reach(|conf| !conf.has(id) && conf.has(new), &swap, deadline);
        let report = swapped.await?;
        self.note_removal(id, &report).await?;
        drop(lock);
        self.see_out(id).await;
        if was_voter {
            self.promote_by(new, deadline).await?;
        }
        Ok(new)
    }

    /// Makes a voter the leader.
    ///
    /// # Errors
    /// `NOT_VOTER`, `NOT_RUNNING`, `PAUSED`, `TRANSFER_FAILED`.
    pub async fn transfer_leader(&self, id: u64) -> Result<(), ApiError> {
        let deadline = Deadline::after(MEMBERS_TIMEOUT_MS);
        self.transfer_leader_by(id, deadline).await
    }

    pub(super) async fn transfer_leader_by(
        &self,
        id: u64,
        deadline: Deadline,
    ) -> Result<(), ApiError> {
        self.fresh_status().await?;
        self.check_listed(id)?;
        if !self.0.view.borrow().voters().contains(&id) {
            return Err(ApiError::new(
                "NOT_VOTER",
                format!("Node {id} has no vote and cannot lead. Promote it first."),
            ));
        }
        self.check_reacts(id)?;
        loop {
            let leader = self.0.view.borrow().leader();
            if leader == id {
                return Ok(());
            }
            let attempt = Deadline::after(deadline.left(TRANSFER_MS));
            if leader != 0 {
                // Whatever comes of it: the next look tells who leads.
                drop(
                    self.deed_within(leader, Deed::Transfer(id), TRANSFER_MS)
                        .await,
                );
            }
            while self.0.view.borrow().leader() != id && attempt.pause(LOOK_MS).await {
                self.fresh_status().await?;
            }
            if deadline.is_over() && self.0.view.borrow().leader() != id {
                return Err(transfer_failed(id, leader, deadline));
            }
        }
    }

    /// A leader that is to leave hands over to the voter that has most of the log.
    async fn hand_over_from(
        &self,
        id: u64,
        report: &Report,
        deadline: Deadline,
    ) -> Result<(), ApiError> {
        if report.id != id || self.0.view.borrow().leader() != id {
            return Ok(());
        }
        let voters = report.membership.voters.iter().copied();
        let able = voters.filter(|voter| *voter != id && self.check_reacts(*voter).is_ok());
        match able.max_by_key(|voter| (matched(report, *voter), u64::MAX - voter)) {
            Some(next) => self.transfer_leader_by(next, deadline).await,
            None => Ok(()),
        }
    }

    /// A removed replica ends when it hears of that; one that does not hear is ended.
    async fn see_out(&self, id: u64) {
        let patience = Deadline::after(FAREWELL_MS);
        loop {
            self.look_at_locks().await;
            if !self.0.view.borrow().is_running(id) {
                return;
            }
            if !patience.pause(LOOK_MS).await {
                break;
            }
        }
        if let Err(error) = self.act(id, Action::Stop).await
            && error.code != "NOT_RUNNING"
        {
            self.notice(format!(
                "Node {id} was removed but still runs. {}",
                error.message
            ));
        }
    }

    /// A replica of this tab says that it was removed. Who removed it may have ended before that
    /// was noted.
    pub(super) fn on_removed(&self, id: u64) {
        let me = self.clone();
        spawn_local(async move {
            let deadline = Deadline::after(MEMBERS_TIMEOUT_MS);
            let noted = async {
                let _lock = me.membership_lock(deadline).await?;
                let report = me.confirmed(deadline).await?;
                me.note_removal(id, &report).await
            };
            if let Err(error) = noted.await {
                // It says the same when it is next started.
                me.event(id, "problem", error.message);
            }
        });
    }
}

/// The newest entry that a member is known to have.
fn matched(report: &Report, id: u64) -> u64 {
    let progress = report.progress.iter().find(|progress| progress.id == id);
    progress.map_or(0, |progress| progress.matched)
}

fn already_member(id: u64, is_voter: bool) -> ApiError {
    let role = if is_voter { "voter" } else { "learner" };
    ApiError::new("ALREADY_MEMBER", format!("Node {id} is a {role} already."))
}

fn last_voter(id: u64) -> ApiError {
    ApiError::new(
        "LAST_VOTER",
        format!("Node {id} is the last voter and cannot be removed. Add another one first."),
    )
}

fn behind(id: u64, report: &Report, runs: bool) -> ApiError {
    let (has, of) = (matched(report, id), report.commit);
    let cause = if runs {
        "goes on catching up"
    } else {
        "is not running: start it"
    };
    ApiError::new(
        "LEARNER_BEHIND",
        format!(
            "Node {id} has the log up to {has} of {of}. It stays a learner and {cause}. Promote \
             it once it has caught up."
        ),
    )
}

fn transfer_failed(id: u64, leader: u64, deadline: Deadline) -> ApiError {
    let leads = match leader {
        0 => "There is no leader to hand over".to_owned(),
        leader => format!("Node {leader} leads still"),
    };
    ApiError::new(
        "TRANSFER_FAILED",
        format!(
            "Node {id} did not take over within {}. {leads}.",
            deadline.in_words()
        ),
    )
}
