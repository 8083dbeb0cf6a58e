//! Transactions over registers that are copied everywhere, and over lists in `lin-kv`.

mod lists;
mod registers;
