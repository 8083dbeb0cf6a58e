//! Settings that a node takes on its command line.
//!
//! The convention of the reference nodes: a package exports
//!
//! ```ignore
//! pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> MyNode + Clone + use<>, String>
//! ```
//!
//! which reads the settings and gives what `run` and `machine` want: a function
//! that makes the node from what `init` says. Its `main` is `kolk_node::main(my_node::factory)`.

/// For a node without settings: any argument is an error.
///
/// # Errors
///
/// A text for people that quotes the first argument.
pub fn no_settings(args: &[String]) -> Result<(), String> {
    match args.first() {
        None => Ok(()),
        Some(arg) => Err(format!("unknown argument `{arg}`: this node has no settings")),
    }
}
