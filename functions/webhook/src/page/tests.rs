use http::HeaderValue;
use http::header::CONTENT_TYPE;
use policy::purpose::{Purpose, Scope};

use super::act::{Wish, read};
use super::*;

fn form(content_type: &'static str) -> HeaderMap {
    [(CONTENT_TYPE, HeaderValue::from_static(content_type))]
        .into_iter()
        .collect()
}

#[test]
fn forms_say_what_a_person_wants() {
    let urlencoded = form("application/x-www-form-urlencoded");
    let stop = |scope| {
        Some(Wish {
            act: Act::Stop(scope),
            one_click: false,
        })
    };
    let promo = Scope::Purpose(Purpose::parse("marketing.promo").unwrap());
    assert_eq!(read(&urlencoded, b"do=stop%3A*"), stop(Scope::Everything));
    assert_eq!(read(&urlencoded, b"do=stop:marketing.promo"), stop(promo));
    for (form, act) in [
        ("do=resume", Act::Resume(Scope::Everything)),
        ("do=resume:marketing", Act::Resume(Scope::marketing())),
        ("do=copy", Act::Copy),
        ("do=erase", Act::Erase { sure: false }),
        ("do=erase%3Asure", Act::Erase { sure: true }),
    ] {
        let wish = read(&urlencoded, form.as_bytes()).unwrap();
        assert_eq!(Act::parse(&act.to_string()), Some(act.clone()));
        assert_eq!((wish.act, wish.one_click), (act, false));
    }
    for nothing in [
        "",
        "do=resume:*",
        "resume",
        "do=",
        "do=stop",
        "do=stop:",
        "do=start:*",
        "done=stop:*",
        "\u{fe}",
    ] {
        assert_eq!(read(&urlencoded, nothing.as_bytes()), None, "{nothing}");
    }
    assert_eq!(read(&HeaderMap::new(), b"do=stop%3A*"), None);
    assert_eq!(read(&form("application/json"), br#"{"do":"stop:*"}"#), None);
}

#[test]
fn one_click_comes_in_two_encodings() {
    let wish = Some(Wish {
        act: Act::Stop(Scope::marketing()),
        one_click: true,
    });
    let urlencoded = form("application/x-www-form-urlencoded");
    assert_eq!(read(&urlencoded, b"List-Unsubscribe=One-Click"), wish);
    let multipart = form("multipart/form-data; boundary=x");
    let body = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    assert_eq!(read(&multipart, body.as_bytes()), wish);
    let other = body.replace("One-Click", "Two-Clicks");
    assert_eq!(read(&multipart, other.as_bytes()), None);
}

#[test]
fn languages_follow_the_address_then_the_person_then_the_browser() {
    use Language::{English, Indonesian};

    assert_eq!(Language::choose(Some("en"), Some("id"), None), English);
    assert_eq!(Language::choose(Some("xx"), Some("en_US"), None), English);
    assert_eq!(
        Language::choose(None, None, Some("fr-FR,en;q=0.8,id;q=0.7")),
        English
    );
    assert_eq!(Language::choose(None, Some("id"), Some("en")), Indonesian);
    assert_eq!(Language::choose(None, None, None), Indonesian);
}

#[test]
fn names_are_text_and_never_markup() {
    let shown = Shown {
        business: "<script>alert(1)</script>".to_owned(),
        agreement: None,
        person: Person::default(),
    };
    let page = view::preferences("link", &shown, None, Language::English);
    assert!(!page.0.contains("<script>"));
    assert!(page.0.contains("&lt;script&gt;"));
}
