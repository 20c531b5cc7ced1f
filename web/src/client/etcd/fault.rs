//! What an error of etcd's means: for whoever asked, and for asking again.

use crate::model::ApiError;

/// What to do about an error that etcd answered with.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Nothing happened and it may go better: another member, or a little later.
    Again,
    /// The token is not, or no longer, good. Nothing happened.
    Token,
    /// Nothing happened, and it will not go otherwise.
    Refused(ApiError),
    /// Nobody knows whether it happened.
    Unknown,
}

/// gRPC's codes, as far as etcd's are told apart by them.
const INVALID_ARGUMENT: u64 = 3;
const NOT_FOUND: u64 = 5;
const PERMISSION_DENIED: u64 = 7;
const RESOURCE_EXHAUSTED: u64 = 8;
const FAILED_PRECONDITION: u64 = 9;
const OUT_OF_RANGE: u64 = 11;
const UNIMPLEMENTED: u64 = 12;
const UNAUTHENTICATED: u64 = 16;

impl Fault {
    /// Of an error's code and message.
    pub fn of(code: u64, message: &str) -> Self {
        let said = message.trim_start_matches("etcdserver: ");
        let refused = |code| Self::Refused(ApiError::new(code, format!("etcd says: {said}.")));
        match said {
            // Never proposed.
            "too many requests" | "raft proposal dropped" | "no leader" | "not leader" => {
                Self::Again
            }
            "invalid auth token" | "revision of auth store is old" => Self::Token,
            "user name is empty" => Self::Refused(sign_in()),
            "mvcc: database space exceeded" => refused("STORAGE_FULL"),
            "request is too large" => refused("VALUE_TOO_LARGE"),
            _ if said.contains("auth") && said.contains("old") => Self::Token,
            _ => match code {
                UNAUTHENTICATED => Self::Token,
                PERMISSION_DENIED => refused("DENIED"),
                INVALID_ARGUMENT | OUT_OF_RANGE | NOT_FOUND | FAILED_PRECONDITION => {
                    refused("BAD_ARGUMENT")
                }
                RESOURCE_EXHAUSTED => refused("BUSY"),
                UNIMPLEMENTED => refused("OLD_ETCD"),
                _ => Self::Unknown,
            },
        }
    }
}

pub fn sign_in() -> ApiError {
    ApiError::new(
        "SIGN_IN",
        "This etcd has authentication on: sign in with a name and a password first.",
    )
}

/// The versions this speaks with: 3.4 is the first whose gateway is at /v3.
pub fn is_new_enough(version: &str) -> bool {
    let mut parts = version.split('.').map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (3, 4),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn code(fault: Fault) -> &'static str {
        match fault {
            Fault::Refused(error) => error.code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_may_have_happened_is_not_tried_again() {
        for said in [
            "etcdserver: request timed out",
            "etcdserver: request timed out, possibly due to previous leader failure",
            "etcdserver: leader changed",
            "etcdserver: server stopped",
            "transport is closing",
        ] {
            assert_eq!(Fault::of(14, said), Fault::Unknown, "{said}");
        }
        assert_eq!(Fault::of(2, "anything else"), Fault::Unknown);
        assert_eq!(Fault::of(8, "etcdserver: too many requests"), Fault::Again);
        assert_eq!(Fault::of(14, "etcdserver: no leader"), Fault::Again);
    }

    #[test]
    fn refusals_are_named() {
        let token = "etcdserver: invalid auth token";
        assert_eq!(Fault::of(16, token), Fault::Token);
        assert_eq!(
            code(Fault::of(3, "etcdserver: user name is empty")),
            "SIGN_IN"
        );
        assert_eq!(
            code(Fault::of(7, "etcdserver: permission denied")),
            "DENIED"
        );
        assert_eq!(
            code(Fault::of(3, "etcdserver: request is too large")),
            "VALUE_TOO_LARGE"
        );
        let full = "etcdserver: mvcc: database space exceeded";
        assert_eq!(code(Fault::of(8, full)), "STORAGE_FULL");
        let compacted = "etcdserver: mvcc: required revision has been compacted";
        assert_eq!(code(Fault::of(11, compacted)), "BAD_ARGUMENT");
    }

    #[test]
    fn old_versions_are_known() {
        let new = ["3.4.0", "3.4.23", "3.6.0-alpha.0", "4.0.0", "3.10.1"];
        assert!(new.iter().all(|version| is_new_enough(version)));
        let old = ["3.3.27", "2.3.8", "3", "", "x.y"];
        assert!(!old.iter().any(|version| is_new_enough(version)));
    }
}
