//! Every kind of file, good and bad, through the whole service and before a real
//! clamd.

use crate::clamd::{Daemon, KNOWN_BAD, asleep, test_virus};
use crate::media::{PICTURE, blocking};
use crate::world::{Setting, World};

/// The files that the rules' own tests are told with.
#[expect(dead_code, reason = "the rules need more of them than the stories")]
#[path = "../../shared/policy/src/media/tests/samples.rs"]
mod samples;

use self::samples::{
    CATALOG, EXCEL, POWERPOINT, WORD, archive, jpeg, movie, office, ole, pdf, png_of, webp_of,
};

const OFFICE: &str = "application/vnd.openxmlformats-officedocument";

/// A world that asks `daemon` about every file.
async fn world(daemon: &Daemon) -> World {
    World::with(Setting {
        variables: vec![("IZIN_CLAMD", daemon.address.clone())],
        ..Setting::default()
    })
    .await
}

/// All types of WhatsApp's table ("Supported media types").
fn legal() -> Vec<(&'static str, String, Vec<u8>)> {
    let document = [("word/document.xml", b"<w:document/>".as_slice())];
    let ogg = [b"OggS\0\x02".as_slice(), &[0; 20], b"\x01\x13OpusHead\x01"];
    let plain: [(&str, &str, Vec<u8>); 15] = [
        ("foto.jpg", "image/jpeg", jpeg()),
        ("foto.png", "image/png", png_of(800, 600)),
        ("stiker.webp", "image/webp", webp_of(512, false)),
        ("klip.mp4", "video/mp4", movie(b"isom", b"vide")),
        ("klip.3gp", "video/3gpp", movie(b"3gp5", b"vide")),
        ("suara.m4a", "audio/mp4", movie(b"M4A ", b"soun")),
        (
            "suara.aac",
            "audio/aac",
            b"\xFF\xF1\x50\x80\x00\xFF\xFC".repeat(2),
        ),
        (
            "suara.amr",
            "audio/amr",
            b"#!AMR\n\x3C\x91\x17\x16\xBE\x66".to_vec(),
        ),
        (
            "suara.mp3",
            "audio/mpeg",
            b"ID3\x04\0\0\0\0\0\x02ab\xFF\xFB\x90\x00".to_vec(),
        ),
        ("suara.ogg", "audio/ogg", ogg.concat()),
        ("brosur.pdf", "application/pdf", pdf(&[CATALOG])),
        (
            "surat.doc",
            "application/msword",
            ole(&[("/WordDocument", &[0; 5_000])]),
        ),
        (
            "harga.xls",
            "application/vnd.ms-excel",
            ole(&[("/Workbook", &[9, 8, 0, 0])]),
        ),
        (
            "acara.ppt",
            "application/vnd.ms-powerpoint",
            ole(&[("/PowerPoint Document", &[])]),
        ),
        ("syarat.txt", "text/plain", b"Promo sampai Jumat.".to_vec()),
    ];
    let packed = [
        (
            "surat.docx",
            "wordprocessingml.document",
            office(WORD, &document),
        ),
        ("harga.xlsx", "spreadsheetml.sheet", office(EXCEL, &[])),
        (
            "acara.pptx",
            "presentationml.presentation",
            office(POWERPOINT, &[]),
        ),
    ];
    let plain = plain
        .into_iter()
        .map(|(name, kind, bytes)| (name, kind.to_owned(), bytes));
    let packed = packed
        .into_iter()
        .map(|(name, kind, bytes)| (name, format!("{OFFICE}.{kind}"), bytes));
    plain.chain(packed).collect()
}

#[tokio::test]
async fn every_legal_type_is_usable() {
    let Some(mut daemon) = asleep("every legal type before a real clamd") else {
        return;
    };
    daemon.wake().await.unwrap();
    let mut world = world(&daemon).await;
    for (name, kind, bytes) in legal() {
        let view = world.checked(name, &kind, &bytes).await;
        assert_eq!(view["state"], "usable", "{name}: {view}");
        assert_eq!(view["media_type"], kind, "{name}");
        assert_eq!(view["sha256"], policy::media::digest(&bytes), "{name}");
    }
}

/// Name, declared type, bytes, and a reason that must be among those told.
fn harmful() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let launch = "<< /Type /Catalog /OpenAction << /S /Launch /F (cmd.exe) >> >>";
    let apk = archive(&[
        ("AndroidManifest.xml", b"\x03\0"),
        ("classes.dex", b"dex\n035\0"),
    ]);
    let packed = archive(&[("virus.com", &test_virus())]);
    let mut page = jpeg();
    let script = b"\xFF\xFE\x00\x1B<script>alert(1)</script>";
    page.splice(2..2, script.to_owned());
    let two_readings = [jpeg(), archive(&[("a.txt", b"a")])].concat();
    let macros = [
        ("/WordDocument", [0; 50].as_slice()),
        ("/Macros/VBA/dir", b"x"),
    ];
    let zeros = vec![0; 40_000_000];
    let bomb = office(WORD, &[("word/document.xml", &zeros)]);
    let known = format!("<w:document>{KNOWN_BAD}</w:document>");
    let known = office(WORD, &[("word/document.xml", known.as_bytes())]);
    vec![
        ("virus.txt", "text/plain", test_virus(), "test_virus"),
        ("virus.docx", docx, packed.clone(), "test_virus"),
        ("virus.zip", "application/zip", packed.clone(), "archive"),
        (
            "brosur.pdf",
            "application/pdf",
            [pdf(&[CATALOG]), packed].concat(),
            "polyglot",
        ),
        ("foto.jpg", "image/jpeg", page, "polyglot"),
        ("foto.jpg", "image/jpeg", two_readings, "polyglot"),
        ("foto.jpg", "image/jpeg", apk, "android_package"),
        ("foto.png", "image/png", PICTURE.to_vec(), "type_mismatch"),
        (
            "surat.docx",
            docx,
            office(WORD, &[("word/vbaProject.bin", b"x")]),
            "macro",
        ),
        ("surat.doc", "application/msword", ole(&macros), "macro"),
        (
            "brosur.pdf",
            "application/pdf",
            pdf(&[launch]),
            "active_content",
        ),
        ("besar.docx", docx, bomb, "compression_bomb"),
        // Nothing is wrong with their structure: only the scanner knows them,
        // and it unpacks.
        ("catatan.txt", "text/plain", KNOWN_BAD.into(), "malware"),
        ("surat.docx", docx, known, "malware"),
    ]
}

#[tokio::test]
async fn no_harmful_file_is_usable_and_each_says_why() {
    let Some(mut daemon) = asleep("harmful files before a real clamd") else {
        return;
    };
    daemon.wake().await.unwrap();
    let mut world = world(&daemon).await;
    for (name, kind, bytes, reason) in harmful() {
        let view = world.checked(name, kind, &bytes).await;
        assert_eq!(view["state"], "rejected", "{name}: {view}");
        assert!(blocking(&view).contains(&reason), "{name}: {view}");
    }
}
