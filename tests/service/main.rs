//! The real program as processes: simulated venues in one, the engine in others, on loopback, with ledgers in temporary
//! folders.
//!
//! | module | what it proves |
//! |---|---|
//! | [`killed`] | kills without warning (30, or `KILLS`), biased to land between two legs: nothing doubled, lost or left naked |
//! | [`crashes`], [`acts`] | a death at every named place in every moment of a hedge, and plays that lead there |
//! | [`points`] | the list of those places is the code's |
//! | [`chaos`] | twenty incidents in two scripts, and a settlement in their midst: health, people and positions after each |
//! | [`ledger_away`] | the ledger is taken away while a hedge must close: it closes, and its rows follow |
//! | [`server_away`], [`between`] | PostgreSQL stopped, cut off, slow, read-only, losing answers and undoing commits |
//! | [`restart`] | signals, the lease, a second process that stands by |
//! | [`bad_input`] | every refusal has one clear sentence and the right exit code |
//! | [`alerts`] | what people are told, on which channel, also after the channel was away; no secret leaves |
//! | [`doctor`] | what must hold before a cent moves, and that each broken thing is found |
//! | [`health`] | what the doors and the commands say about an engine, in good and bad times |
//! | [`notify`] | what systemd is told |
//! | [`manifests`] | every file under `deploy/`, and what must be true of it |
//! | [`telegram`] | a chat with the engine: who is heard, what needs a code |
//! | [`backup`] | a copy of a running engine, restored |
//! | [`roles`] | one leads, one stands by, one only shows |
//! | [`kit`], [`http`], [`webhook`] | processes that end with their test, requests, a receiver of alerts |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::too_many_lines,
    clippy::format_push_string,
    clippy::format_collect,
    clippy::unreadable_literal,
    clippy::option_option,
    reason = "test code in real time: what goes wrong fails the test, its threads may sleep, and a story is told in one piece"
)]

mod acts;
mod alerts;
mod backup;
mod bad_input;
mod between;
mod chaos;
mod crashes;
mod doctor;
mod health;
mod http;
mod killed;
mod kit;
mod ledger_away;
mod manifests;
mod notify;
mod paper;
mod points;
#[path = "../../ledger/tests/support/postgres.rs"]
#[allow(dead_code, reason = "the server is not shared here")]
mod postgres;
mod restart;
mod roles;
mod server_away;
mod telegram;
mod webhook;
