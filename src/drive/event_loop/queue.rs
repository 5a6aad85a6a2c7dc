//! Whose turn it is to begin: so many calls at once, and so many to one host.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::net::address::Host;

/// The calls that have not begun, and how many have.
pub struct Queue {
    at_once: usize,
    at_once_each_host: usize,
    begun: usize,
    hosts: BTreeMap<Host, Rc<RefCell<HostCalls>>>,
    /// The first that waits of each host to which one more may go, by its place.
    able: BTreeMap<u64, Rc<RefCell<HostCalls>>>,
    next: u64,
}

/// The calls to one host.
struct HostCalls {
    host: Host,
    begun: usize,
    /// By place.
    waiting: BTreeMap<u64, usize>,
}

/// Where a call stands in the queue.
#[derive(Clone)]
pub struct Ticket {
    calls: Rc<RefCell<HostCalls>>,
    place: u64,
}

impl Queue {
    /// With the limits that a loop has from its beginning.
    pub fn new() -> Queue {
        Queue { at_once: 1000, at_once_each_host: 10, begun: 0, hosts: BTreeMap::new(), able: BTreeMap::new(), next: 0 }
    }

    /// Sets the limits. What has begun goes on.
    pub fn set_limits(&mut self, at_once: usize, at_once_each_host: usize) {
        (self.at_once, self.at_once_each_host) = (at_once, at_once_each_host);
        self.able.clear();
        let all: Vec<_> = self.hosts.values().cloned().collect();
        all.iter().for_each(|calls| self.enable(calls));
    }

    /// A call to that host, in its one form ([`Host::same`]), waits from now on.
    pub fn enter(&mut self, host: Host, key: usize) -> Ticket {
        let place = self.next;
        self.next += 1;
        let calls = self.hosts.entry(host).or_insert_with_key(|host| {
            Rc::new(RefCell::new(HostCalls { host: host.clone(), begun: 0, waiting: BTreeMap::new() }))
        });
        let calls = Rc::clone(calls);
        calls.borrow_mut().waiting.insert(place, key);
        self.enable(&calls);
        Ticket { calls, place }
    }

    /// The next call that may begin, which then has.
    pub fn begin(&mut self) -> Option<usize> {
        if self.begun >= self.at_once {
            return None;
        }
        let (place, calls) = self.able.pop_first()?;
        let key = calls.borrow_mut().waiting.remove(&place)?;
        calls.borrow_mut().begun += 1;
        self.begun += 1;
        self.enable(&calls);
        Some(key)
    }

    /// A call is over, whether it had begun or not.
    pub fn leave(&mut self, ticket: &Ticket) {
        let mut calls = ticket.calls.borrow_mut();
        if calls.waiting.remove(&ticket.place).is_some() {
            self.able.remove(&ticket.place);
        } else {
            calls.begun -= 1;
            self.begun -= 1;
        }
        let is_last = calls.begun == 0 && calls.waiting.is_empty();
        if is_last {
            self.hosts.remove(&calls.host);
        }
        drop(calls);
        self.enable(&ticket.calls);
    }

    /// Notes the first that waits of a host, where one more may go there.
    fn enable(&mut self, calls: &Rc<RefCell<HostCalls>>) {
        let of_host = calls.borrow();
        if of_host.begun < self.at_once_each_host {
            if let Some((place, _)) = of_host.waiting.first_key_value() {
                self.able.entry(*place).or_insert_with(|| Rc::clone(calls));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Host {
        Host::parse(name.as_bytes()).unwrap()
    }

    fn begun(queue: &mut Queue) -> Vec<usize> {
        std::iter::from_fn(|| queue.begin()).collect()
    }

    #[test]
    fn as_many_begin_as_may_in_their_order() {
        let mut queue = Queue::new();
        queue.set_limits(4, 2);
        let tickets: Vec<_> = [("a", 0), ("a", 1), ("a", 2), ("b", 3), ("a", 4), ("c", 5), ("c", 6)]
            .map(|(host, key)| queue.enter(self::host(host), key))
            .into();
        assert_eq!(begun(&mut queue), [0, 1, 3, 5]);
        // another host does not help those of a full one
        queue.leave(&tickets[3]);
        assert_eq!(begun(&mut queue), [6]);
        queue.leave(&tickets[0]);
        assert_eq!(begun(&mut queue), [2]);
        // one that waits leaves
        queue.leave(&tickets[4]);
        queue.leave(&tickets[1]);
        assert!(begun(&mut queue).is_empty());
        for over in [2, 5, 6] {
            queue.leave(&tickets[over]);
        }
        assert_eq!((queue.begun, queue.hosts.len(), queue.able.len()), (0, 0, 0));
    }

    #[test]
    fn other_limits_count_from_then_on() {
        let mut queue = Queue::new();
        queue.set_limits(1, 1);
        let tickets: Vec<_> = (0..4).map(|key| queue.enter(host("a"), key)).collect();
        assert_eq!(begun(&mut queue), [0]);
        queue.set_limits(9, 3);
        assert_eq!(begun(&mut queue), [1, 2]);
        queue.set_limits(9, 1);
        queue.leave(&tickets[0]);
        assert!(begun(&mut queue).is_empty());
        queue.leave(&tickets[1]);
        queue.leave(&tickets[2]);
        assert_eq!(begun(&mut queue), [3]);
    }
}
