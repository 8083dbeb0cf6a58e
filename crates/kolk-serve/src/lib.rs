//! kolk's server: all runs of a store in a browser.
//!
//! It shows what lies in the store and can do nothing else: it writes no file, and answers `GET`
//! and `HEAD` alone. What nodes printed is hostile to it, and so are the pages of other origins.
//! [`Site::answer`] is all of it but the sockets: a request and the store's files in, a response
//! out.

mod address;
mod connection;
mod host;
mod http;
mod latency;
mod page;
mod report;
mod row;
mod runs;
mod server;
mod site;
mod store;

pub use host::Hosts;
pub use http::{Body, Request, Response};
pub use server::{Limits, serve};
pub use site::Site;
pub use store::Store;
