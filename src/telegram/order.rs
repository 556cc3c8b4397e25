//! What a message asks for.

use domain::order::HedgeId;

/// The longest reason that is kept, in characters.
const MAX_REASON: usize = 200;

/// What changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Stop entries, for this reason.
    Pause(String),
    /// Allow them again.
    Resume,
    /// Leave one hedge.
    Close(HedgeId),
    /// Leave all.
    CloseAll,
}

impl Change {
    /// Its name in the audit log, as the other doors name it.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Pause(_) => "pause",
            Self::Resume => "resume",
            Self::Close(_) => "close",
            Self::CloseAll => "close-all",
        }
    }

    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Pause(reason) if reason.is_empty() => "stop entries".to_owned(),
            Self::Pause(reason) => format!("stop entries ({reason})"),
            Self::Resume => "allow entries again".to_owned(),
            Self::Close(hedge) => format!("leave hedge {hedge}"),
            Self::CloseAll => "leave every hedge and enter none until /resume".to_owned(),
        }
    }
}

/// What a message asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// How it is.
    Status,
    /// What was earned.
    Profit,
    /// Why nothing is entered, of one symbol or of all.
    Why(Option<String>),
    /// What there is.
    Help,
    /// Something that needs a code.
    Ask(Change),
    /// The code.
    Confirm(String),
}

/// Reads a message; `None` when it is no command of ours.
pub fn read(text: &str) -> Option<Order> {
    let (word, rest) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
    let rest = rest.trim();
    // In a group a command carries the bot's name.
    let word = word.split_once('@').map_or(word, |(word, _)| word).to_ascii_lowercase();
    let only = |order: Order| if rest.is_empty() { order } else { Order::Help };
    Some(match word.as_str() {
        "/status" => only(Order::Status),
        "/profit" => only(Order::Profit),
        "/why" => Order::Why((!rest.is_empty()).then(|| rest.to_ascii_uppercase())),
        "/pause" => Order::Ask(Change::Pause(printable(rest))),
        "/resume" => only(Order::Ask(Change::Resume)),
        "/close" => match rest {
            "all" => Order::Ask(Change::CloseAll),
            number => number
                .parse()
                .ok()
                .filter(|_| number.bytes().all(|byte| byte.is_ascii_digit()))
                .map_or(Order::Help, |id| Order::Ask(Change::Close(HedgeId(id)))),
        },
        "/confirm" => Order::Confirm(rest.to_owned()),
        "/help" | "/start" => Order::Help,
        _ if word.starts_with('/') => Order::Help,
        _ => return None,
    })
}

/// What of a reason is kept and shown.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_and_everything_else_is_help_or_nothing() {
        for (text, order) in [
            ("/status", Some(Order::Status)),
            (" /Status@my_bot ", Some(Order::Status)),
            ("/profit", Some(Order::Profit)),
            ("/why", Some(Order::Why(None))),
            ("/why btc", Some(Order::Why(Some("BTC".to_owned())))),
            ("/pause", Some(Order::Ask(Change::Pause(String::new())))),
            (
                "/pause the venue\nis odd",
                Some(Order::Ask(Change::Pause("the venueis odd".to_owned()))),
            ),
            ("/resume", Some(Order::Ask(Change::Resume))),
            ("/resume now", Some(Order::Help)),
            ("/close 7", Some(Order::Ask(Change::Close(HedgeId(7))))),
            ("/close all", Some(Order::Ask(Change::CloseAll))),
            ("/close", Some(Order::Help)),
            ("/close -7", Some(Order::Help)),
            ("/close +7", Some(Order::Help)),
            ("/confirm 1234", Some(Order::Confirm("1234".to_owned()))),
            ("/sell everything", Some(Order::Help)),
            ("hello", None),
            ("", None),
        ] {
            assert_eq!(read(text), order, "{text:?}");
        }
        assert_eq!(printable(&"x".repeat(300)).len(), MAX_REASON);
    }
}
