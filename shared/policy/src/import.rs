//! Import: any real CSV becomes judged rows.
//!
//! The caller reads a file in pieces and pushes them into a [`Reader`], which
//! finds the encoding, the delimiter and the meaning of the columns in the
//! first 64 KiB, and hands out [`Record`]s with their place in the original
//! file. [`accept_row`] judges each: a [`Candidate`], or reasons. A [`Report`]
//! gives the rejected rows back, to be mended and uploaded again.
//!
//! A file that is no table is refused as a whole with place and remedy
//! ([`FileRefusal`]); a bad row is rejected alone ([`RowReason`]), however bad:
//! with zero bytes, megabytes long or with a quotation mark left open. Files
//! packed with gzip or zip are unpacked on the way ([`Packing`]).
//!
//! ```text
//! let mut reader = Reader::new(Limits::UPLOAD, None);
//! for piece in file {
//!     reader.push(piece);
//!     while let Some(record) = reader.next_record()? {
//!         match accept_row(&record, &rules) { … }
//!     }
//!     save(reader.checkpoint());
//! }
//! reader.finish();
//! // … and the same loop once more.
//! ```
//!
//! Header names and words are dated data files under `data/import/`.

mod claim;
mod date;
mod encoding;
mod header;
mod input;
mod limits;
mod phone;
mod raw;
mod read;
mod reason;
mod record;
mod refusal;
mod report;
mod role;
mod row;
mod sniff;
mod summary;
mod text;
mod unpack;

pub use claim::ConsentClaim;
pub use date::DateOrder;
pub use encoding::Encoding;
pub use header::{Column, ColumnRef, ExplicitMapping, Mapping};
pub use limits::Limits;
pub use read::{Checkpoint, Reader, WINDOW_BYTES};
pub use reason::RowReason;
pub use record::Record;
pub use refusal::{FileProblem, FileRefusal};
pub use report::Report;
pub use role::Role;
pub use row::{Candidate, RowOutcome, Rules, accept_row, number, opt_out};
pub use sniff::{Delimiter, Layout};
pub use summary::{Judged, Summary, check_file};
pub use unpack::Packing;

#[cfg(test)]
mod tests;
