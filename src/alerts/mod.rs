//! The channels to people.
//!
//! ```text
//! post       one JSON request to a secret address: in time, or an error that names nothing secret
//! discord    everything, as an embed with the colour of its severity
//! telegram   what is critical, as plain text
//! webhook    everything, as JSON for programs
//! log        everything, so that an alert is kept even where no channel is configured
//! dead_man   a ping while all is well, for a watch outside
//! ```
//!
//! - AL-1  A channel takes an alert or says why not; it never repeats by itself, because the outbox does.
//! - AL-2  No error carries an address or a token: both are secrets.
//! - AL-3  A channel that asks to wait is left alone until then.

mod dead_man;
mod discord;
mod log;
mod post;
mod telegram;
#[cfg(test)]
mod tests;
mod webhook;

pub use self::dead_man::{DeadMan, EVERY as DEAD_MAN_EVERY};
pub use self::discord::DiscordSink;
pub use self::log::LogSink;
pub use self::post::BadAddress;
pub(crate) use self::post::Post;
pub use self::telegram::TelegramSink;
pub use self::webhook::WebhookSink;

/// The text, cut to what a channel takes (counted in UTF-16 units, as the channels do).
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.encode_utf16().count() <= most {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(1);
    let fits = |character: &char| {
        let width = character.len_utf16();
        let fits = width <= left;
        left = left.saturating_sub(width);
        fits
    };
    text.chars().take_while(fits).chain(['…']).collect()
}
