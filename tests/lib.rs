//! The tests of the whole service are in `it/`; this library is empty.
