//! The file to import, judged before anything starts.

use std::borrow::Cow;
use std::fmt;
use std::io::ErrorKind;

use policy::import::{FileRefusal, Limits, Reader};

use super::Args;
use crate::people;

/// A file that can be imported, and what people should call it.
pub(super) struct File {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// Why a file cannot be imported: the file, the place, the remedy.
#[derive(Debug)]
pub(super) struct Problem {
    name: String,
    what: Cow<'static, str>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; nothing was imported", self.name, self.what)
    }
}

/// Loads the file that `args` asks for.
pub(super) fn load(args: &Args) -> Result<File, Problem> {
    let Some(path) = &args.csv else {
        let (name, text) = match args.recipients {
            None => (
                "people.csv (shipped, 1,000 fictional people)".to_owned(),
                people::SHIPPED.to_owned(),
            ),
            Some(rows) => (
                format!("{rows} made-up rows"),
                people::csv(rows as usize, args.seed),
            ),
        };
        return Ok(File {
            name,
            bytes: text.into_bytes(),
        });
    };
    let name = path.display().to_string();
    let problem = |what: Cow<'static, str>| Problem {
        name: name.clone(),
        what,
    };
    let bytes = std::fs::read(path).map_err(|error| {
        problem(match error.kind() {
            ErrorKind::NotFound => "there is no such file; check the path".into(),
            ErrorKind::IsADirectory => "this is a folder; name a CSV file in it".into(),
            _ => format!("it cannot be read ({error})").into(),
        })
    })?;
    match readable(&bytes) {
        Ok(()) => Ok(File { name, bytes }),
        Err(refusal) => Err(problem(
            format!("{refusal}; {}", refusal.remedy().trim_end_matches('.')).into(),
        )),
    }
}

/// Reads the whole file as the service would, and keeps nothing.
fn readable(bytes: &[u8]) -> Result<(), FileRefusal> {
    let mut reader = Reader::new(Limits::UPLOAD, None);
    for piece in bytes.chunks(64 << 10) {
        reader.push(piece);
        while reader.next_record()?.is_some() {}
    }
    reader.finish();
    while reader.next_record()?.is_some() {}
    Ok(())
}
