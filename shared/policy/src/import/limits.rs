//! How large the parts of a file may be.

/// How large things may be.
///
/// A row that is larger is rejected, and the rows below it are read; a header
/// that is larger, or too many rows, make a file that is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Cells of a record.
    pub columns: usize,
    /// Bytes of a cell, decoded for UTF-16 and as in the file otherwise.
    pub cell_bytes: usize,
    /// Bytes of a record, its line ends included.
    pub record_bytes: usize,
    /// Rows of a file.
    pub rows: u64,
}

impl Limits {
    /// The limits of an upload: 512 columns, 4 KiB, 64 KiB, ten million rows.
    ///
    /// Address books export about a hundred columns, customer systems up to a
    /// few hundred.
    pub const UPLOAD: Self = Self {
        columns: 512,
        cell_bytes: 4 << 10,
        record_bytes: 64 << 10,
        rows: 10_000_000,
    };
}
