//! Reports drawn from a stored run.
