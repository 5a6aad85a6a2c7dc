//! Whose turn it is to begin: so many calls at once, and so many to one host.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// The calls that have not begun, and how many have.
pub struct Queue {
    at_once: usize,
    at_once_each_host: usize,
    begun: usize,
    hosts: HashMap<Rc<str>, HostCalls>,
    /// The first that waits of each host to which one more may go, by its place.
    able: BTreeMap<u64, Rc<str>>,
    next: u64,
}

#[derive(Default)]
struct HostCalls {
    begun: usize,
    /// By place.
    waiting: BTreeMap<u64, usize>,
}

/// Where a call stands in the queue.
#[derive(Clone, Debug)]
pub struct Ticket {
    host: Rc<str>,
    place: u64,
}

impl Queue {
    /// With the limits that a loop has from its beginning.
    pub fn new() -> Queue {
        Queue { at_once: 1000, at_once_each_host: 10, begun: 0, hosts: HashMap::new(), able: BTreeMap::new(), next: 0 }
    }

    /// Sets the limits. What has begun goes on.
    pub fn set_limits(&mut self, at_once: usize, at_once_each_host: usize) {
        (self.at_once, self.at_once_each_host) = (at_once, at_once_each_host);
        self.able.clear();
        let hosts: Vec<_> = self.hosts.keys().cloned().collect();
        hosts.iter().for_each(|host| self.enable(host));
    }

    /// A call to that host waits from now on.
    pub fn enter(&mut self, host: &str, key: usize) -> Ticket {
        let known = self.hosts.get_key_value(host).map(|(host, _)| Rc::clone(host));
        let host = known.unwrap_or_else(|| host.into());
        let place = self.next;
        self.next += 1;
        self.hosts.entry(Rc::clone(&host)).or_default().waiting.insert(place, key);
        self.enable(&host);
        Ticket { host, place }
    }

    /// The next call that may begin, which then has.
    pub fn begin(&mut self) -> Option<usize> {
        if self.begun >= self.at_once {
            return None;
        }
        let (place, host) = self.able.pop_first()?;
        let calls = self.hosts.get_mut(&host)?;
        let key = calls.waiting.remove(&place)?;
        calls.begun += 1;
        self.begun += 1;
        self.enable(&host);
        Some(key)
    }

    /// A call is over, whether it had begun or not.
    pub fn leave(&mut self, ticket: &Ticket) {
        let Some(calls) = self.hosts.get_mut(&ticket.host) else { return };
        if calls.waiting.remove(&ticket.place).is_some() {
            self.able.remove(&ticket.place);
        } else {
            calls.begun -= 1;
            self.begun -= 1;
        }
        if calls.begun == 0 && calls.waiting.is_empty() {
            self.hosts.remove(&ticket.host);
        } else {
            self.enable(&ticket.host);
        }
    }

    /// Notes the first that waits of a host, where one more may go there.
    fn enable(&mut self, host: &Rc<str>) {
        let Some(calls) = self.hosts.get(host) else { return };
        if calls.begun < self.at_once_each_host {
            if let Some((place, _)) = calls.waiting.first_key_value() {
                self.able.insert(*place, Rc::clone(host));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(queue: &mut Queue) -> Vec<usize> {
        std::iter::from_fn(|| queue.begin()).collect()
    }

    #[test]
    fn as_many_begin_as_may_in_their_order() {
        let mut queue = Queue::new();
        queue.set_limits(4, 2);
        let tickets: Vec<_> = [("a", 0), ("a", 1), ("a", 2), ("b", 3), ("a", 4), ("c", 5), ("c", 6)]
            .map(|(host, key)| queue.enter(host, key))
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
        let tickets: Vec<_> = (0..4).map(|key| queue.enter("a", key)).collect();
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
