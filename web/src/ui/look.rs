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
}

impl Look {
    pub fn of(node: &NodeStatus) -> Self {
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

    /// The word people read; also the CSS class that carries the colour.
    pub fn word(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Candidate => "candidate",
            Self::Precandidate => "precandidate",
            Self::Learner => "learner",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
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
    };
    let inside = match look {
        Look::Leader => Some(("mark crown", "M-6 4 -7 -4-3 -1 0 -6 3 -1 7 -4 6 4Z")),
        Look::Paused => Some(("mark", "M-3-5V5M3-5V5")),
        Look::Stopped => Some(("mark", "M-4-4 4 4M-4 4 4-4")),
        Look::Failed => Some(("mark", "M0-3V3M0 5.5V6.5")),
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
        <span class=move || format!("role {}", look.get().word())>
            <svg class="shape" viewBox="-13 -13 26 26" aria-hidden="true">
                {move || shape(look.get(), "")}
            </svg>
            <span data-testid="role">{move || look.get().word()}</span>
        </span>
    }
}
