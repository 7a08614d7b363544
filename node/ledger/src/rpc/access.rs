//! Who may use a port. In this order: the name it was asked for (a page that had its own name point
//! here is refused), the page that asks, the token, and how often. Tokens are kept as hashes and
//! compared in constant time.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use fairway_api::to_error;
use fairway_types::Refusal;
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use hyper::{
    HeaderMap, Method, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use jsonrpsee::{
    server::{HttpBody, HttpResponse},
    types::{ErrorObjectOwned, Id, Response, ResponsePayload},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::places::block_of;

/// A subprotocol of this name and a token is how a browser, which sets no headers, shows one.
const TOKEN_PROTOCOL: &str = "fairway.token.";
/// Clients whose rate is remembered before those that rest are forgotten.
const CLIENTS: usize = 4_096;
/// Seconds for which a browser remembers what it may do.
const PREFLIGHT: &str = "600";

/// Who may use a port.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Origins of pages; `*` for all, and none for those of this machine.
    pub origins: Vec<String>,
    /// Names under which a port on a loopback address may be asked for, beside this machine's own.
    pub hosts: Vec<String>,
    /// One of these must be shown, if there are any.
    pub tokens: Vec<String>,
    /// What one client may ask; no limit when there is none.
    pub rate: Option<Rate>,
}

/// How often a client may ask.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    pub per_second: NonZeroU32,
    /// At once.
    pub burst: NonZeroU32,
}

/// What was denied since the start.
#[derive(Debug, Default)]
pub struct Denials {
    pub hosts: AtomicU64,
    pub origins: AtomicU64,
    pub tokens: AtomicU64,
    pub rate: AtomicU64,
}

type Fingerprint = [u8; 32];

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum ClientId {
    Token(Fingerprint),
    Address(IpAddr),
}

/// Where requests come in.
pub(super) struct Gate {
    origins: Vec<String>,
    /// Names it answers to; any when the port is not on a loopback address.
    hosts: Option<Vec<String>>,
    tokens: Vec<Fingerprint>,
    limiter: Option<Arc<DefaultKeyedRateLimiter<ClientId>>>,
    denials: Arc<Denials>,
    /// Pages that this very port served may ask, under whatever name.
    own_pages: bool,
}

/// What is asked of a port.
pub(super) enum Asked {
    /// What a browser asks before it asks, for a page if it names one. It shows no token, and there is
    /// no client: nothing can be asked with it.
    Preflight(Option<HeaderValue>),
    Request(Admitted),
}

/// A client that was let in, and what its answer says of it.
pub(super) struct Admitted {
    pub(super) client: Client,
    /// The page that asks.
    pub(super) origin: Option<HeaderValue>,
    /// The subprotocol by which it showed its token.
    pub(super) protocol: Option<HeaderValue>,
}

/// Counts what one client asks.
#[derive(Clone)]
pub(super) struct Client {
    limit: Option<(ClientId, Arc<DefaultKeyedRateLimiter<ClientId>>)>,
    denials: Arc<Denials>,
}

/// Why a request is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Denied {
    Host(String),
    Origin(String),
    Token { shown: bool },
}

impl Gate {
    /// For a port on `address`.
    pub(super) fn new(access: Access, address: IpAddr, denials: Arc<Denials>) -> Self {
        let limiter = access.rate.map(|rate| {
            let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
            Arc::new(RateLimiter::keyed(quota))
        });
        Self {
            origins: access.origins,
            hosts: address.is_loopback().then_some(access.hosts),
            tokens: access.tokens.iter().map(|token| fingerprint(token)).collect(),
            limiter,
            denials,
            own_pages: false,
        }
    }

    /// For a port that serves pages.
    pub(super) fn with_own_pages(self) -> Self {
        Self { own_pages: true, ..self }
    }

    pub(super) fn admit(
        &self,
        method: &Method,
        headers: &HeaderMap,
        from: IpAddr,
    ) -> Result<Asked, Denied> {
        let admitted = self.check(method, headers, from);
        let denied = match &admitted {
            Ok(_) => return admitted,
            Err(Denied::Host(_)) => &self.denials.hosts,
            Err(Denied::Origin(_)) => &self.denials.origins,
            Err(Denied::Token { .. }) => &self.denials.tokens,
        };
        denied.fetch_add(1, Ordering::Relaxed);
        admitted
    }

    fn check(&self, method: &Method, headers: &HeaderMap, from: IpAddr) -> Result<Asked, Denied> {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let host = headers.get(header::HOST).map(text);
        if let (Some(known), Some(host)) = (&self.hosts, &host)
            && !is_named(host, known)
        {
            return Err(Denied::Host(host.clone()));
        }
        let origin = headers.get(header::ORIGIN).cloned();
        if let Some(origin) = origin.as_ref().map(text)
            && !self.allows(&origin)
            && !(self.own_pages && host.is_some_and(|host| is_of(&origin, &host)))
        {
            return Err(Denied::Origin(origin));
        }
        if *method == Method::OPTIONS {
            return Ok(Asked::Preflight(origin));
        }
        if self.tokens.is_empty() {
            let client = self.client(ClientId::Address(block_of(from)), !from.is_loopback());
            return Ok(Asked::Request(Admitted { client, origin, protocol: None }));
        }
        let shown = shown_token(headers);
        let found = shown.as_ref().and_then(|(token, _)| self.known(token));
        let Some(token) = found else { return Err(Denied::Token { shown: shown.is_some() }) };
        let protocol = shown.and_then(|(_, protocol)| protocol);
        let client = self.client(ClientId::Token(token), true);
        Ok(Asked::Request(Admitted { client, origin, protocol }))
    }

    fn allows(&self, origin: &str) -> bool {
        if self.origins.is_empty() {
            let of_page = origin.strip_prefix("http://").or(origin.strip_prefix("https://"));
            return of_page.is_some_and(|host| is_local(name_of(host)));
        }
        self.origins.iter().any(|allowed| allowed == "*" || allowed == origin)
    }

    /// Looks at every token, wherever the one shown is among them.
    fn known(&self, token: &str) -> Option<Fingerprint> {
        let shown = fingerprint(token);
        let same = self.tokens.iter().map(|known| known[..].ct_eq(&shown[..]));
        let any = same.fold(subtle::Choice::from(0), |any, same| any | same);
        bool::from(any).then_some(shown)
    }

    fn client(&self, id: ClientId, limited: bool) -> Client {
        let limiter = self.limiter.as_ref().filter(|_| limited);
        if let Some(limiter) = limiter
            && limiter.len() > CLIENTS
        {
            limiter.retain_recent();
        }
        let limit = limiter.map(|limiter| (id, Arc::clone(limiter)));
        Client { limit, denials: Arc::clone(&self.denials) }
    }
}

impl Client {
    /// Takes the client's place for one request.
    ///
    /// # Errors
    /// `rate_limited` with the time to wait.
    pub(super) fn take(&self) -> Result<(), ErrorObjectOwned> {
        let Some((id, limiter)) = &self.limit else { return Ok(()) };
        limiter.check_key(id).map_err(|early| {
            self.denials.rate.fetch_add(1, Ordering::Relaxed);
            let wait = early.wait_time_from(DefaultClock::default().now());
            let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
            to_error(&Refusal::RateLimited { retry_after_ms: wait })
        })
    }
}

impl Denied {
    /// 403, or 401 for the want of a token, with a JSON-RPC error that says what to do.
    pub(super) fn response(&self) -> HttpResponse {
        let (status, reason) = match self {
            Self::Host(host) => (
                StatusCode::FORBIDDEN,
                format!(
                    "this port is not asked for as {host}: use 127.0.0.1 or localhost, or name the \
                     host in `access.hosts`"
                ),
            ),
            Self::Origin(origin) => (
                StatusCode::FORBIDDEN,
                format!("pages of {origin} may not ask: name it in `access.origins`"),
            ),
            Self::Token { shown } => {
                let found = if *shown { "the token is not known" } else { "no token was shown" };
                let how = "send `Authorization: Bearer TOKEN`, or the subprotocol \
                           `fairway.token.TOKEN`";
                (StatusCode::UNAUTHORIZED, format!("{found}: {how}"))
            }
        };
        let mut response = error_response(status, &to_error(&Refusal::Unauthorised { reason }));
        if status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer realm=\"fairway\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

/// The answer to what a browser asks before it posts, for a page; nobody else has a use for it.
pub(super) fn preflight(origin: Option<HeaderValue>) -> HttpResponse {
    if origin.is_none() {
        return not_allowed("GET, POST");
    }
    let mut response = HttpResponse::new(HttpBody::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let says = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type, authorization"),
        (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT),
    ];
    for (name, value) in says {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    show_to(origin, &mut response);
    response
}

/// The answer to a method that means nothing here.
pub(super) fn not_allowed(allowed: &'static str) -> HttpResponse {
    let mut response = HttpResponse::new(HttpBody::empty());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

/// Lets a page of `origin` read the answer.
pub(super) fn show_to(origin: Option<HeaderValue>, response: &mut HttpResponse) {
    let Some(origin) = origin else { return };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

fn error_response(status: StatusCode, error: &ErrorObjectOwned) -> HttpResponse {
    let payload = ResponsePayload::<()>::error(error.clone());
    let body = serde_json::to_string(&Response::new(payload, Id::Null)).unwrap_or_default();
    let mut response = HttpResponse::new(HttpBody::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// The token that a request shows, and the subprotocol if that is how.
fn shown_token(headers: &HeaderMap) -> Option<(String, Option<HeaderValue>)> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.split_once(' '));
    if let Some((scheme, token)) = bearer
        && scheme.eq_ignore_ascii_case("bearer")
    {
        return Some((token.trim().to_owned(), None));
    }
    let protocols = words(headers, header::SEC_WEBSOCKET_PROTOCOL);
    let protocol = protocols.into_iter().find(|word| word.starts_with(TOKEN_PROTOCOL))?;
    let token = protocol.strip_prefix(TOKEN_PROTOCOL)?.to_owned();
    Some((token, Some(HeaderValue::from_str(&protocol).ok()?)))
}

/// The words of a header that may be there more than once.
pub(super) fn words(headers: &HeaderMap, name: HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|word| word.trim().to_owned()).collect()
}

fn fingerprint(token: &str) -> Fingerprint {
    Sha256::digest(token.as_bytes()).into()
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    if let Some(end) = host.strip_prefix('[').and_then(|rest| rest.find(']')) {
        return host.get(1..=end).unwrap_or(host);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// Whether a `Host` header names this machine (`localhost` or a loopback address, with any port), or one
/// of `hosts`.
#[must_use]
pub fn is_named(host: &str, hosts: &[String]) -> bool {
    let name = name_of(host);
    is_local(name) || hosts.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a page's origin is what was asked for as `host`.
fn is_of(origin: &str, host: &str) -> bool {
    let schemes = ["http://", "https://"].into_iter();
    let mut of_page = schemes.filter_map(|scheme| origin.strip_prefix(scheme));
    of_page.any(|of_page| !of_page.is_empty() && of_page.eq_ignore_ascii_case(host))
}

fn is_local(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn gate(access: Access) -> Gate {
        Gate::new(access, [127, 0, 0, 1].into(), Arc::default())
    }

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs.map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn ask(gate: &Gate, pairs: &[(HeaderName, &str)]) -> Result<Admitted, Denied> {
        request(gate.admit(&Method::POST, &headers(pairs), [127, 0, 0, 1].into())?)
    }

    fn request(asked: Asked) -> Result<Admitted, Denied> {
        match asked {
            Asked::Request(admitted) => Ok(admitted),
            Asked::Preflight(origin) => panic!("a preflight for {origin:?}"),
        }
    }

    #[test]
    fn port_of_this_machine_answers_to_names_of_this_machine() {
        let gate = gate(Access { hosts: vec!["node.example".into()], ..Access::default() });
        for host in ["127.0.0.1:9101", "localhost:1", "LOCALHOST", "[::1]:9101", "Node.Example:80"]
        {
            assert!(ask(&gate, &[(header::HOST, host)]).is_ok(), "{host}");
        }
        for host in ["evil.example:9101", "127.0.0.1.evil.example", "localhost.evil.example", ""] {
            let denied = ask(&gate, &[(header::HOST, host)]).err();
            assert_eq!(denied, Some(Denied::Host(host.into())));
        }
        assert_eq!(gate.denials.hosts.load(Ordering::Relaxed), 4);
        let open = Gate::new(Access::default(), [10, 0, 0, 1].into(), Arc::default());
        assert!(ask(&open, &[(header::HOST, "node.example")]).is_ok());
    }

    #[test]
    fn page_of_another_machine_is_refused_unless_it_is_named() {
        let local = gate(Access::default());
        for origin in ["http://localhost:5173", "https://127.0.0.1", "http://[::1]:80"] {
            assert!(ask(&local, &[(header::ORIGIN, origin)]).is_ok(), "{origin}");
        }
        for origin in ["https://evil.example", "null", "http://localhost.evil.example", "file://"] {
            assert_eq!(
                ask(&local, &[(header::ORIGIN, origin)]).err(),
                Some(Denied::Origin(origin.into()))
            );
        }
        let named =
            gate(Access { origins: vec!["https://app.example".into()], ..Access::default() });
        assert!(ask(&named, &[(header::ORIGIN, "https://app.example")]).is_ok());
        assert!(ask(&named, &[(header::ORIGIN, "https://app.example:444")]).is_err());
        assert!(ask(&named, &[(header::ORIGIN, "http://localhost")]).is_err());
        assert!(ask(&named, &[]).is_ok(), "what is no browser says no origin");
        let all = gate(Access { origins: vec!["*".into()], ..Access::default() });
        assert!(ask(&all, &[(header::ORIGIN, "https://evil.example")]).is_ok());
    }

    #[test]
    fn page_of_the_port_itself_may_ask_where_pages_are_served() {
        let ask_as = |gate: &Gate, host: &str, origin: &str| {
            ask(gate, &[(header::HOST, host), (header::ORIGIN, origin)]).is_ok()
        };
        let access = || Access { origins: vec!["https://app.example".into()], ..Access::default() };
        let open = || Gate::new(access(), [10, 0, 0, 1].into(), Arc::default());
        let (api, pages) = (open(), open().with_own_pages());
        assert!(!ask_as(&api, "node.example:9103", "http://node.example:9103"));
        for scheme in ["http", "https"] {
            assert!(ask_as(&pages, "node.example:9103", &format!("{scheme}://node.example:9103")));
        }
        assert!(!ask_as(&pages, "node.example:9103", "http://node.example:9104"));
        assert!(!ask_as(&pages, "node.example", "ftp://node.example"));
        assert!(!ask_as(&pages, "", "http://"));
        let local = gate(access()).with_own_pages();
        let rebound = ask_as(&local, "evil.example", "http://evil.example");
        assert!(!rebound, "its name is refused before");
    }

    #[test]
    fn token_is_shown_in_a_header_or_a_subprotocol_which_is_echoed() {
        let gate = gate(Access { tokens: vec!["other".into(), TOKEN.into()], ..Access::default() });
        assert_eq!(ask(&gate, &[]).err(), Some(Denied::Token { shown: false }));
        let bearer = format!("bearer {TOKEN}");
        assert!(ask(&gate, &[(header::AUTHORIZATION, &bearer)]).is_ok());
        let basic = ask(&gate, &[(header::AUTHORIZATION, "Basic eDp5")]).err();
        assert_eq!(basic, Some(Denied::Token { shown: false }));
        for wrong in [TOKEN[1..].to_owned(), format!("{TOKEN}0"), String::new()] {
            let bearer = format!("Bearer {wrong}");
            let denied = ask(&gate, &[(header::AUTHORIZATION, &bearer)]).err();
            assert_eq!(denied, Some(Denied::Token { shown: true }), "{wrong:?}");
        }
        let protocols = format!("json, fairway.token.{TOKEN}");
        let admitted = ask(&gate, &[(header::SEC_WEBSOCKET_PROTOCOL, &protocols)]).unwrap();
        let echoed = format!("fairway.token.{TOKEN}");
        assert_eq!(admitted.protocol.unwrap(), echoed.as_str());
    }

    #[test]
    fn browser_asks_without_a_token_first_and_is_no_client_by_it() {
        let gate = gate(Access { tokens: vec![TOKEN.into()], ..Access::default() });
        let shake = [(header::CONNECTION, "Upgrade"), (header::UPGRADE, "websocket")];
        let page = (header::ORIGIN, "http://localhost");
        for headers in [headers(&shake), headers(&[shake[0].clone(), shake[1].clone(), page])] {
            let asked = gate.admit(&Method::OPTIONS, &headers, [127, 0, 0, 1].into());
            assert!(matches!(asked, Ok(Asked::Preflight(_))));
        }
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::CONNECT, Method::TRACE] {
            let asked = gate.admit(&method, &headers(&shake), [127, 0, 0, 1].into()).err();
            assert_eq!(asked, Some(Denied::Token { shown: false }), "{method}");
        }
    }

    #[test]
    fn client_that_asks_too_often_is_told_when_to_ask_again() {
        let rate = Some(Rate {
            per_second: NonZeroU32::new(1).unwrap(),
            burst: NonZeroU32::new(3).unwrap(),
        });
        let gate = gate(Access { rate, ..Access::default() });
        let from = |address: [u8; 4]| {
            let asked = gate.admit(&Method::POST, &HeaderMap::new(), address.into()).unwrap();
            request(asked).unwrap().client
        };
        let client = from([10, 0, 0, 1]);
        assert!((0..3).all(|_| client.take().is_ok()));
        let error = client.take().unwrap_err();
        assert_eq!(error.code(), 100_030);
        let data: serde_json::Value = serde_json::from_str(error.data().unwrap().get()).unwrap();
        let wait = data["details"]["retry_after_ms"].as_u64().unwrap();
        assert!((1..=1_001).contains(&wait), "{data}");
        assert_eq!(data["transient"], true);
        assert!(from([10, 0, 0, 1]).take().is_err(), "another connection is the same client");
        assert!(from([10, 0, 0, 2]).take().is_ok(), "another address is another client");
        assert!((0..9).all(|_| from([127, 0, 0, 1]).take().is_ok()), "this machine's own");
    }
}
