//! Checkers: a history in, a verdict with its evidence out.
