//! The host names under which the server may be asked.
//!
//! A page from elsewhere can have its own name resolved to 127.0.0.1 once it is loaded ("DNS
//! rebinding"), and then counts as of one origin with whatever listens there. Its requests still
//! carry its name: a request that does not name an address, or a name that only this machine
//! has, is refused.

use std::net::IpAddr;

/// The names that are answered to, beside those of the loopback interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// The name or address the server was bound to.
    bound: String,
    /// Every address counts: the server listens on all of them.
    any_address: bool,
}

impl Hosts {
    /// Those of a server that was bound to `name`, and listens on `address`.
    pub fn of(name: &str, address: IpAddr) -> Hosts {
        let bound = name.trim_matches(['[', ']']).to_ascii_lowercase();
        Hosts { bound, any_address: address.is_unspecified() }
    }

    /// Whether a `Host` header names this server. The port is not looked at: it differs where a
    /// tunnel leads here, and no page from elsewhere gains anything by it.
    pub fn allow(&self, header: &str) -> bool {
        let Some(name) = name_of(header) else { return false };
        match name.parse::<IpAddr>() {
            Ok(address) => {
                self.any_address
                    || address.is_loopback()
                    || self.bound.parse::<IpAddr>().is_ok_and(|bound| bound == address)
            }
            Err(_) => name == "localhost" || name == self.bound,
        }
    }
}

/// The name in `NAME`, `NAME:PORT`, `[ADDRESS]` or `[ADDRESS]:PORT`, in lower case.
fn name_of(header: &str) -> Option<String> {
    let (name, rest) = match header.strip_prefix('[') {
        Some(text) => text.split_once(']')?,
        None => header.split_at(header.find(':').unwrap_or(header.len())),
    };
    let is_port = |text: &str| {
        text.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
    };
    (!name.is_empty() && (rest.is_empty() || is_port(rest))).then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_answered_to() {
        let loopback = Hosts::of("127.0.0.1", IpAddr::from([127, 0, 0, 1]));
        let network = Hosts::of("192.0.2.7", IpAddr::from([192, 0, 2, 7]));
        let everywhere = Hosts::of("0.0.0.0", IpAddr::from([0, 0, 0, 0]));
        let named = Hosts::of("Desk.example", IpAddr::from([192, 0, 2, 7]));
        for (host, allowed) in [
            ("localhost", [true; 4]),
            ("LocalHost:8080", [true; 4]),
            ("127.0.0.1:8080", [true; 4]),
            ("127.9.9.9", [true; 4]),
            ("[::1]:8080", [true; 4]),
            ("[::1]", [true; 4]),
            ("192.0.2.7:8080", [false, true, true, false]),
            ("192.0.2.8:8080", [false, false, true, false]),
            ("desk.example:80", [false, false, false, true]),
            ("evil.example", [false; 4]),
            ("localhost.evil.example:8080", [false; 4]),
            ("evil.example:127.0.0.1", [false; 4]),
            ("127.0.0.1@evil.example", [false; 4]),
            ("127.0.0.1.evil.example", [false; 4]),
            ("localhost:80x", [false; 4]),
            ("::1", [false; 4]),
            ("[::1", [false; 4]),
            ("[::1]x", [false; 4]),
            (":8080", [false; 4]),
            ("", [false; 4]),
        ] {
            let found = [&loopback, &network, &everywhere, &named].map(|hosts| hosts.allow(host));
            assert_eq!(found, allowed, "{host}");
        }
    }
}
