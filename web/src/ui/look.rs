//! How a replica looks: a shape, a word and a colour, in that order of weight.

use leptos::prelude::*;

use crate::model::{NodeStatus, Role, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Leader,
    Follower,
    Candidate,
    Precandidate,
    Learner,
    Paused,
    Stopped,
    Failed,
    /// No member any more, and not wiped yet.
    Removed,
}

impl Look {
    pub fn of(node: &NodeStatus) -> Self {
        // Behind a cut link it may still run and not know.
        let idle = matches!(node.state, State::Stopped | State::Failed);
        if !node.member && idle {
            return Self::Removed;
        }
        match (node.state, node.role) {
            (State::Paused, _) => Self::Paused,
            (State::Stopped, _) => Self::Stopped,
            (State::Failed, _) => Self::Failed,
            (State::Running, Role::Leader) => Self::Leader,
            (State::Running, Role::Follower) => Self::Follower,
            (State::Running, Role::Candidate) => Self::Candidate,
            (State::Running, Role::Precandidate) => Self::Precandidate,
            (State::Running, Role::Learner) => Self::Learner,
        }
    }

    /// The word people read.
    pub fn word(self) -> &'static str {
        match self {
            // Raft's word, and what it does.
            Self::Learner => "learner (listener)",
            other => other.class(),
        }
    }

    /// The same in one word, where there is little room: also the CSS class that carries the colour.
    pub fn class(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Candidate => "candidate",
            Self::Precandidate => "precandidate",
            Self::Learner => "learner",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Removed => "removed",
        }
    }
}

/// The shape alone, around the origin, in a circle of radius 12. Its word must stand beside it.
/// `mark` is the SVG transform of the mark inside, for a place that needs the middle itself.
pub fn shape(look: Look, mark: &'static str) -> AnyView {
    let body = match look {
        Look::Leader => view! { <circle class="body fill" r="11"></circle> }.into_any(),
        Look::Follower | Look::Paused => view! { <circle class="body" r="10"></circle> }.into_any(),
        Look::Candidate | Look::Precandidate => {
            view! { <circle class="body dashed" r="10"></circle> }.into_any()
        }
        Look::Learner => view! { <circle class="body" r="6"></circle> }.into_any(),
        Look::Stopped => view! { <circle class="body thin" r="10"></circle> }.into_any(),
        Look::Failed => view! { <path class="body" d="M0-10 11 9H-11Z"></path> }.into_any(),
        Look::Removed => {
            view! { <rect class="body thin" x="-9" y="-9" width="18" height="18" rx="2"></rect> }
                .into_any()
        }
    };
    let inside = match look {
        Look::Leader => Some(("mark crown", "M-6 4 -7 -4-3 -1 0 -6 3 -1 7 -4 6 4Z")),
        Look::Paused => Some(("mark", "M-3-5V5M3-5V5")),
        Look::Stopped => Some(("mark", "M-4-4 4 4M-4 4 4-4")),
        Look::Failed => Some(("mark", "M0-3V3M0 5.5V6.5")),
        Look::Removed => Some(("mark", "M-4.5 0H4.5")),
        Look::Follower | Look::Candidate | Look::Precandidate | Look::Learner => None,
    };
    let inside = inside.map(|(class, d)| view! { <path class=class d=d transform=mark></path> });
    view! {
        {body}
        {inside}
    }
    .into_any()
}

/// A replica's shape and word, as in its card.
#[component]
pub fn RoleMark(look: Memo<Look>) -> impl IntoView {
    view! {
        <span class=move || format!("role {}", look.get().class())>
            <svg class="shape" viewBox="-13 -13 26 26" aria-hidden="true">
                {move || shape(look.get(), "")}
            </svg>
            <span data-testid="role">{move || look.get().word()}</span>
        </span>
    }
}
