//! The services as the network sees them: each request's choices are drawn by key.

use kolk_protocol::Key;
use kolk_protocol::message::Body;

use crate::endpoint::SERVICES;
use crate::services::{self, Service, Stale};

/// One service, and how many requests it has had.
struct Hosted {
    service: Box<dyn Service>,
    key: Key,
    request_count: u64,
}

/// All services of a run.
pub(crate) struct Services(Vec<Hosted>);

impl Services {
    pub(crate) fn new(seed: u64) -> Services {
        let domain = Key::new(seed).with_name("service");
        let hosted = services::all().map(|service| {
            let key = domain.with_name(service.name());
            Hosted { service, key, request_count: 0 }
        });
        debug_assert!(hosted.iter().map(|hosted| hosted.service.name()).eq(SERVICES));
        Services(hosted.into())
    }

    /// Lets a service handle a request, and returns true if it has written a reply.
    pub(crate) fn handle(
        &mut self,
        number: u8,
        src: &str,
        body: &Body<'_>,
        reply: &mut Vec<u8>,
    ) -> bool {
        let hosted = &mut self.0[usize::from(number)];
        let mut random = hosted.key.with(hosted.request_count).random();
        hosted.request_count += 1;
        hosted.service.handle(src, body, &mut random, reply)
    }

    /// What was stale about a service's last answer, if it was.
    pub(crate) fn take_stale(&mut self, number: u8) -> Option<Stale> {
        self.0[usize::from(number)].service.take_stale()
    }
}
