//! Who has which column: nodes in their order, each with its clients to its left, services at the
//! right.

use std::collections::BTreeMap;

use super::window::Window;

/// The names of services, which are neither nodes nor clients.
const SERVICES: [&str; 4] = ["lin-kv", "seq-kv", "lww-kv", "lin-tso"];

/// How many clients' names stand above a lane.
const NAMES_MAX: usize = 2;

/// How wide a picture is made for its columns, if they need not be wider.
const WIDTH: f64 = 1500.0;

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A node.
    Node,
    /// A client, or several of a node, one after another.
    Client,
    /// A service.
    Service,
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// Its heading.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Its middle.
    pub x: f64,
    /// How far it reaches to either side.
    pub reach: f64,
}

/// A client, whom it talks with, and the first and the last of its events.
struct Client<'a> {
    name: &'a str,
    node: &'a str,
    from: usize,
    to: usize,
}

/// All columns.
#[derive(Clone, Debug, Default)]
pub struct Lanes {
    /// From left to right.
    pub list: Vec<Lane>,
    /// The column of everybody who sends or receives.
    places: BTreeMap<String, usize>,
    /// How wide all of them are.
    pub width: f64,
}

impl Lanes {
    /// The columns for a window, the first at `left`.
    pub fn of(window: &Window, nodes: &[String], left: f64) -> Lanes {
        let is_node = |name: &str| nodes.iter().any(|node| node == name);
        let mut clients: BTreeMap<&str, Client<'_>> = BTreeMap::new();
        let mut services: Vec<&str> = Vec::new();
        for (place, event) in window.events.iter().enumerate() {
            let Some(message) = window.messages.get(&event.id) else { continue };
            for (name, other) in [(&message.src, &message.dest), (&message.dest, &message.src)] {
                if SERVICES.contains(&name.as_str()) && !is_node(name) {
                    services.push(name);
                } else if !is_node(name) {
                    let first = Client { name, node: other, from: place, to: place };
                    clients.entry(name).or_insert(first).to = place;
                }
            }
        }
        services.sort_unstable();
        services.dedup();
        let mut lanes = Lanes::default();
        lanes.add_clients(clients.values().filter(|client| !is_node(client.node)));
        for node in nodes {
            lanes.add_clients(clients.values().filter(|client| client.node == node));
            lanes.add(node, Role::Node);
        }
        services.iter().for_each(|service| lanes.add(service, Role::Service));
        lanes.spread(left);
        lanes
    }

    /// Clients of one node: those who follow one another share a column, as the fresh clients do
    /// that take the place of one whose operation timed out.
    fn add_clients<'c>(&mut self, clients: impl Iterator<Item = &'c Client<'c>>) {
        let mut clients: Vec<&Client<'_>> = clients.collect();
        clients.sort_by_key(|client| (client.from, client.name.len(), client.name));
        let mut columns: Vec<Vec<&Client<'_>>> = Vec::new();
        for client in clients {
            let is_free =
                |column: &Vec<&Client<'_>>| column.iter().all(|other| other.to < client.from);
            match columns.iter_mut().find(|column| is_free(column)) {
                Some(column) => column.push(client),
                None => columns.push(vec![client]),
            }
        }
        for column in columns {
            let shown = column.iter().take(NAMES_MAX).map(|client| client.name);
            let mut name = shown.collect::<Vec<_>>().join(" ");
            if column.len() > NAMES_MAX {
                name.push_str(&format!(" +{}", column.len() - NAMES_MAX));
            }
            self.add(&name, Role::Client);
            let place = self.list.len() - 1;
            let names = column.iter().map(|client| (client.name.to_owned(), place));
            self.places.extend(names);
        }
    }

    fn add(&mut self, name: &str, role: Role) {
        self.places.insert(name.to_owned(), self.list.len());
        self.list.push(Lane { name: name.to_owned(), role, x: 0.0, reach: 0.0 });
    }

    /// Gives each column its place: a client needs half as much room as a node.
    fn spread(&mut self, left: f64) {
        let weight = |lane: &Lane| if lane.role == Role::Client { 0.55 } else { 1.0 };
        let all: f64 = self.list.iter().map(weight).sum();
        let unit = (WIDTH / all.max(1.0)).clamp(56.0, 150.0);
        let mut x = left;
        for lane in &mut self.list {
            lane.reach = weight(lane) * unit / 2.0;
            lane.x = x + lane.reach;
            x += 2.0 * lane.reach;
        }
        self.width = x - left;
    }

    /// The place of somebody's column.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }
}
