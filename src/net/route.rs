//! By which way to connect, and in which order the addresses of a server are tried.

use std::net::{IpAddr, SocketAddr};

use crate::net::proxy::Proxy;

/// How many addresses are tried, whatever a name has.
pub const MAX_ADDRESSES: usize = 64;

/// By which way to connect.
#[derive(Clone, Debug, Default)]
pub struct Route {
    /// Which kind of address the server must have, if not any.
    pub family: Option<Family>,
    /// Which of our addresses to connect from, if not the system's choice.
    pub source: Option<IpAddr>,
    /// Through which proxy, which is then what the other two are about.
    pub proxy: Option<Proxy>,
}

/// A kind of address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4
    V4,
    /// IPv6
    V6,
}

impl Route {
    /// Whether an address can be reached by it.
    pub fn admits(&self, address: &SocketAddr) -> bool {
        let family = if address.is_ipv4() { Family::V4 } else { Family::V6 };
        let source = self.source.map(|source| if source.is_ipv4() { Family::V4 } else { Family::V6 });
        self.family.is_none_or(|wanted| wanted == family) && source.is_none_or(|source| source == family)
    }
}

/// Puts addresses of the two families in turns, the first one's first, each family in its order (RFC 8305, section 4).
/// There are [`MAX_ADDRESSES`] turns.
pub fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (of_first, of_other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ipv4() == first);
    let (mut of_first, mut of_other) = (of_first.into_iter(), of_other.into_iter());
    let mut turns = Vec::new();
    loop {
        let before = turns.len();
        turns.extend(of_first.next());
        turns.extend(of_other.next());
        if turns.len() == before || turns.len() >= MAX_ADDRESSES {
            turns.truncate(MAX_ADDRESSES);
            return turns;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let parse = |text: &str| text.split(' ').map(|address| address.parse().unwrap()).collect::<Vec<SocketAddr>>();
        for (given, turns) in [
            ("[::1]:1 [::2]:1 [::3]:1 1.1.1.1:1 2.2.2.2:1", "[::1]:1 1.1.1.1:1 [::2]:1 2.2.2.2:1 [::3]:1"),
            ("1.1.1.1:1 [::1]:1", "1.1.1.1:1 [::1]:1"),
            ("1.1.1.1:1 2.2.2.2:1", "1.1.1.1:1 2.2.2.2:1"),
        ] {
            assert_eq!(interleave(parse(given)), parse(turns));
        }
        assert_eq!(interleave(Vec::new()), []);
    }

    #[test]
    fn each_family_has_its_share_of_the_turns() {
        let of = |family: u8, count: u16| (1..=count).map(move |port| format!("[::{family}]:{port}").parse().unwrap());
        let four = |count: u16| (1..=count).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let turns = interleave(of(1, 1000).chain(four(1000)).collect());
        assert_eq!(turns.len(), 64);
        assert_eq!(turns[..2], ["[::1]:1".parse().unwrap(), "127.0.0.1:1".parse().unwrap()]);
        assert_eq!(turns[62..], ["[::1]:32".parse().unwrap(), "127.0.0.1:32".parse().unwrap()]);
        // what one does not need is the other's
        let turns = interleave(of(1, 1000).chain(four(2)).collect());
        assert_eq!((turns.len(), turns[63]), (64, "[::1]:62".parse().unwrap()));
        assert_eq!(interleave(of(1, 1000).collect()).len(), 64);
    }

    #[test]
    fn a_route_admits_what_it_can_reach() {
        let (four, six) = ("127.0.0.1:1".parse().unwrap(), "[::1]:1".parse().unwrap());
        let source = |text: &str| Some(text.parse().unwrap());
        for (route, admits) in [
            (Route::default(), (true, true)),
            (Route { family: Some(Family::V4), ..Route::default() }, (true, false)),
            (Route { family: Some(Family::V6), ..Route::default() }, (false, true)),
            (Route { source: source("127.0.0.2"), ..Route::default() }, (true, false)),
            (Route { family: Some(Family::V6), source: source("127.0.0.2"), ..Route::default() }, (false, false)),
        ] {
            assert_eq!((route.admits(&four), route.admits(&six)), admits, "{route:?}");
        }
    }
}
