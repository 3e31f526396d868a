//! Why a whole file is refused: what, where, and how to mend it.

use std::fmt;

/// A file that cannot be read as a table of contacts, from some place on.
///
/// Rows that were handed out before stand; nothing after `line` was read.
/// Never holds a cell's text.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[error("{problem}{}", Place { line: *line, column: *column })]
pub struct FileRefusal {
    /// What is wrong.
    pub problem: FileProblem,
    /// The line of the file, from 1, where the record at fault begins.
    pub line: u64,
    /// The column, from 1, where one is at fault.
    pub column: Option<usize>,
}

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum FileProblem {
    /// A packed file that cannot be unpacked, or ends too early.
    ArchiveDamaged,
    /// An archive with a password.
    ArchiveLocked,
    /// An archive with more than one file.
    ArchiveSeveral,
    /// A cell of the header is longer than [`Limits::cell_bytes`](super::Limits).
    CellTooLong,
    /// Packed in another way than gzip or zip, or twice.
    Compressed,
    /// Nothing but white space.
    Empty,
    /// The first line already holds a contact.
    HeaderMissing,
    /// A web page with a table, as some systems export under the name of CSV.
    Html,
    /// A JSON document.
    Json,
    /// The header is longer than [`Limits::record_bytes`](super::Limits), or no
    /// line ends at all.
    LineTooLong,
    /// A column that the mapping names is not in the header.
    MappedColumnMissing,
    /// A NUL in or above the header: the file is binary, or its encoding is
    /// broken.
    NulByte,
    /// What comes out is a hundred times what went in: a trap.
    PackedTooTightly,
    /// No column is known to hold phone numbers.
    PhoneColumnMissing,
    /// Nothing closes a quotation mark that opens a cell of the header, or of
    /// a thousand rows.
    QuoteUnclosed,
    /// A workbook (`.xlsx`, `.xls`, `.ods`, `.numbers`).
    Spreadsheet,
    /// More columns than [`Limits::columns`](super::Limits).
    TooManyColumns,
    /// More rows than [`Limits::rows`](super::Limits).
    TooManyRows,
    /// A picture, a PDF or another format that is no text.
    UnknownBinary,
    /// UTF-32, which nobody should have to read.
    Utf32,
    /// An address book in vCard form.
    VCard,
}

impl FileRefusal {
    pub(super) const fn at(problem: FileProblem, line: u64) -> Self {
        Self {
            problem,
            line,
            column: None,
        }
    }

    pub(super) const fn in_column(self, column: usize) -> Self {
        Self {
            column: Some(column),
            ..self
        }
    }

    /// The sentence and the place in Indonesian.
    pub fn indonesian(&self) -> String {
        let place = match self.column {
            Some(column) => format!(" (baris {}, kolom {column})", self.line),
            None => format!(" (baris {})", self.line),
        };
        format!("{}{place}", self.problem.indonesian())
    }

    /// How to mend the file, in English.
    pub const fn remedy(&self) -> &'static str {
        self.problem.remedy()
    }
}

impl FileProblem {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::ArchiveDamaged,
        Self::ArchiveLocked,
        Self::ArchiveSeveral,
        Self::CellTooLong,
        Self::Compressed,
        Self::Empty,
        Self::HeaderMissing,
        Self::Html,
        Self::Json,
        Self::LineTooLong,
        Self::MappedColumnMissing,
        Self::NulByte,
        Self::PackedTooTightly,
        Self::PhoneColumnMissing,
        Self::QuoteUnclosed,
        Self::Spreadsheet,
        Self::TooManyColumns,
        Self::TooManyRows,
        Self::UnknownBinary,
        Self::Utf32,
        Self::VCard,
    ];

    /// A stable code for storage and the API. Never reuse one.
    pub const fn code(self) -> &'static str {
        self.texts().0
    }

    /// What is wrong, in Indonesian.
    pub const fn indonesian(self) -> &'static str {
        self.texts().2
    }

    /// How to mend the file, in English.
    pub const fn remedy(self) -> &'static str {
        self.texts().3
    }

    /// How to mend the file, in Indonesian.
    pub const fn remedy_indonesian(self) -> &'static str {
        self.texts().4
    }

    /// Code, sentence (English, Indonesian), remedy (English, Indonesian).
    const fn texts(
        self,
    ) -> (
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        &'static str,
    ) {
        match self {
            Self::ArchiveDamaged => (
                "archive_damaged",
                "the packed file is damaged or ends too early",
                "berkas terkompresi ini rusak atau terpotong",
                "pack the CSV again, or upload it as it is; save a workbook as CSV UTF-8",
                "kompres ulang CSV-nya, atau unggah tanpa dikompres; simpan buku kerja sebagai CSV UTF-8",
            ),
            Self::ArchiveLocked => (
                "archive_locked",
                "the archive asks for a password",
                "arsip ini memakai kata sandi",
                "pack the CSV without a password, or upload it as it is",
                "kompres CSV-nya tanpa kata sandi, atau unggah tanpa dikompres",
            ),
            Self::ArchiveSeveral => (
                "archive_several_files",
                "the archive holds more than one file",
                "arsip ini berisi lebih dari satu berkas",
                "upload each CSV by itself",
                "unggah setiap CSV satu per satu",
            ),
            Self::CellTooLong => (
                "cell_too_long",
                "a cell of the header holds more than 4 KiB of text",
                "sebuah sel judul kolom berisi lebih dari 4 KiB teks",
                "shorten the cell, or close the quotation mark that was left open in this line",
                "persingkat sel itu, atau tutup tanda kutip yang belum ditutup di baris ini",
            ),
            Self::Compressed => (
                "file_compressed",
                "the file is packed in a way that is not read here",
                "berkas ini dikompres dengan cara yang tidak dapat dibaca",
                "unpack it and upload the CSV inside, as it is or packed once with gzip or zip",
                "buka kompresinya lalu unggah CSV di dalamnya, apa adanya atau dikompres sekali dengan gzip atau zip",
            ),
            Self::Empty => (
                "file_empty",
                "the file holds no text",
                "berkas ini kosong",
                "export the contacts again; the first line must be a header such as `phone,name,consent_at`",
                "ekspor ulang kontaknya; baris pertama harus judul kolom seperti `no_hp,nama,tanggal_persetujuan`",
            ),
            Self::HeaderMissing => (
                "header_missing",
                "the file has no header line: its first line already holds a contact",
                "berkas ini tidak punya judul kolom: baris pertama sudah berisi kontak",
                "put a header line such as `phone,name,consent_at` on top, or name the columns by position",
                "tambahkan baris judul seperti `no_hp,nama,tanggal_persetujuan` di atas, atau sebutkan kolom menurut posisinya",
            ),
            Self::Html => (
                "file_is_html",
                "the file is a web page, not a CSV",
                "berkas ini halaman web, bukan CSV",
                "open it in a spreadsheet and save it as CSV UTF-8",
                "buka di aplikasi lembar kerja lalu simpan sebagai CSV UTF-8",
            ),
            Self::Json => (
                "file_is_json",
                "the file is JSON, not a CSV",
                "berkas ini JSON, bukan CSV",
                "export the contacts as CSV",
                "ekspor kontaknya sebagai CSV",
            ),
            Self::LineTooLong => (
                "line_too_long",
                "a line of the file is longer than 64 KiB",
                "sebuah baris lebih panjang dari 64 KiB",
                "check that lines end where they should, and that every quotation mark is closed",
                "periksa akhir tiap baris, dan pastikan setiap tanda kutip ditutup",
            ),
            Self::MappedColumnMissing => (
                "mapped_column_missing",
                "a column that the mapping names is not in the header",
                "kolom yang disebut dalam pemetaan tidak ada di judul kolom",
                "name the columns as the header of this file does",
                "sebutkan kolom seperti pada judul kolom berkas ini",
            ),
            Self::NulByte => (
                "nul_byte",
                "the file holds a NUL byte, so it is not plain text",
                "berkas ini berisi bita NUL, jadi bukan teks biasa",
                "save the file again as CSV UTF-8",
                "simpan ulang berkas sebagai CSV UTF-8",
            ),
            Self::PackedTooTightly => (
                "archive_too_tight",
                "the packed file unpacks to more than a hundred times its size",
                "berkas terkompresi ini mengembang lebih dari seratus kali ukurannya",
                "unpack it, check what is inside and upload the CSV as it is",
                "buka kompresinya, periksa isinya, lalu unggah CSV apa adanya",
            ),
            Self::PhoneColumnMissing => (
                "phone_column_missing",
                "no column of the header is known to hold phone numbers",
                "tidak ada kolom yang dikenali sebagai nomor telepon",
                "call the column `phone` or `no_hp`, or name it in the mapping",
                "beri nama kolomnya `no_hp` atau `phone`, atau sebutkan dalam pemetaan",
            ),
            Self::QuoteUnclosed => (
                "quote_unclosed",
                "a quotation mark opens a cell and nothing closes it",
                "tanda kutip membuka sebuah sel dan tidak pernah ditutup",
                "close the quotation mark in this line, or write it twice if it belongs to the text",
                "tutup tanda kutip di baris ini, atau tulis dua kali bila bagian dari teks",
            ),
            Self::Spreadsheet => (
                "file_is_spreadsheet",
                "the file is a workbook, not a CSV",
                "berkas ini buku kerja, bukan CSV",
                "open it and save the sheet as CSV UTF-8",
                "buka lalu simpan lembarnya sebagai CSV UTF-8",
            ),
            Self::TooManyColumns => (
                "too_many_columns",
                "the table has more than 512 columns",
                "tabel ini punya lebih dari 512 kolom",
                "keep the phone, the consent and the columns your messages use",
                "sisakan nomor telepon, persetujuan, dan kolom yang dipakai pesan Anda",
            ),
            Self::TooManyRows => (
                "too_many_rows",
                "the table has more than ten million rows",
                "tabel ini punya lebih dari sepuluh juta baris",
                "split the file and upload the parts",
                "pecah berkasnya lalu unggah satu per satu",
            ),
            Self::UnknownBinary => (
                "file_is_binary",
                "the file is a picture, a document or another binary format",
                "berkas ini gambar, dokumen, atau format biner lain",
                "export the contacts as CSV UTF-8",
                "ekspor kontaknya sebagai CSV UTF-8",
            ),
            Self::Utf32 => (
                "encoding_unsupported",
                "the file is in UTF-32",
                "berkas ini memakai UTF-32",
                "save the file again as CSV UTF-8",
                "simpan ulang berkas sebagai CSV UTF-8",
            ),
            Self::VCard => (
                "file_is_vcard",
                "the file is a vCard address book, not a CSV",
                "berkas ini buku alamat vCard, bukan CSV",
                "export the contacts as CSV",
                "ekspor kontaknya sebagai CSV",
            ),
        }
    }
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.texts().1)
    }
}

/// ` (line 3, column 2)`.
struct Place {
    line: u64,
    column: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            Some(column) => write!(f, " (line {}, column {column})", self.line),
            None => write!(f, " (line {})", self.line),
        }
    }
}
