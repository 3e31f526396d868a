//! Prints how much memory the judgement of the largest files takes at its peak,
//! besides the file itself.
//!
//! `cargo run --release -p policy --example media_memory`
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use policy::links::Context;
use policy::media::{Said, check};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The largest document that WhatsApp takes, less what holds it together.
const MOST: usize = 100 * 1024 * 1024 - 4_096;

fn main() {
    let line = b"Promo kopi sampai Jumat, jam 10.00 sampai 20.00.\n";
    let text: Vec<u8> = line.iter().copied().cycle().take(MOST).collect();
    let files = [
        ("text", "a.txt", text.clone()),
        ("PDF, one plain stream", "a.pdf", pdf(&[plain(&text)])),
        ("PDF that unpacks to 190 MiB", "a.pdf", pdf(&unpacking())),
        (
            "DOCX, one stored picture",
            "a.docx",
            docx(&noise(MOST - 4_096)),
        ),
    ];
    for (what, name, file) in files {
        let said = Said {
            media_type: None,
            name: Some(name.to_owned()),
        };
        let mut verdict = "";
        let counted = allocation_counter::measure(|| {
            verdict = check(&file, &said, &Context::NONE).verdict.code();
        });
        let mb = |bytes: u64| bytes / 1_000_000;
        let (length, peak) = (mb(file.len() as u64), mb(counted.bytes_max));
        println!("{what}: {length} MB, judged `{verdict}` with {peak} MB besides");
    }
}

/// Bytes that do not pack.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn plain(text: &[u8]) -> Vec<u8> {
    let head = format!("<< /Length {} >>\nstream\n", text.len());
    [head.as_bytes(), text, b"\nendstream"].concat()
}

/// Streams that unpack to nearly as much as is allowed, each a little less than
/// a hundredfold.
fn unpacking() -> Vec<Vec<u8>> {
    let mut text = noise(300_000);
    text.resize(10 * 1024 * 1024, b' ');
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&text).expect("memory takes it");
    let data = encoder.finish().expect("memory takes it");
    let head = format!(
        "<< /Filter /FlateDecode /Length {} >>\nstream\n",
        data.len()
    );
    let stream = [head.as_bytes(), &data, b"\nendstream"].concat();
    vec![stream; 19]
}

fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n".to_vec();
    for (index, object) in objects.iter().enumerate() {
        bytes.extend(format!("{} 0 obj\n", index + 2).bytes());
        bytes.extend(object);
        bytes.extend(b"\nendobj\n");
    }
    bytes.extend(b"trailer\n<< /Root 1 0 R >>\nstartxref\n0\n%%EOF\n");
    bytes
}

fn docx(picture: &[u8]) -> Vec<u8> {
    let types = br#"<?xml version="1.0"?><Types><Override PartName="/a" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"#;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, body) in [
        ("[Content_Types].xml", types.as_slice()),
        ("_rels/.rels", b"<Relationships/>"),
        ("word/media/a.png", picture),
    ] {
        zip.start_file(name, stored).expect("memory takes it");
        zip.write_all(body).expect("memory takes it");
    }
    zip.finish().expect("memory takes it").into_inner()
}
