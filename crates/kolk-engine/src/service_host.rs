//! The services as the network sees them: each request's choices are drawn by key.

use kolk_protocol::Key;
use kolk_protocol::message::Body;

use crate::endpoint::SERVICES;
use crate::services::{self, Service};

/// All services of a run.
pub(crate) struct Services {
    /// In the order of [`SERVICES`].
    services: [Box<dyn Service>; SERVICES.len()],
    keys: [Key; SERVICES.len()],
    /// How many requests each has had.
    counts: [u64; SERVICES.len()],
}

impl Services {
    pub(crate) fn new(seed: u64) -> Services {
        let domain = Key::new(seed).with_name("service");
        Services {
            services: services::all(),
            keys: SERVICES.map(|name| domain.with_name(name)),
            counts: [0; SERVICES.len()],
        }
    }

    /// Lets a service handle a request, and returns true if it has written a reply.
    pub(crate) fn handle(
        &mut self,
        number: u8,
        src: &str,
        body: &Body<'_>,
        reply: &mut Vec<u8>,
    ) -> bool {
        let number = usize::from(number);
        let mut random = self.keys[number].with(self.counts[number]).random();
        self.counts[number] += 1;
        self.services[number].handle(src, body, &mut random, reply)
    }
}
