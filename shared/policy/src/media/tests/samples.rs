//! Files built byte by byte: the smallest that show a rule.

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub(crate) fn jpeg() -> Vec<u8> {
    let mut bytes =
        b"\xFF\xD8\xFF\xE0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00".to_vec();
    // A frame of 16 by 8 with one component, and a scan with a stuffed byte.
    bytes.extend(b"\xFF\xC0\x00\x0B\x08\x00\x08\x00\x10\x01\x01\x11\x00");
    bytes.extend(b"\xFF\xDA\x00\x08\x01\x01\x00\x00\x3F\x00\x12\xFF\x00\x34\xFF\xD0\x56");
    bytes.extend(b"\xFF\xD9");
    bytes
}

pub(crate) fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1A\n".to_vec();
    let mut header = width.to_be_bytes().to_vec();
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    for (name, body) in [
        (b"IHDR", header),
        (b"IDAT", vec![0x78, 0x9C]),
        (b"IEND", vec![]),
    ] {
        bytes.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        bytes.extend(name);
        bytes.extend(&body);
        bytes.extend([0; 4]);
    }
    bytes
}

pub(crate) fn webp_of(side: u32, animated: bool) -> Vec<u8> {
    let mut body = b"WEBPVP8X\x0A\0\0\0".to_vec();
    body.push(if animated { 2 } else { 0 });
    body.extend([0; 3]);
    for _ in 0..2 {
        body.extend(&(side - 1).to_le_bytes()[..3]);
    }
    let mut bytes = b"RIFF".to_vec();
    bytes.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    bytes.extend(body);
    bytes
}

pub(crate) fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(body.len() + 8)
        .unwrap()
        .to_be_bytes()
        .to_vec();
    bytes.extend(name);
    bytes.extend(body);
    bytes
}

pub(crate) fn movie(brand: &[u8; 4], handler: &[u8; 4]) -> Vec<u8> {
    let mut bytes = boxed(b"ftyp", &[brand.as_slice(), &[0, 0, 2, 0], brand].concat());
    let handler = boxed(b"hdlr", &[&[0; 8], handler.as_slice(), &[0; 12]].concat());
    let track = boxed(b"trak", &boxed(b"mdia", &handler));
    bytes.extend(boxed(b"moov", &track));
    bytes.extend(boxed(b"mdat", &[7; 100]));
    bytes
}

pub(crate) fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, body) in parts {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file(*name, options).unwrap();
        zip.write_all(body).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub(crate) const WORD: &str = "wordprocessingml.document.main+xml";
pub(crate) const EXCEL: &str = "spreadsheetml.sheet.main+xml";
pub(crate) const POWERPOINT: &str = "presentationml.presentation.main+xml";

pub(crate) fn office(main: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let types = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Types><Override PartName="/a" ContentType="application/vnd.openxmlformats-officedocument.{main}"/></Types>"#
    );
    let mut parts = vec![
        ("[Content_Types].xml", types.as_bytes()),
        ("_rels/.rels", b"<Relationships/>".as_slice()),
    ];
    parts.extend(more);
    archive(&parts)
}

pub(crate) fn relation(kind: &str, target: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}" TargetMode="External"/></Relationships>"#
    )
}

pub(crate) fn ole(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (path, body) in streams {
        let path = std::path::Path::new(path);
        if let Some(parent) = path.parent() {
            file.create_storage_all(parent).unwrap();
        }
        file.create_stream(path).unwrap().write_all(body).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

pub(crate) fn pdf(objects: &[&str]) -> Vec<u8> {
    pdf_of(
        &objects
            .iter()
            .map(|o| o.as_bytes().to_vec())
            .collect::<Vec<_>>(),
    )
}

pub(crate) fn pdf_of(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    for (index, object) in objects.iter().enumerate() {
        bytes.extend(format!("{} 0 obj\n", index + 1).bytes());
        bytes.extend(object);
        bytes.extend(b"\nendobj\n");
    }
    bytes.extend(b"trailer\n<< /Root 1 0 R >>\nstartxref\n0\n%%EOF\n");
    bytes
}

/// A stream of objects, as writers since PDF 1.5 make them.
pub(crate) fn packed(objects: &str) -> Vec<u8> {
    let text = format!("7 0 {objects}");
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    let data = encoder.finish().unwrap();
    let mut object = format!(
        "<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length {} >>\nstream\n",
        data.len()
    )
    .into_bytes();
    object.extend(data);
    object.extend(b"\nendstream");
    object
}

pub(crate) fn virus() -> Vec<u8> {
    let parts = [
        "X5O!P%@AP[4\\PZX54(P^)7CC)7}",
        "$EICAR-STANDARD-",
        "ANTIVIRUS-TEST-FILE!$H+H*",
    ];
    parts.concat().into_bytes()
}

pub(crate) const CATALOG: &str = "<< /Type /Catalog /Pages 2 0 R >>";
