//! A history as a file that others' checkers read: Jepsen's operation maps in EDN, one a line.
//!
//! ```text
//! {:process 3, :type :invoke, :f :write, :value ["k" "a"], :time 1000, :client "1c4"}
//! {:process 3, :type :ok, :f :write, :value ["k" "a"], :time 4000, :client "1c4", :log-index 7, :log-term 2}
//! ```
//!
//! | here | `:f` | `:value` | how it ends |
//! |---|---|---|---|
//! | put | `:write` | `[key value]` | `:ok` |
//! | delete | `:write` | `[key nil]` | `:ok`, with `:existed` |
//! | cas | `:cas` | `[key [expected value]]`, `nil` for absent | `:ok` if it swapped, else `:fail` |
//! | get | `:read` | `[key nil]`, then `[key value]` | `:ok`; without an answer `:fail` |
//! | a write without an answer | | | `:info` |
//!
//! A value is the pair of key and value that `jepsen.independent` and `jepsen.checker/linearizable`
//! with a `cas-register` take; strings are UTF-8, and what is none of it is replaced. `:time` is in
//! nanoseconds of the Unix epoch. A process has one operation under way at a time, as Jepsen wants
//! it, so a client is several processes; one that met an unknown outcome is not used again.
//! `:process` numbers of one client begin at a multiple of 65,536 that depends on the client:
//! histories of several clients are merged by sorting their lines by `:time`.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;

use super::linear::{Call, Operation, Return, Returned};

/// Numbers of processes that a client has.
const PROCESSES: u64 = 1 << 16;
/// Clients that have numbers of their own.
const CLIENTS: u64 = 1 << 32;

/// The processes of one client.
#[derive(Default)]
struct Processes {
    used: u64,
    free: BTreeSet<u64>,
}

/// Writes operations whose times are in units of so many nanoseconds.
pub fn write(operations: &[Operation], unit_ns: u64) -> String {
    let mut events: Vec<(u64, bool, usize)> = Vec::new();
    for (n, operation) in operations.iter().enumerate() {
        events.push((operation.invoked, false, n));
        match (&operation.returned, &operation.call) {
            (Some(returned), _) => events.push((returned.at, true, n)),
            // An end that nobody saw comes last: Jepsen wants it after the invocation.
            (None, _) => events.push((u64::MAX, true, n)),
        }
    }
    // Of one moment, invocations come first: what touches is concurrent.
    events.sort_unstable();
    let last = operations
        .iter()
        .map(|it| it.returned.as_ref().map_or(it.invoked, |it| it.at))
        .max();
    let mut clients: HashMap<u64, Processes> = HashMap::new();
    let mut process_of = vec![0; operations.len()];
    let mut out = String::new();
    for (at, ends, n) in events {
        let operation = &operations[n];
        let processes = clients.entry(operation.client).or_default();
        if !ends {
            process_of[n] = processes.free.pop_first().unwrap_or_else(|| {
                processes.used += 1;
                processes.used - 1
            });
        } else if operation.returned.is_some() || operation.call == Call::Get {
            processes.free.insert(process_of[n]);
        }
        let process = operation.client % CLIENTS * PROCESSES + process_of[n];
        let at = at.min(last.unwrap_or(0));
        line(&mut out, operation, ends, process, at * unit_ns);
    }
    out
}

fn line(out: &mut String, operation: &Operation, ends: bool, process: u64, time_ns: u64) {
    let returned = operation.returned.as_ref().filter(|_| ends);
    let kind = match (ends, returned, &operation.call) {
        (false, ..) => "invoke",
        (true, None, Call::Get) => "fail",
        (true, None, _) => "info",
        (true, Some(it), _) if it.answer == Return::Swapped(false) => "fail",
        (true, Some(_), _) => "ok",
    };
    let (f, value) = match &operation.call {
        Call::Put { value } => ("write", text(Some(value))),
        Call::Delete => ("write", text(None)),
        Call::Cas { expected, value } => {
            let pair = format!("[{} {}]", text(expected.as_ref()), text(Some(value)));
            ("cas", pair)
        }
        Call::Get => match returned.map(|returned| &returned.answer) {
            Some(Return::Value(value)) => ("read", text(value.as_ref())),
            _ => ("read", text(None)),
        },
    };
    let (key, client) = (string(&operation.key), operation.client);
    let more = returned.map(more).unwrap_or_default();
    out.push_str(&format!(
        "{{:process {process}, :type :{kind}, :f :{f}, :value [{key} {value}], :time {time_ns}, \
         :client \"{client:x}\"{more}}}\n"
    ));
}

fn more(returned: &Returned) -> String {
    let existed = match returned.answer {
        Return::Deleted { existed } => format!(", :existed {existed}"),
        _ => String::new(),
    };
    let position = returned.position.map(|position| {
        let (index, term) = (position.index, position.term);
        format!(", :log-index {index}, :log-term {term}")
    });
    existed + &position.unwrap_or_default()
}

fn text(value: Option<&Bytes>) -> String {
    value.map_or("nil".to_owned(), |bytes| {
        string(&String::from_utf8_lossy(bytes))
    })
}

fn string(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
