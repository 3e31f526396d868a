//! Why a row is rejected: a stable code, and a sentence in two languages.

use std::fmt;

use crate::phone::ParsePhoneNumberError;

/// One reason to reject a row. Never holds the row's text.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RowReason {
    /// Bytes that mean nothing in the file's encoding.
    NotText,
    /// A zero byte.
    NulByte,
    /// The row is longer than [`Limits::record_bytes`](super::Limits).
    TooLong,
    /// A cell is longer than [`Limits::cell_bytes`](super::Limits).
    CellTooLong,
    /// A quotation mark opens a cell and nothing closes it, or only one far
    /// below: then the cell has swallowed rows.
    QuoteUnbalanced,
    /// More filled cells than the header has columns.
    TooManyCells,
    /// The number is no number.
    Phone(ParsePhoneNumberError),
    /// Neither a local number nor one with its country code.
    PhoneCountryUnclear,
    /// Its digits are hidden by whoever exported it.
    PhoneMasked,
    /// Two or more numbers in one cell.
    PhoneSeveral,
    /// A spreadsheet shows an error instead of a value.
    SpreadsheetError,
    /// The consent has no date, and the rules ask for one.
    ConsentDateMissing,
    /// The date of the consent is none.
    ConsentDateInvalid,
    /// The date of the consent has month and day the other way round.
    ConsentDateOrder,
    /// The date of the consent lies in the future.
    ConsentDateFuture,
    /// The date of the consent lies before WhatsApp.
    ConsentDateTooOld,
    /// Neither yes nor no.
    ConsentStatusUnknown,
    /// A purpose that is none.
    ConsentPurposeInvalid,
    /// A legal ground that is none.
    ConsentBasisInvalid,
    /// The end of the consent is no date, or comes before its start.
    ConsentExpiryInvalid,
    /// A language that is none.
    LanguageInvalid,
    /// A time zone that is none.
    ZoneUnknown,
}

impl RowReason {
    /// All of them.
    pub const ALL: [Self; 27] = {
        use ParsePhoneNumberError as P;
        [
            Self::NotText,
            Self::NulByte,
            Self::TooLong,
            Self::CellTooLong,
            Self::QuoteUnbalanced,
            Self::TooManyCells,
            Self::Phone(P::Empty),
            Self::Phone(P::NotDigits),
            Self::Phone(P::NotInPlan),
            Self::Phone(P::Scientific),
            Self::Phone(P::TooLong),
            Self::Phone(P::TooShort),
            Self::PhoneCountryUnclear,
            Self::PhoneSeveral,
            Self::PhoneMasked,
            Self::SpreadsheetError,
            Self::ConsentDateMissing,
            Self::ConsentDateInvalid,
            Self::ConsentDateOrder,
            Self::ConsentDateFuture,
            Self::ConsentDateTooOld,
            Self::ConsentStatusUnknown,
            Self::ConsentPurposeInvalid,
            Self::ConsentBasisInvalid,
            Self::ConsentExpiryInvalid,
            Self::LanguageInvalid,
            Self::ZoneUnknown,
        ]
    };

    /// A stable code for reports, counts and the API. Never reuse one.
    pub const fn code(self) -> &'static str {
        self.texts().0
    }

    /// What to do about it, in English.
    pub const fn english(self) -> &'static str {
        self.texts().1
    }

    /// What to do about it, in Indonesian.
    pub const fn indonesian(self) -> &'static str {
        self.texts().2
    }

    const fn texts(self) -> (&'static str, &'static str, &'static str) {
        use ParsePhoneNumberError as P;

        match self {
            Self::TooManyCells => (
                "row_too_many_cells",
                "the row has more cells than the header; put text that holds the separator in quotation marks",
                "baris ini punya lebih banyak sel daripada judul kolom; apit teks yang memuat pemisah dengan tanda kutip",
            ),
            Self::NotText => (
                "row_not_text",
                "the row holds characters that were damaged; write them again and save as CSV UTF-8",
                "baris ini berisi huruf yang rusak; tulis ulang lalu simpan sebagai CSV UTF-8",
            ),
            Self::NulByte => (
                "row_nul_byte",
                "the row holds a zero byte (shown as \u{2400}); write the cell again",
                "baris ini berisi bita nol (ditampilkan sebagai \u{2400}); tulis ulang selnya",
            ),
            Self::TooLong => (
                "row_too_long",
                "the row is longer than 64 KiB; shorten it where it says #TOO_LONG!",
                "baris ini lebih panjang dari 64 KiB; persingkat di tempat yang bertanda #TOO_LONG!",
            ),
            Self::CellTooLong => (
                "row_cell_too_long",
                "a cell holds more than 4 KiB of text; shorten it",
                "sebuah sel berisi lebih dari 4 KiB teks; persingkat",
            ),
            Self::QuoteUnbalanced => (
                "quote_unbalanced",
                "a quotation mark was left open, so that this row may hold several; close it, or write it twice if it belongs to the text",
                "ada tanda kutip yang tidak ditutup sehingga baris ini mungkin memuat beberapa baris; tutup, atau tulis dua kali bila bagian dari teks",
            ),
            Self::Phone(error) => (
                error.code(),
                match error {
                    P::Empty => "the phone number is missing",
                    P::NotDigits => {
                        "the phone number holds other signs than digits, spaces, brackets, hyphens and one leading plus"
                    }
                    P::NotInPlan => {
                        "no such phone number exists; check its length and its country code"
                    }
                    P::Scientific => {
                        "a spreadsheet has rounded the phone number (8.12E+11); format the column as text and enter it again"
                    }
                    P::TooLong => "the phone number has too many digits",
                    P::TooShort => "the phone number has too few digits",
                },
                match error {
                    P::Empty => "nomor telepon kosong",
                    P::NotDigits => {
                        "nomor telepon memuat tanda selain angka, spasi, kurung, strip, dan satu tanda plus di depan"
                    }
                    P::NotInPlan => {
                        "nomor telepon ini tidak ada; periksa jumlah angka dan kode negaranya"
                    }
                    P::Scientific => {
                        "lembar kerja telah membulatkan nomor telepon (8,12E+11); ubah format kolom menjadi teks lalu isi ulang"
                    }
                    P::TooLong => "nomor telepon terlalu panjang",
                    P::TooShort => "nomor telepon terlalu pendek",
                },
            ),
            Self::PhoneCountryUnclear => (
                "phone_country_unclear",
                "the phone number begins neither with 0 nor with a country code; write + and the country code",
                "nomor telepon tidak diawali 0 ataupun kode negara; tulis + dan kode negaranya",
            ),
            Self::PhoneMasked => (
                "phone_masked",
                "the shop or market place hides the digits of the phone number (******90); ask the person for it",
                "toko atau lokapasar menyamarkan angka nomor telepon (******90); tanyakan langsung kepada orangnya",
            ),
            Self::PhoneSeveral => (
                "phone_several",
                "the cell holds more than one phone number; give each its own row",
                "sel ini memuat lebih dari satu nomor telepon; buat satu baris untuk tiap nomor",
            ),
            Self::SpreadsheetError => (
                "spreadsheet_error",
                "a cell shows a spreadsheet error such as #REF!; enter the value",
                "sebuah sel menampilkan galat lembar kerja seperti #REF!; isi nilainya",
            ),
            Self::ConsentDateMissing => (
                "consent_date_missing",
                "the date of the consent is missing",
                "tanggal persetujuan kosong",
            ),
            Self::ConsentDateInvalid => (
                "consent_date_invalid",
                "the date of the consent is no date; write it as 2026-11-24 or 24/11/2026",
                "tanggal persetujuan bukan tanggal; tulis seperti 24/11/2026 atau 2026-11-24",
            ),
            Self::ConsentDateOrder => (
                "consent_date_order",
                "the date of the consent seems to have day and month the other way round; write it as 2026-11-24 or set the date order of the import",
                "tanggal persetujuan tampaknya menukar hari dan bulan; tulis seperti 24/11/2026 atau atur urutan tanggal impor",
            ),
            Self::ConsentDateFuture => (
                "consent_date_future",
                "the date of the consent lies in the future",
                "tanggal persetujuan ada di masa depan",
            ),
            Self::ConsentDateTooOld => (
                "consent_date_too_old",
                "the date of the consent lies before 2009, when there was no WhatsApp",
                "tanggal persetujuan sebelum tahun 2009, ketika WhatsApp belum ada",
            ),
            Self::ConsentStatusUnknown => (
                "consent_status_unknown",
                "the consent is neither yes nor no",
                "persetujuan bukan ya dan bukan tidak",
            ),
            Self::ConsentPurposeInvalid => (
                "consent_purpose_invalid",
                "the purpose of the consent is not known; write `marketing` or `service`",
                "tujuan persetujuan tidak dikenal; tulis `marketing` atau `service`",
            ),
            Self::ConsentBasisInvalid => (
                "consent_basis_invalid",
                "the legal basis is not known; write `explicit_consent` or `relationship`",
                "dasar hukum tidak dikenal; tulis `explicit_consent` atau `relationship`",
            ),
            Self::ConsentExpiryInvalid => (
                "consent_expiry_invalid",
                "the end of the consent is no date, or comes before its start",
                "akhir persetujuan bukan tanggal, atau mendahului awalnya",
            ),
            Self::LanguageInvalid => (
                "language_invalid",
                "the language is not known; write a tag such as `id` or `en`",
                "bahasa tidak dikenal; tulis kode seperti `id` atau `en`",
            ),
            Self::ZoneUnknown => (
                "zone_unknown",
                "the time zone is not known; write `Asia/Jakarta` or `WIB`",
                "zona waktu tidak dikenal; tulis `WIB` atau `Asia/Jakarta`",
            ),
        }
    }
}

impl fmt::Display for RowReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.english())
    }
}
