//! Operations, histories, journals and plans, and how they are stored.
