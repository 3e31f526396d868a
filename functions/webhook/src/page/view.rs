//! The page itself.

use http::StatusCode;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use policy::consent::{Consent, Grant};
use policy::language::Language;
use policy::preference::BadLink;
use policy::purpose::Scope;

use super::act::Act;
use super::{Shown, requests};

/// The one style: large type, large buttons, contrast above 7 : 1 (WCAG 2.2
/// AAA), one column that fits a telephone.
pub(super) const STYLE: &str = "\
:root{color-scheme:light}\
*{box-sizing:border-box}\
body{margin:0;background:#f4f6f5;color:#16211d;font:1.0625rem/1.55 system-ui,sans-serif}\
main{max-width:34rem;margin:0 auto;padding:1.25rem 1rem 3rem}\
h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0 1rem;overflow-wrap:anywhere}\
h2{font-size:1.125rem;margin:1.75rem 0 .5rem}\
p,dl{margin:.5rem 0}\
dt{font-weight:600;margin-top:.75rem}\
dd{margin:0;overflow-wrap:anywhere}\
form{margin:.75rem 0}\
button{width:100%;min-height:3rem;padding:.75rem 1rem;border:2px solid #0b4f3c;border-radius:.5rem;\
background:#fff;color:#0b4f3c;font:inherit;font-weight:600;cursor:pointer}\
button.first{background:#0b4f3c;color:#fff}\
:focus-visible{outline:3px solid #1a3fb0;outline-offset:3px}\
a{color:#0b4f3c;display:inline-block;padding:.5rem 0}\
.note{padding:.75rem 1rem;border-left:.35rem solid #0b4f3c;background:#e3f1ec}\
.quiet{color:#3d4a45;font-size:1rem}";

/// What a person agreed to, and how to stop it.
pub(super) fn preferences(
    link: &str,
    shown: &Shown,
    done: Option<&Act>,
    language: Language,
) -> Markup {
    let business = business(shown, language);
    let title = language.of("Pesan WhatsApp dari", "WhatsApp messages from");
    let (other, others_name) = language.other();
    document(
        language,
        &format!("{title} {business}"),
        html! {
            h1 { (title) " " (business) }
            @if let Some(act) = done { (notice(act, shown, language)) }
            h2 { (language.of("Yang Anda setujui", "What you agreed to")) }
            (agreement(shown, language))
            (stops(shown, language))
            (buttons(link, shown, language))
            (resume(link, shown, language))
            (requests::offers(link, language))
            p { a href={ "/p/" (link) "?lang=" (other.code()) } lang=(other.code()) hreflang=(other.code()) { (others_name) } }
            p.quiet { (language.of(
                "Halaman ini hanya untuk Anda. Jangan teruskan tautannya: siapa pun yang memilikinya dapat menghentikan atau mengizinkan pesan untuk Anda.",
                "This page is yours alone. Do not pass its link on: whoever has it can stop or allow messages to you.",
            )) }
        },
    )
}

/// The business, as people know it.
pub(super) fn business(shown: &Shown, language: Language) -> &str {
    match shown.business.as_str() {
        "" => language.of("bisnis ini", "this business"),
        name => name,
    }
}

/// What the last act did, if it shows in what is known now.
fn notice(act: &Act, shown: &Shown, language: Language) -> Markup {
    let scope = match act {
        Act::Stop(scope) => scope,
        Act::Resume(scope) => return resumed(scope, shown, language),
        Act::Copy | Act::Erase { .. } => return html! {},
    };
    let is_so = shown.person.suppressions.contains_key(scope)
        || shown.person.suppressions.contains_key(&Scope::Everything);
    html! {
        @if is_so {
            p.note role="status" {
                strong { (language.of("Sudah berhenti.", "Stopped.")) } " "
                (language.scope(scope)) ": "
                (language.of("tidak ada lagi pesan yang dikirim kepada Anda.", "no more messages will be sent to you."))
            }
        }
    }
}

fn resumed(scope: &Scope, shown: &Shown, language: Language) -> Markup {
    let stops = &shown.person.suppressions;
    html! {
        @if *scope != Scope::Everything && !stops.contains_key(scope) && !stops.is_empty() {
            p.note role="status" {
                strong { (language.of("Diizinkan lagi:", "Allowed again:")) } " "
                (language.scope(scope)) ". "
                (language.of("Yang lain tetap dihentikan.", "The rest stays stopped."))
            }
        } @else if stops.is_empty() {
            p.note role="status" {
                strong { (language.of("Diizinkan lagi.", "Allowed again.")) } " "
                (language.of(
                    "Tidak ada lagi yang dihentikan: Anda dapat menerima pesan yang Anda setujui.",
                    "Nothing is stopped any more: you may get the messages that you agreed to.",
                ))
            }
        }
    }
}

fn agreement(shown: &Shown, language: Language) -> Markup {
    let Some(agreement) = &shown.agreement else {
        return html! { p { (language.of(
            "Tidak ada persetujuan yang tersimpan untuk Anda.",
            "No agreement of yours is kept here.",
        )) } };
    };
    match &agreement.consent {
        Consent::Granted(grant) => granted(grant, language),
        Consent::NeverAsked => html! { p { (language.of(
            "Anda belum menyetujui pesan promosi.",
            "You have not agreed to any offers.",
        )) } },
        Consent::Requested { at } => html! { p {
            (language.of("Anda ditanya pada ", "You were asked on ")) (language.day(*at))
            (language.of(" dan belum menjawab.", " and have not answered yet."))
        } },
        Consent::Withdrawn { at } => html! { p {
            (language.of("Anda menarik persetujuan pada ", "You withdrew your agreement on "))
            (language.day(*at)) "."
        } },
    }
}

fn granted(grant: &Grant, language: Language) -> Markup {
    html! {
        dl {
            dt { (language.of("Untuk", "For")) }
            @for purpose in &grant.purposes { dd { (language.purpose(purpose)) } }
            dt { (language.of("Sejak", "Since")) }
            dd { time datetime=(grant.at) { (language.day(grant.at)) } }
            @if !grant.method.is_empty() {
                dt { (language.of("Cara", "How")) }
                dd { (grant.method) }
            }
            @if let Some(notice) = &grant.notice {
                dt { (language.of("Pemberitahuan", "Notice")) }
                dd { (notice.id) }
            }
            @if let Some(end) = grant.expires_at {
                dt { (language.of("Berlaku sampai", "Until")) }
                dd { time datetime=(end) { (language.day(end)) } }
            }
        }
    }
}

fn stops(shown: &Shown, language: Language) -> Markup {
    let stops = &shown.person.suppressions;
    html! {
        h2 { (language.of("Yang sudah Anda hentikan", "What you have stopped")) }
        @if stops.is_empty() {
            p { (language.of("Belum ada.", "Nothing so far.")) }
        } @else {
            dl {
                @for (scope, stop) in stops {
                    dt { (language.scope(scope)) }
                    dd { (language.of("sejak ", "since ")) time datetime=(stop.at) { (language.day(stop.at)) } }
                }
            }
        }
    }
}

fn buttons(link: &str, shown: &Shown, language: Language) -> Markup {
    let stops = &shown.person.suppressions;
    let is_stopped = |scope: &Scope| {
        stops.keys().any(|stop| match scope {
            Scope::Everything => *stop == Scope::Everything,
            Scope::Purpose(purpose) => stop.covers(purpose),
        })
    };
    let mut offers = vec![Scope::marketing()];
    if let Some(Consent::Granted(grant)) = shown.agreement.as_ref().map(|a| &a.consent) {
        let purposes = grant.purposes.iter().cloned().map(Scope::Purpose);
        offers.extend(purposes.filter(|scope| *scope != Scope::marketing()));
    }
    offers.push(Scope::Everything);
    offers.retain(|scope| !is_stopped(scope));
    html! {
        h2 { (language.of("Berhenti", "Stop")) }
        @if offers.is_empty() {
            p { (language.of("Semua sudah dihentikan.", "Everything is stopped.")) }
        }
        @for (at, scope) in offers.iter().enumerate() {
            form method="post" action={ "/p/" (link) "?lang=" (language.code()) } {
                input type="hidden" name="do" value=(Act::Stop(scope.clone()));
                button.first[at == 0] type="submit" {
                    (language.of("Hentikan: ", "Stop: ")) (language.scope(scope))
                }
            }
        }
    }
}

/// One tap to get messages again, where some are stopped.
fn resume(link: &str, shown: &Shown, language: Language) -> Markup {
    let stops = &shown.person.suppressions;
    html! {
        @if !stops.is_empty() {
            h2 { (language.of("Menerima lagi", "Get messages again")) }
            p { (language.of(
                "Yang sudah Anda hentikan diizinkan lagi. Anda dapat berhenti lagi kapan saja.",
                "What you have stopped is allowed again. You can stop again at any time.",
            )) }
            @if stops.len() > 1 {
                @for scope in stops.keys().filter(|scope| **scope != Scope::Everything) {
                    form method="post" action={ "/p/" (link) "?lang=" (language.code()) } {
                        input type="hidden" name="do" value=(Act::Resume(scope.clone()));
                        button type="submit" {
                            (language.of("Izinkan lagi: ", "Allow again: ")) (language.scope(scope))
                        }
                    }
                }
            }
            form method="post" action={ "/p/" (link) "?lang=" (language.code()) } {
                input type="hidden" name="do" value=(Act::Resume(Scope::Everything));
                button type="submit" {
                    @if stops.len() > 1 {
                        (language.of("Izinkan semua lagi", "Allow everything again"))
                    } @else {
                        (language.of("Izinkan lagi", "Allow again"))
                    }
                }
            }
        }
    }
}

/// A link that opens nothing.
pub(super) fn no_page(bad: BadLink, language: Language) -> Markup {
    let title = match bad {
        BadLink::Expired => language.of(
            "Tautan ini sudah tidak berlaku",
            "This link is no longer valid",
        ),
        BadLink::Forged => language.of("Halaman tidak ditemukan", "There is no such page"),
    };
    document(
        language,
        title,
        html! {
            h1 { (title) }
            p { (language.of(
                "Untuk berhenti menerima pesan, balas STOP di chat WhatsApp dengan bisnis yang mengirimnya.",
                "To stop messages, reply STOP in the WhatsApp chat with the business that sends them.",
            )) }
        },
    )
}

/// One sentence about a request.
pub(super) fn sentence(status: StatusCode, language: Language) -> Markup {
    let text = if status.is_success() {
        language.of("Sudah berhenti.", "Stopped.")
    } else if status.is_server_error() {
        language.of(
            "Ada gangguan. Coba lagi sebentar lagi, atau balas STOP di chat WhatsApp.",
            "Something is out of order. Try again in a moment, or reply STOP in the WhatsApp chat.",
        )
    } else {
        language.of(
            "Permintaan ini tidak dapat dibaca. Buka lagi halaman Anda dan pilih salah satu tombol.",
            "This request cannot be read. Open your page again and choose one of its buttons.",
        )
    };
    document(language, text, html! { p { (text) } })
}

pub(super) fn document(language: Language, title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex, nofollow";
                meta name="color-scheme" content="light";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body) } }
        }
    }
}
