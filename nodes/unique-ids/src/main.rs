//! The unique-ids node as a program of its own.

fn main() -> std::process::ExitCode {
    kolk_node::main(kolk_unique_ids::factory)
}
