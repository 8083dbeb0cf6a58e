//! A proxy: every node passes clients' requests on to one key-value service, and the answers back.
//!
//! It is as consistent as the service. What matters is what it does with errors: a definite one
//! goes to the client as it is. Where no answer came, it is unknown whether the service acted, so
//! the client gets error 0 and nothing is tried again. Keys and values stay the text they came as.

use std::time::Duration;

use kolk_node::{Context, RpcError};

use crate::{Reply, Request};

/// How long the service may take: as long as any client waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// A node that asks a service.
pub struct Proxy {
    /// The service's name.
    pub service: &'static str,
}

impl Proxy {
    /// Asks the service.
    pub async fn handle(&self, cx: &Context, request: Request) -> Result<Reply, RpcError> {
        cx.rpc_within(PATIENCE, self.service, &request).await
    }
}
