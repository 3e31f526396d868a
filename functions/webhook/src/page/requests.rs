//! The part of the page where people ask for a copy of their data, or for erasure.
//!
//! Links are forwarded, so the page hands no copy out: it records the request, and
//! the business answers it to the person whom it knows.

use maud::{Markup, html};
use policy::language::Language;

use super::Shown;
use super::act::Act;
use super::view::{business, document};

/// Two ways to ask.
pub(super) fn offers(link: &str, language: Language) -> Markup {
    html! {
        h2 { (language.of("Data Anda", "Your data")) }
        (form(link, &Act::Copy, language, language.of(
            "Minta salinan data saya",
            "Ask for a copy of my data",
        )))
        (form(link, &Act::Erase { sure: false }, language, language.of(
            "Hapus data saya…",
            "Delete my data…",
        )))
    }
}

/// What follows from asking.
pub(super) fn answer(link: &str, shown: &Shown, act: &Act, language: Language) -> Markup {
    match act {
        Act::Erase { sure: false } => are_you_sure(link, shown, language),
        Act::Erase { sure: true } => done(
            link,
            language,
            language.of("Data dihapus", "Deleted"),
            html! {
                strong { (language.of("Sudah diterima.", "Taken.")) } " "
                (language.of(
                    "Tidak ada lagi pesan yang dikirim kepada Anda, dan data Anda di semua daftar dihapus dalam beberapa menit. Yang tetap disimpan hanyalah tanda tanpa nomor bahwa Anda berhenti, agar daftar baru tidak membuat Anda menerima pesan lagi.",
                    "No more messages will be sent to you, and your data on every list is deleted within minutes. Only a mark without your number stays, which says that you stopped, so that no new list brings you messages again.",
                ))
            },
        ),
        Act::Copy | Act::Resume(_) | Act::Stop(_) => done(
            link,
            language,
            language.of("Permintaan dicatat", "Request recorded"),
            html! {
                strong { (language.of("Permintaan Anda dicatat.", "Your request is recorded.")) } " "
                (business(shown, language)) " "
                (language.of(
                    "harus menjawabnya dalam 3 × 24 jam, kepada Anda sendiri. Halaman ini tidak menampilkan data Anda, karena siapa pun yang memiliki tautannya dapat membukanya.",
                    "has to answer it within 3 × 24 hours, to you yourself. This page does not show your data, because whoever has its link can open it.",
                ))
            },
        ),
    }
}

/// Erasure cannot be taken back, so it takes a second tap.
fn are_you_sure(link: &str, shown: &Shown, language: Language) -> Markup {
    let title = language.of("Hapus data Anda?", "Delete your data?");
    document(
        language,
        title,
        html! {
            h1 { (title) }
            p { (business(shown, language)) " "
                (language.of(
                    "berhenti mengirim pesan apa pun kepada Anda dan menghapus nomor, nama, dan persetujuan Anda dari semua daftarnya. Ini tidak dapat dibatalkan.",
                    "stops sending you any message and deletes your number, your name and your agreement from all its lists. This cannot be undone.",
                ))
            }
            (form(link, &Act::Erase { sure: true }, language, language.of(
                "Ya, hapus data saya",
                "Yes, delete my data",
            )))
            (back(link, language))
        },
    )
}

fn done(link: &str, language: Language, title: &str, what: Markup) -> Markup {
    document(
        language,
        title,
        html! {
            h1 { (title) }
            p.note role="status" { (what) }
            (back(link, language))
        },
    )
}

fn back(link: &str, language: Language) -> Markup {
    html! {
        p { a href={ "/p/" (link) "?lang=" (language.code()) } {
            (language.of("Kembali", "Back"))
        } }
    }
}

fn form(link: &str, act: &Act, language: Language, words: &str) -> Markup {
    html! {
        form method="post" action={ "/p/" (link) "?lang=" (language.code()) } {
            input type="hidden" name="do" value=(act);
            button type="submit" { (words) }
        }
    }
}
