//! Who may do what. The control token reads and controls; the read token, and a session, which a browser gets for either
//! token or for the one-time link, read only. Secrets are kept as digests and compared in constant time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, COOKIE};
use domain::time::Machine;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::answer::Refusal;

type Print = [u8; 32];

/// How long a session lasts: a working day.
const SESSION: Duration = Duration::from_hours(8);
/// Sessions at a time; the oldest gives way.
const SESSIONS: usize = 64;

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Everything.
    Control,
    /// Whatever changes nothing.
    Read,
    /// Nothing: it is none of ours.
    None,
}

/// Keeper of the keys.
pub struct Auth {
    token: Option<Print>,
    reader: Option<Print>,
    /// How long the tokens are, to find them in a text.
    lengths: [usize; 2],
    entry: Mutex<Option<Print>>,
    sessions: Mutex<BTreeMap<Print, Machine>>,
    /// Cookies know no ports, so the port is in the name.
    cookie: String,
}

/// The words that open doors; those that are `None` open none.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// Reads and controls.
    pub control: Option<SecretString>,
    /// Reads only.
    pub read: Option<SecretString>,
    /// Opens the status page once, at `/enter/<secret>`; see [`random_secret`].
    pub entry: Option<SecretString>,
}

fn print(secret: &str) -> Print {
    Sha256::digest(secret.as_bytes()).into()
}

fn same(left: &Print, right: &Print) -> bool {
    left.as_slice().ct_eq(right.as_slice()).into()
}

/// 256 bits of chance from the system, in hexadecimal; `None` when the system has none to give.
pub fn random_secret() -> Option<SecretString> {
    let mut bytes = [0_u8; 32];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .ok()?;
    let mut text = String::with_capacity(64);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    Some(text.into())
}

impl Auth {
    pub fn new(tokens: &Tokens, port: u16) -> Self {
        let length = |token: &Option<SecretString>| token.as_ref().map_or(0, |token| token.expose_secret().len());
        let printed = |token: &Option<SecretString>| token.as_ref().map(|token| print(token.expose_secret()));
        Self {
            token: printed(&tokens.control),
            reader: printed(&tokens.read),
            lengths: [length(&tokens.control), length(&tokens.read)],
            entry: Mutex::new(printed(&tokens.entry)),
            sessions: Mutex::new(BTreeMap::new()),
            cookie: format!("funding_arb_{port}"),
        }
    }

    /// What a word opens.
    fn role_of(&self, word: &str) -> Role {
        let word = print(word);
        let is = |token: &Option<Print>| token.as_ref().is_some_and(|token| same(token, &word));
        // Both are compared, whichever it is.
        let (controls, reads) = (is(&self.token), is(&self.reader));
        match (controls, reads) {
            (true, _) => Role::Control,
            (false, true) => Role::Read,
            (false, false) => Role::None,
        }
    }

    /// Whether a word is a token of either role.
    pub fn is_token(&self, word: &str) -> bool {
        self.role_of(word) != Role::None
    }

    /// Whether any token is configured.
    pub const fn has_token(&self) -> bool {
        self.token.is_some() || self.reader.is_some()
    }

    /// Whether a text that is to be kept contains a token: what is kept is shown later.
    pub fn leaks_in(&self, text: &str) -> bool {
        let holds = |length: usize| {
            let mut windows = text.as_bytes().windows(length.max(1));
            length > 0 && windows.any(|window| std::str::from_utf8(window).is_ok_and(|word| self.is_token(word)))
        };
        self.lengths.into_iter().any(holds)
    }

    /// May this request control?
    pub fn control(&self, request: &HttpRequest, now: Machine) -> Result<(), Refusal> {
        match self.bearer(request)? {
            Some(Role::Control) => Ok(()),
            _ if self.token.is_none() => Err(Refusal::NO_TOKEN),
            Some(Role::Read) => Err(Refusal::READ_ONLY),
            None if self.has_session(request, now) => Err(Refusal::READ_ONLY),
            _ => Err(Refusal::UNAUTHORISED),
        }
    }

    /// May this request read?
    pub fn read(&self, request: &HttpRequest, now: Machine) -> Result<(), Refusal> {
        match self.bearer(request)? {
            Some(Role::Control | Role::Read) => Ok(()),
            None if self.has_session(request, now) => Ok(()),
            _ if self.has_token() => Err(Refusal::UNAUTHORISED),
            _ => Err(Refusal::NO_TOKEN),
        }
    }

    /// Whether the request carries a token, and what that one opens.
    fn bearer(&self, request: &HttpRequest) -> Result<Option<Role>, Refusal> {
        let mut all = request.headers().get_all(AUTHORIZATION);
        let Some(first) = all.next() else { return Ok(None) };
        if all.next().is_some() {
            return Err(Refusal::bad("Authorization is given twice"));
        }
        let word = first.to_str().ok().and_then(|text| text.split_once(' '));
        let token = word.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        Ok(Some(token.map_or(Role::None, |(_, token)| self.role_of(token))))
    }

    fn has_session(&self, request: &HttpRequest, now: Machine) -> bool {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let headers = request
            .headers()
            .get_all(COOKIE)
            .filter_map(|value| value.to_str().ok());
        headers
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.cookie)
            // Found by its digest: how long the search takes says nothing about the session's name.
            .any(|(_, id)| sessions.get(&print(id)).is_some_and(|until| now <= *until))
    }

    /// Begins a session; the value of its `Set-Cookie`. `None` when the system has no chance to give.
    pub fn begin_session(&self, now: Machine) -> Option<String> {
        let id = random_secret()?;
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, until| now <= *until);
        if sessions.len() >= SESSIONS
            && let Some(oldest) = sessions.iter().min_by_key(|(_, until)| **until).map(|(id, _)| *id)
        {
            sessions.remove(&oldest);
        }
        sessions.insert(print(id.expose_secret()), now.plus(SESSION));
        let age = SESSION.as_secs();
        Some(format!(
            "{}={}; HttpOnly; SameSite=Strict; Path=/; Max-Age={age}",
            self.cookie,
            id.expose_secret()
        ))
    }

    /// Takes the one-time link; false when it is not the right one, or was taken.
    pub fn take_entry(&self, word: &str) -> bool {
        let mut entry = self.entry.lock().unwrap_or_else(PoisonError::into_inner);
        let right = entry.as_ref().is_some_and(|entry| same(entry, &print(word)));
        if right {
            *entry = None;
        }
        right
    }
}
