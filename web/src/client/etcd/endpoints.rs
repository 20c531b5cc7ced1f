//! The endpoints: which of them answers, which to ask next, when to try a dead one again.

/// Requests for data under way at one endpoint. Browsers open six connections to a server: the
/// other two are for its health and for a watch.
const BUSY_MAX: u32 = 4;
/// How long a dead endpoint is left alone at first and at the most, in milliseconds.
const REST_MS: f64 = 250.0;
const REST_MS_MAX: f64 = 8_000.0;

#[derive(Clone, Debug, PartialEq)]
pub enum Health {
    /// Not asked yet.
    New,
    Up,
    /// It does not answer, or wrongly: why, in a sentence.
    Down(String),
}

#[derive(Clone, Debug)]
pub struct Endpoint {
    pub url: String,
    /// Whether requests for data go there: others are only asked how they are.
    pub listed: bool,
    pub health: Health,
    /// etcd's id of the member that answered there last; 0 if none did.
    pub member: u64,
    /// Requests for data under way.
    pub busy: u32,
    tries: u32,
    /// When to ask how it is.
    due_ms: f64,
}

impl Endpoint {
    pub fn new(url: String, listed: bool) -> Self {
        Self {
            url,
            listed,
            health: Health::New,
            member: 0,
            busy: 0,
            tries: 0,
            due_ms: 0.0,
        }
    }

    pub fn is_due(&self, now: f64) -> bool {
        self.due_ms <= now
    }

    /// It is being asked; should that take for ever, it is asked again after a while.
    pub fn asked(&mut self, now: f64) {
        self.due_ms = now + REST_MS_MAX;
    }

    /// It answered as it should.
    pub fn up(&mut self, member: u64, now: f64, every_ms: f64) {
        (self.health, self.member) = (Health::Up, member);
        (self.tries, self.due_ms) = (0, now + every_ms);
    }

    /// It did not; each time it is left alone for twice as long.
    pub fn down(&mut self, why: String, now: f64) {
        let rest = REST_MS * f64::from(1_u32 << self.tries.min(16));
        self.health = Health::Down(why);
        self.tries += 1;
        self.due_ms = now + rest.min(REST_MS_MAX);
    }
}

/// Whom to ask next: of those that answer, who has the least to do, the leader first.
pub fn pick(all: &[Endpoint], target: Option<u64>, leader: u64) -> Option<usize> {
    let fit = |endpoint: &&Endpoint| {
        endpoint.listed
            && endpoint.health == Health::Up
            && endpoint.busy < BUSY_MAX
            && target.is_none_or(|member| endpoint.member == member)
    };
    let fit = all.iter().enumerate().filter(|(_, it)| fit(it));
    let least = fit.min_by_key(|(_, it)| (it.busy, it.member != leader));
    least.map(|(at, _)| at)
}

/// Why nobody can be asked, in a sentence, if waiting for a free one does not help.
pub fn nobody(all: &[Endpoint], target: Option<u64>) -> Option<String> {
    let mut listed = all.iter().filter(|it| it.listed);
    let up = |it: &Endpoint| it.health == Health::Up && target.is_none_or(|id| it.member == id);
    if listed.clone().any(up) {
        return None;
    }
    if target.is_some() {
        return Some("None of the endpoints that answer is this member's.".into());
    }
    let why = listed.find_map(|it| match &it.health {
        Health::Down(why) => Some(why.clone()),
        _ => None,
    });
    Some(why.unwrap_or_else(|| "No endpoint has answered yet.".into()))
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn three() -> Vec<Endpoint> {
        let mut all: Vec<_> = (1..=3)
            .map(|n| Endpoint::new(format!("http://e{n}"), true))
            .collect();
        for (n, endpoint) in all.iter_mut().enumerate() {
            endpoint.up(n as u64 + 1, 0.0, 1_000.0);
        }
        all
    }

    #[test]
    fn the_leader_first_then_whoever_is_free() {
        let mut all = three();
        assert_eq!(pick(&all, None, 2), Some(1));
        all[1].busy = 1;
        assert_eq!(pick(&all, None, 2), Some(0));
        assert_eq!(pick(&all, Some(2), 2), Some(1));
        all.iter_mut().for_each(|it| it.busy = BUSY_MAX);
        assert_eq!(pick(&all, None, 2), None);
        assert_eq!(nobody(&all, None), None);
    }

    #[test]
    fn the_dead_rest_longer_and_longer() {
        let mut all = three();
        let mut rests = vec![];
        for _ in 0..8 {
            all[0].down("dead".into(), 100.0);
            rests.push(all[0].due_ms - 100.0);
        }
        assert_eq!(&rests[..3], &[250.0, 500.0, 1_000.0]);
        assert_eq!(rests[7], REST_MS_MAX);
        assert!(!all[0].is_due(8_099.0) && all[0].is_due(8_100.0));
        assert_eq!(pick(&all, None, 1), Some(1));
        assert_eq!(pick(&all, Some(1), 1), None);
        assert!(nobody(&all, Some(1)).is_some());
        all[0].up(1, 9_000.0, 500.0);
        all[0].down("dead".into(), 9_000.0);
        assert_eq!(all[0].due_ms, 9_250.0);
    }

    #[test]
    fn when_nobody_answers_it_says_why() {
        let mut all = three();
        all.push(Endpoint::new("http://own".into(), false));
        all[3].up(4, 0.0, 500.0);
        for endpoint in &mut all[..3] {
            endpoint.down(format!("{} does not answer.", endpoint.url), 0.0);
        }
        assert_eq!(pick(&all, None, 1), None);
        let why = "http://e1 does not answer.";
        assert_eq!(nobody(&all, None).as_deref(), Some(why));
    }
}
