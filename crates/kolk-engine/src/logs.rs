//! What in-process nodes log: a file a node, as programs have for their stderr.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// The logs of in-process nodes.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    files: Vec<BufWriter<File>>,
}

impl Logs {
    /// A file in `folder` for each node.
    pub(crate) fn create(folder: &Path, nodes: &[String]) -> std::io::Result<Logs> {
        let files = nodes
            .iter()
            .map(|node| File::create(folder.join(format!("{node}.log"))).map(BufWriter::new));
        Ok(Logs { files: files.collect::<Result<_, _>>()? })
    }

    /// Adds what a node logged.
    pub(crate) fn write(&mut self, node: u16, text: &[u8]) {
        if !text.is_empty()
            && let Some(file) = self.files.get_mut(usize::from(node))
        {
            // A log that cannot be written must not end a run; the run's own files will say so.
            let _ = file.write_all(text);
        }
    }
}
