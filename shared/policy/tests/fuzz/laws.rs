//! What holds for any bytes at all; shared with the targets in `fuzz/`.

use policy::import::{
    Checkpoint, FileRefusal, Limits, Reader, Report, RowOutcome, RowReason, Rules, accept_row,
    opt_out,
};

/// Whatever is uploaded: no panic, the same rows however it is cut and wherever
/// reading is taken up again, and a report that is judged as the file was.
pub(crate) fn any_file(bytes: &[u8]) {
    let whole = read(Reader::new(Limits::UPLOAD, None), bytes, bytes.len());
    let size = 1 + bytes.len() % 97;
    let cut = read(Reader::new(Limits::UPLOAD, None), bytes, size);
    assert_eq!(cut, whole, "cut every {size} bytes");
    let (rows, report, refusal) = whole;
    let middle = rows.len() / 2;
    if let Some(row) = rows.get(middle) {
        let start = usize::try_from(row.after.start()).unwrap();
        let reader = Reader::resume(Limits::UPLOAD, row.after.clone());
        let (rest, _, end) = read(reader, &bytes[start..], size);
        assert_eq!(
            rest,
            rows[middle + 1..],
            "taken up after row {}",
            middle + 1
        );
        assert_eq!(end, refusal);
    }
    if !report.is_empty() {
        let (again, _, refused) = read(Reader::new(Limits::UPLOAD, None), report.as_bytes(), 4096);
        assert_eq!(refused, None, "the report can be read");
        let first = |row: &Row| row.reasons.first().copied();
        let rejected: Vec<_> = rows.iter().filter_map(first).collect();
        let again: Vec<_> = again.iter().map(first).collect();
        let rejected: Vec<_> = rejected.into_iter().map(Some).collect();
        assert_eq!(again, rejected, "by the report {report:?}");
    }
}

/// Whatever a cell holds: it is judged, and what comes out of it is possible.
pub(crate) fn any_cell(bytes: &[u8]) {
    let cell = String::from_utf8_lossy(bytes).replace('"', "\"\"");
    let cells = vec![format!("\"{cell}\""); 7].join(",");
    let header = "phone,consent_at,consent,language,timezone,purposes,opted out";
    let mut reader = Reader::new(Limits::UPLOAD, None);
    reader.push(format!("{header}\n{cells}\n").as_bytes());
    reader.finish();
    while let Ok(Some(record)) = reader.next_record() {
        if let RowOutcome::Accepted(person) = accept_row(&record, &rules()) {
            let digits = person.phone.expose().len() - 1;
            assert!((7..=15).contains(&digits), "{digits} digits");
            assert!(
                person
                    .consent
                    .is_none_or(|consent| consent.at <= rules().now)
            );
        }
    }
}

fn rules() -> Rules {
    Rules::indonesian("2026-11-24T12:00:00Z".parse().unwrap())
}

/// A row as it was judged, and where reading stood after it.
#[derive(Debug, PartialEq)]
struct Row {
    line: u64,
    span: std::ops::Range<u64>,
    reasons: Vec<RowReason>,
    says_no: bool,
    after: Checkpoint,
}

fn read(mut reader: Reader, bytes: &[u8], size: usize) -> (Vec<Row>, String, Option<FileRefusal>) {
    let rules = rules();
    let (mut rows, mut report, mut refusal) = (Vec::new(), String::new(), None);
    let mut take = |reader: &mut Reader| -> Result<(), FileRefusal> {
        while let Some(record) = reader.next_record()? {
            let reasons = match accept_row(&record, &rules) {
                RowOutcome::Accepted(_) => Vec::new(),
                RowOutcome::Rejected { reasons } => reasons,
            };
            if !reasons.is_empty() {
                let writer = Report::new(record.layout());
                if report.is_empty() {
                    report.push_str(writer.header());
                }
                report.push_str(&writer.row(&record, &reasons));
            }
            let (line, span) = (record.line(), record.span());
            let says_no = opt_out(&record, &rules).is_some();
            rows.push(Row {
                line,
                span,
                reasons,
                says_no,
                after: reader.checkpoint().expect("a row was read"),
            });
        }
        Ok(())
    };
    for piece in bytes.chunks(size.max(1)) {
        reader.push(piece);
        if let Err(found) = take(&mut reader) {
            refusal = Some(found);
            break;
        }
    }
    if refusal.is_none() {
        reader.finish();
        refusal = take(&mut reader).err();
    }
    (rows, report, refusal)
}
