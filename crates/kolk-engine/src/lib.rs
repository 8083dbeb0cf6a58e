//! The simulator: clocks, network, faults, services, clients and nodes.
