//! `kolk node`.

use std::process::ExitCode;

use kolk_report::style::Role;
use kolk_report::table::{self, Cell};

use crate::args::NodeArgs;
use crate::status::{Status, Stop};
use crate::{nodes, request, terminal};

/// Is a node until its input ends, or lists them.
pub fn run(args: &NodeArgs) -> Result<ExitCode, Stop> {
    let Some(name) = args.name.as_deref().filter(|_| !args.list) else {
        let rows: Vec<Vec<Cell>> = nodes::ALL
            .iter()
            .map(|node| vec![Cell::left(node.name).role(Role::Strong), Cell::left(node.about)])
            .collect();
        terminal::print(&table::draw(&rows, 0, terminal::out_style()));
        return Ok(Status::Valid.into());
    };
    nodes::find(name)?
        .run(&args.args)
        .map_err(|problem| request::bad_node_arguments(name, &problem))
}
