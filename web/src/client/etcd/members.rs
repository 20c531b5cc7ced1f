//! Who the members are and how they are: asked about twice a second, as long as somebody has a
//! handle to the cluster.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use futures_util::future::join_all;
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;

use super::endpoints::{Endpoint, Health};
use super::look::{self, Look};
use super::{Etcd, Inner, fetch};
use crate::client::now;
use crate::model::ApiError;

/// How often who answers is asked how he is, in milliseconds.
const EVERY_MS: f64 = 500.0;
/// Between two looks whether somebody is to be asked, in milliseconds.
const TICK_MS: u32 = 125;
/// For the list of members, in milliseconds.
const LIST_MS: f64 = 2_500.0;

/// A member, as it last told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Member {
    /// From 1 on, in the order of their names at first.
    pub number: u64,
    pub id: u64,
    pub name: String,
    /// Where it was asked, or says that it can be.
    pub url: String,
    pub is_learner: bool,
    /// What it said last, if it ever did.
    pub told: Option<Look>,
    /// Why it is not known how it is now; empty if it is.
    pub problem: String,
}

/// What was heard.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// The members were asked.
    Asked,
    /// Something is wrong with an endpoint, or not any more: a sentence.
    Endpoint(String, bool),
    /// Somebody else wrote a key.
    Foreign(String),
}

impl Etcd {
    /// Finds out what the endpoints are.
    ///
    /// # Errors
    /// `FOREIGN_CLUSTER` if they are of several; what is wrong with the first if none is of any
    /// use. Those that do not answer are tried again later.
    pub async fn connect(urls: &[String]) -> Result<Self, ApiError> {
        let looks = join_all(urls.iter().map(|url| look::look(url))).await;
        let mut identity = None;
        for (url, look) in urls.iter().zip(&looks) {
            let Ok(look) = look else { continue };
            match identity {
                None => identity = Some(look.cluster),
                Some(first) if first != look.cluster => {
                    return Err(look::foreign(url, look.cluster, first));
                }
                Some(_) => {}
            }
        }
        let Some(identity) = identity else {
            let first = looks.into_iter().find_map(Result::err);
            let none = || ApiError::bad_argument("There is no endpoint to ask.");
            return Err(first.unwrap_or_else(none));
        };
        let endpoints = urls.iter().map(|url| Endpoint::new(url.clone(), true));
        let me = Self(Rc::new(Inner {
            identity,
            endpoints: RefCell::new(endpoints.collect()),
            members: RefCell::default(),
            numbers: RefCell::default(),
            leader: Cell::new(0),
            login: RefCell::default(),
            waiting: RefCell::default(),
            heard: RefCell::default(),
            own: RefCell::default(),
        }));
        for (at, look) in looks.into_iter().enumerate() {
            me.note_look(at, look);
        }
        me.list().await;
        me.note_members();
        keep_asking(Rc::downgrade(&me.0));
        Ok(me)
    }

    /// Calls `hear` with all news from now on.
    pub fn hear(&self, hear: impl Fn(News) + 'static) {
        *self.0.heard.borrow_mut() = Some(Rc::new(hear));
    }

    pub(super) fn tell(&self, news: News) {
        let hear = self.0.heard.borrow().clone();
        if let Some(hear) = hear {
            hear(news);
        }
    }

    /// In the order of their numbers.
    pub fn members(&self) -> Vec<Member> {
        self.0.members.borrow().clone()
    }

    /// What is wrong with endpoints of the list.
    pub fn problems(&self) -> Vec<String> {
        let endpoints = self.0.endpoints.borrow();
        let problems = endpoints.iter().filter(|it| it.listed);
        let problems = problems.filter_map(|it| match &it.health {
            Health::Down(why) => Some(why.clone()),
            _ => None,
        });
        problems.collect()
    }

    /// etcd's id of a member.
    pub(super) fn id_of(&self, number: u64) -> Result<u64, ApiError> {
        let members = self.0.members.borrow();
        let found = members.iter().find(|it| it.number == number);
        found
            .map(|it| it.id)
            .ok_or_else(|| ApiError::no_such_node(number))
    }

    /// Asks everybody.
    pub async fn ask_all(&self) {
        self.ask(|_| true).await;
    }

    async fn ask(&self, whom: impl Fn(&Endpoint) -> bool) {
        let due: Vec<_> = {
            let endpoints = self.0.endpoints.borrow();
            let due = endpoints.iter().enumerate().filter(|(_, it)| whom(it));
            due.map(|(at, it)| (at, it.url.clone())).collect()
        };
        let asked = due.into_iter().map(|(at, url)| async move {
            self.note_look(at, look::look(&url).await);
        });
        join_all(asked).await;
        self.list().await;
        self.note_members();
    }

    fn note_look(&self, at: usize, look: Result<Look, ApiError>) {
        let look = match look {
            Ok(look) if look.cluster != self.0.identity => {
                let url = self.0.endpoints.borrow()[at].url.clone();
                Err(look::foreign(&url, look.cluster, self.0.identity))
            }
            other => other,
        };
        let news = {
            let mut endpoints = self.0.endpoints.borrow_mut();
            let endpoint = &mut endpoints[at];
            let before = endpoint.health.clone();
            match &look {
                Ok(look) => endpoint.up(look.member, now(), EVERY_MS),
                Err(error) => endpoint.down(error.message.clone(), now()),
            }
            let changed = endpoint.listed && before != endpoint.health;
            match (&endpoint.health, changed) {
                (Health::Down(why), true) => Some(News::Endpoint(why.clone(), false)),
                (Health::Up, true) if before != Health::New => Some(News::Endpoint(
                    format!("{} answers again.", endpoint.url),
                    true,
                )),
                _ => None,
            }
        };
        if let Ok(look) = look {
            if look.leader != 0 {
                self.0.leader.set(look.leader);
            }
            let mut members = self.0.members.borrow_mut();
            match members.iter_mut().find(|it| it.id == look.member) {
                Some(member) => member.told = Some(look),
                None => members.push(Member {
                    id: look.member,
                    told: Some(look),
                    ..Member::default()
                }),
            }
        }
        if let Some(news) = news {
            self.tell(news);
        }
    }

    /// Takes who the members are from one that answers. A member that none of the endpoints is gets
    /// one of its own, to be asked how it is and nothing else.
    async fn list(&self) {
        let url = {
            let endpoints = self.0.endpoints.borrow();
            let up = endpoints
                .iter()
                .find(|it| it.listed && it.health == Health::Up);
            up.map(|it| it.url.clone())
        };
        let Some(url) = url else { return };
        let (path, token) = (format!("{url}/v3/cluster/member/list"), self.token());
        let Ok(reply) = fetch::post(&path, "{}", token.as_deref(), LIST_MS).await else {
            return;
        };
        let header = reply.body.get("header");
        if !reply.is_ok || header.whole("cluster_id") != self.0.identity {
            return;
        }
        let mut members = Vec::new();
        for listed in reply.body.list("members") {
            let id = listed.whole("ID");
            let known = self
                .0
                .members
                .borrow()
                .iter()
                .find(|it| it.id == id)
                .cloned();
            let urls = listed.list("clientURLs").into_iter();
            let url = urls.filter_map(|url| url.as_text()).next();
            members.push(Member {
                id,
                name: listed.text("name"),
                is_learner: listed.is("isLearner"),
                url: url.unwrap_or_default(),
                ..known.unwrap_or_default()
            });
        }
        *self.0.members.borrow_mut() = members;
    }

    /// Numbers the members, and says where and how each is.
    fn note_members(&self) {
        let mut members = self.0.members.borrow_mut();
        let mut numbers = self.0.numbers.borrow_mut();
        members.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        for member in members.iter_mut() {
            let next = numbers.values().max().copied().unwrap_or(0) + 1;
            member.number = *numbers.entry(member.id).or_insert(next);
        }
        members.sort_by_key(|member| member.number);
        let mut endpoints = self.0.endpoints.borrow_mut();
        for member in members.iter_mut() {
            let mine = |it: &&Endpoint| it.member == member.id || it.url == member.url;
            let best = endpoints.iter().filter(mine);
            let best = best.max_by_key(|it| (it.health == Health::Up, it.listed));
            member.problem = match best.map(|it| (&it.health, &it.url)) {
                Some((Health::Up, url)) => {
                    member.url.clone_from(url);
                    String::new()
                }
                Some((Health::Down(why), _)) => why.clone(),
                Some((Health::New, _)) => String::new(),
                None if member.url.is_empty() => {
                    "It says nowhere where clients reach it: it may not have started yet.".into()
                }
                None => {
                    endpoints.push(Endpoint::new(member.url.clone(), false));
                    String::new()
                }
            };
        }
        drop((members, numbers, endpoints));
        self.tell(News::Asked);
    }
}

/// One that does not answer keeps nobody waiting.
fn keep_asking(inner: Weak<Inner>) {
    spawn_local(async move {
        loop {
            TimeoutFuture::new(TICK_MS).await;
            let Some(inner) = inner.upgrade() else { return };
            let (now, mut due) = (now(), Vec::new());
            for endpoint in inner.endpoints.borrow_mut().iter_mut() {
                if endpoint.is_due(now) {
                    endpoint.asked(now);
                    due.push(endpoint.url.clone());
                }
            }
            for url in due {
                let me = Etcd(inner.clone());
                spawn_local(async move { me.ask(|endpoint| endpoint.url == url).await });
            }
        }
    });
}
