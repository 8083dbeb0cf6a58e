//! A node that gives out unique ids without coordination.
