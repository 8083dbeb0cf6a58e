//! `kolk serve`: all runs of a store in a browser.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs};

use anyhow::Context;
use kolk_report::failure::{Failure, Trouble};
use kolk_serve::{Hosts, Limits, Site, Store};

use crate::args::ServeArgs;
use crate::status::{Status, Stop};
use crate::{signals, terminal};

/// Serves until Ctrl-C, which is how it ends and no failure.
pub fn run(args: &ServeArgs) -> Result<Status, Stop> {
    if args.store.exists() && !args.store.is_dir() {
        let failure =
            Failure::new(Trouble::RunFolder, format!("{} is no folder", args.store.display()))
                .advice("name the folder that runs are stored in, such as store");
        return Err(Stop::user(failure));
    }
    let (listener, address) = listen(&args.bind, args.port)?;
    let hosts = Hosts::of(&args.bind, address.ip());
    if !address.ip().is_loopback() {
        terminal::print_error(&format!(
            "warning: whoever can reach this machine at {} sees all runs in {}, with what nodes \
             printed\n",
            args.bind,
            args.store.display()
        ));
    }
    if !args.store.exists() {
        let store = args.store.display();
        terminal::print_error(&format!(
            "there are no runs in {store} yet: they appear as they begin\n"
        ));
    }
    terminal::print(&format!(
        "http://{}/ shows the runs in {}; Ctrl-C ends it\n",
        url_host(&args.bind, address),
        args.store.display()
    ));
    let site = Site::new(Store::new(&args.store), hosts);
    kolk_serve::serve(listener, site, Limits::default(), signals::stop_wanted)
        .context("the server failed")?;
    Ok(Status::Valid)
}

/// Listens, at the first address that a name has.
fn listen(bind: &str, port: u16) -> Result<(TcpListener, SocketAddr), Stop> {
    let name = bind.trim_matches(['[', ']']);
    let cannot = |error: &io::Error| {
        let failure =
            Failure::new(Trouble::System, format!("cannot listen on {bind}, port {port}"))
                .cause(error.to_string());
        Stop::user(match error.kind() {
            io::ErrorKind::AddrInUse => failure.advice(
                "something else listens there, perhaps another kolk serve: end it, or name another \
                 port with --port; --port 0 takes any that is free",
            ),
            io::ErrorKind::PermissionDenied => {
                failure.advice("ports below 1024 are for administrators: name another with --port")
            }
            _ => failure.advice("--bind takes an address of this machine, such as 127.0.0.1"),
        })
    };
    let addresses = (name, port).to_socket_addrs().map_err(|error| cannot(&error))?;
    let addresses: Vec<SocketAddr> = addresses.collect();
    let listener = TcpListener::bind(&*addresses).map_err(|error| cannot(&error))?;
    let address = listener.local_addr().map_err(|error| cannot(&error))?;
    Ok((listener, address))
}

/// What to type into a browser: all addresses are no address.
fn url_host(bind: &str, address: SocketAddr) -> String {
    let port = address.port();
    match address.ip() {
        ip if ip.is_unspecified() => format!("localhost:{port}"),
        IpAddr::V6(ip) if bind.contains(':') => format!("[{ip}]:{port}"),
        _ => format!("{bind}:{port}"),
    }
}
