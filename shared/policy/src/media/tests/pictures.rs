//! Pictures and films.

use super::samples::{CATALOG, archive, boxed, jpeg, movie, pdf, png_of, webp_of};
use super::{blocks, judged, render};
use crate::media::*;

#[test]
fn nothing_hides_in_a_picture() {
    let zip = archive(&[("a.txt", b"a")]);
    blocks(
        &[jpeg(), zip.clone()].concat(),
        "foto.jpg",
        Reason::Polyglot,
    );
    blocks(
        &[png_of(8, 8), zip.clone()].concat(),
        "foto.png",
        Reason::Polyglot,
    );
    blocks(
        &[movie(b"isom", b"vide"), boxed(b"free", &zip)].concat(),
        "a.mp4",
        Reason::Polyglot,
    );
    blocks(
        &[jpeg(), b"MZ\x90\0".to_vec()].concat(),
        "foto.jpg",
        Reason::Polyglot,
    );
    blocks(
        &[jpeg(), b"halo".to_vec()].concat(),
        "foto.jpg",
        Reason::TrailingData,
    );
    blocks(
        &[jpeg(), pdf(&[CATALOG])].concat(),
        "foto.jpg",
        Reason::Polyglot,
    );
    let mut page = jpeg();
    page.splice(
        2..2,
        b"\xFF\xFE\x00\x1B<script>alert(1)</script>".to_owned(),
    );
    blocks(&page, "foto.jpg", Reason::Polyglot);
    assert_eq!(
        render(&judged(&[jpeg(), jpeg()].concat(), "stereo.jpg")),
        "allow"
    );
    blocks(&jpeg()[..40], "foto.jpg", Reason::Damaged);
    blocks(&png_of(8, 8)[..50], "foto.png", Reason::Damaged);
    blocks(&movie(b"isom", b"vide")[..60], "a.mp4", Reason::Damaged);
}

#[test]
fn pictures_have_bounds() {
    blocks(&png_of(0, 8), "a.png", Reason::PictureSize);
    blocks(&png_of(60_000, 60_000), "a.png", Reason::PictureSize);
    blocks(&png_of(16_384, 16_384), "a.png", Reason::PictureSize);
    blocks(&webp_of(100, false), "a.webp", Reason::PictureSize);
    let report = judged(&png_of(640, 480), "a.png");
    assert_eq!((report.width, report.height), (Some(640), Some(480)));
}
