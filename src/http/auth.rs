//! Who may do what. The token reads and controls; a session, which a browser gets for the token or for the one-time
//! link, reads only. Secrets are kept as digests and compared in constant time.

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

/// Keeper of the keys.
pub struct Auth {
    token: Option<Print>,
    token_length: usize,
    entry: Mutex<Option<Print>>,
    sessions: Mutex<BTreeMap<Print, Machine>>,
    /// Cookies know no ports, so the port is in the name.
    cookie: String,
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
    pub fn new(token: Option<&SecretString>, entry: Option<&SecretString>, port: u16) -> Self {
        Self {
            token: token.map(|token| print(token.expose_secret())),
            token_length: token.map_or(0, |token| token.expose_secret().len()),
            entry: Mutex::new(entry.map(|entry| print(entry.expose_secret()))),
            sessions: Mutex::new(BTreeMap::new()),
            cookie: format!("funding_arb_{port}"),
        }
    }

    /// Whether a word is the token.
    pub fn is_token(&self, word: &str) -> bool {
        self.token.as_ref().is_some_and(|token| same(token, &print(word)))
    }

    /// Whether any token is configured.
    pub const fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether a text that is to be kept contains the token: what is kept is shown later.
    pub fn leaks_in(&self, text: &str) -> bool {
        let mut windows = text.as_bytes().windows(self.token_length.max(1));
        windows.any(|window| std::str::from_utf8(window).is_ok_and(|word| self.is_token(word)))
    }

    /// May this request control?
    pub fn control(&self, request: &HttpRequest, now: Machine) -> Result<(), Refusal> {
        match self.bearer(request)? {
            Some(true) => Ok(()),
            Some(false) if self.has_token() => Err(Refusal::UNAUTHORISED),
            None if self.has_token() && self.has_session(request, now) => Err(Refusal::READ_ONLY),
            None if self.has_token() => Err(Refusal::UNAUTHORISED),
            _ => Err(Refusal::NO_TOKEN),
        }
    }

    /// May this request read?
    pub fn read(&self, request: &HttpRequest, now: Machine) -> Result<(), Refusal> {
        match self.bearer(request)? {
            Some(true) => Ok(()),
            None if self.has_session(request, now) => Ok(()),
            _ if self.has_token() => Err(Refusal::UNAUTHORISED),
            _ => Err(Refusal::NO_TOKEN),
        }
    }

    /// Whether the request carries a token, and the right one.
    fn bearer(&self, request: &HttpRequest) -> Result<Option<bool>, Refusal> {
        let mut all = request.headers().get_all(AUTHORIZATION);
        let Some(first) = all.next() else { return Ok(None) };
        if all.next().is_some() {
            return Err(Refusal::bad("Authorization is given twice"));
        }
        let word = first.to_str().ok().and_then(|text| text.split_once(' '));
        let token = word.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        Ok(Some(token.is_some_and(|(_, token)| self.is_token(token))))
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
