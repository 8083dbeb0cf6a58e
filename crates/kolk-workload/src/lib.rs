//! Workloads: generators, clients, and which checker judges them.
