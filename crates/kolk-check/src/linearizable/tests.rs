mod generated;
mod named;
mod oracle;
mod shrunk;
mod texts;
