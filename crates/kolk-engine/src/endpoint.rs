//! Who can be at the end of a message.

use kolk_protocol::lockstep;
use rustc_hash::FxHashMap;

/// The built-in services, in the order of their numbers.
pub const SERVICES: [&str; 4] = ["lin-kv", "seq-kv", "lww-kv", "lin-tso"];

/// One end of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Endpoint {
    /// A node, by its position.
    Node(u16),
    /// A service, by its position in [`SERVICES`].
    Service(u8),
    /// A client, by its number.
    Client(u32),
}

impl Endpoint {
    /// True for a client.
    pub(crate) fn is_client(self) -> bool {
        matches!(self, Endpoint::Client(_))
    }
}

/// All endpoints' names.
#[derive(Debug)]
pub(crate) struct Directory {
    nodes: Vec<String>,
    clients: Vec<String>,
    by_name: FxHashMap<String, Endpoint>,
}

impl Directory {
    /// The directory of these nodes and the services.
    ///
    /// # Errors
    ///
    /// If a name is taken twice, or belongs to the workbench: a service's, the clock's, or one that
    /// looks like a client's.
    pub(crate) fn new(nodes: &[String]) -> Result<Directory, String> {
        let services = SERVICES.iter().enumerate();
        let mut by_name: FxHashMap<String, Endpoint> = services
            .map(|(number, name)| ((*name).to_owned(), Endpoint::Service(number as u8)))
            .collect();
        for (number, name) in nodes.iter().enumerate() {
            let number =
                u16::try_from(number).map_err(|_| "there are too many nodes".to_owned())?;
            if name.is_empty() || name == lockstep::CLOCK || client_number(name).is_some() {
                return Err(format!(
                    "`{name}` cannot be a node's name: it belongs to the workbench"
                ));
            }
            if by_name.insert(name.clone(), Endpoint::Node(number)).is_some() {
                return Err(format!("two nodes or services are called `{name}`"));
            }
        }
        Ok(Directory { nodes: nodes.to_vec(), clients: Vec::new(), by_name })
    }

    /// A new client.
    pub(crate) fn add_client(&mut self) -> u32 {
        let number = self.clients.len();
        self.clients.push(format!("c{number}"));
        number as u32
    }

    /// The name of an endpoint.
    pub(crate) fn name(&self, endpoint: Endpoint) -> &str {
        match endpoint {
            Endpoint::Node(number) => &self.nodes[usize::from(number)],
            Endpoint::Service(number) => SERVICES[usize::from(number)],
            Endpoint::Client(number) => &self.clients[number as usize],
        }
    }

    /// The endpoint of a name, if there is one.
    pub(crate) fn find(&self, name: &str) -> Option<Endpoint> {
        match client_number(name) {
            Some(number) if (number as usize) < self.clients.len() => {
                Some(Endpoint::Client(number))
            }
            Some(_) => None,
            None => self.by_name.get(name).copied(),
        }
    }

    /// The nodes' names.
    pub(crate) fn nodes(&self) -> &[String] {
        &self.nodes
    }
}

/// The number in `c0`, `c1`, …; `None` for anything else, `c01` among it.
fn client_number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix('c')?;
    let canonical = digits == "0" || !digits.starts_with('0');
    let numeric = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (canonical && numeric).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_it_names() {
        let mut directory = Directory::new(&["n1".into(), "n2".into()]).unwrap();
        directory.add_client();
        for name in ["n1", "n2", "c0", "lin-kv", "lin-tso"] {
            assert_eq!(directory.name(directory.find(name).unwrap()), name);
        }
        for name in ["n3", "c1", "c00", "c", "clock", ""] {
            assert_eq!(directory.find(name), None, "{name}");
        }
    }

    #[test]
    fn refuses_names() {
        for nodes in [&["n1", "n1"][..], &["c0"], &["clock"], &["lin-kv"], &[""]] {
            let nodes: Vec<String> = nodes.iter().map(|name| (*name).to_owned()).collect();
            assert!(Directory::new(&nodes).is_err(), "{nodes:?}");
        }
    }
}
