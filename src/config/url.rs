//! Which addresses may be spoken to: encrypted ones, and plain text to loopback hosts.

use std::net::IpAddr;

use awc::http::Uri;

/// Checks an address and cuts a slash at its end. `schemes` are the plain and the encrypted one.
///
/// # Errors
/// What is wrong, in words that do not repeat the address.
pub fn check(text: &str, schemes: (&str, &str), with_path: bool) -> Result<String, &'static str> {
    let uri: Uri = text.parse().map_err(|_| "it is no address")?;
    let scheme = uri.scheme_str().ok_or("it has no scheme")?;
    let authority = uri.authority().ok_or("it has no host")?;
    if uri.host().is_none_or(str::is_empty) {
        return Err("it has no host");
    }
    if authority.as_str().contains('@') {
        return Err("it carries a user name");
    }
    if scheme == schemes.0 {
        if !uri.host().is_some_and(is_loopback) {
            return Err("it is plain text, which is for loopback hosts only");
        }
    } else if scheme != schemes.1 {
        return Err("its scheme is another one");
    }
    if !with_path && uri.path_and_query().is_some_and(|rest| rest.as_str() != "/") {
        return Err("it has a path");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Whether a host is this machine.
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The password in a database address.
pub fn password(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, _) = authority.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    Some(password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_on_this_machine() {
        let http = |text| check(text, ("http", "https"), true);
        for good in [
            "https://a.b",
            "http://127.0.0.1:9",
            "http://[::1]:9/x",
            "http://localhost:1",
        ] {
            assert_eq!(http(good).unwrap(), good);
        }
        assert_eq!(http("https://a.b/").unwrap(), "https://a.b");
        for (bad, why) in [
            ("http://a.b", "it is plain text, which is for loopback hosts only"),
            (
                "http://localhost.evil.com",
                "it is plain text, which is for loopback hosts only",
            ),
            ("http://127.0.0.1@evil.com/", "it carries a user name"),
            ("ws://127.0.0.1", "its scheme is another one"),
            ("a.b", "it has no scheme"),
            ("https://", "it is no address"),
        ] {
            assert_eq!(http(bad), Err(why), "{bad}");
        }
        assert_eq!(check("wss://a.b/ws", ("ws", "wss"), false), Err("it has a path"));
    }

    #[test]
    fn a_database_address_gives_up_its_password() {
        assert_eq!(password("postgres://u:p%40s@h:5432/d?x=1").as_deref(), Some("p%40s"));
        assert_eq!(password("postgres://u@h/d"), None);
        assert_eq!(password("sqlite://a:b@c"), Some("b".to_owned()));
        assert_eq!(password("sqlite:///data/x.db"), None);
    }
}
