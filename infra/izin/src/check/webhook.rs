//! How the webhook reads what Meta sends: bodies in files, told without a
//! number, a name or a text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::input::{self, Problem};

/// What the webhook makes of the bodies.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// How many bodies.
    payloads: usize,
    /// Of these, bodies that hold no updates that can be read.
    unreadable: usize,
    /// How many updates.
    updates: usize,
    /// How many of each kind.
    kinds: BTreeMap<String, usize>,
    /// Each body, in the order of the files' names.
    files: Vec<Payload>,
}

/// One body.
#[derive(Debug, Serialize)]
struct Payload {
    /// The file, and the body's name or line where the file has several.
    file: String,
    /// Whether updates can be read from it.
    readable: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Value>,
    /// Its updates, in its order.
    updates: Vec<Value>,
}

/// Reads a file, or every `.json`, `.jsonl` and `.ndjson` file under a folder.
pub(super) fn check(path: &Path) -> Result<Answer, Problem> {
    let mut files = Vec::new();
    if path.is_dir() {
        collect(path, &mut files)?;
        files.sort();
        if files.is_empty() {
            let remedy = "put each body into a file with the ending .json";
            return Err(Problem::new(path, None, "the folder holds no body", remedy));
        }
    } else {
        files.push(path.to_owned());
    }
    let mut payloads = Vec::new();
    for file in &files {
        let name = file.strip_prefix(path).unwrap_or(file);
        let name = if name.as_os_str().is_empty() {
            file.file_name().map_or(file.as_path(), Path::new)
        } else {
            name
        };
        read(
            &name.display().to_string(),
            &input::bytes(file)?,
            &mut payloads,
        );
    }
    let mut kinds = BTreeMap::new();
    for update in payloads.iter().flat_map(|payload| &payload.updates) {
        let kind = update["kind"].as_str().unwrap_or_default();
        *kinds.entry(kind.to_owned()).or_insert(0) += 1;
    }
    Ok(Answer {
        payloads: payloads.len(),
        unreadable: payloads.iter().filter(|payload| !payload.readable).count(),
        updates: kinds.values().sum(),
        kinds,
        files: payloads,
    })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Problem> {
    let unreadable = |error: std::io::Error| {
        let what = format!("the folder cannot be read ({})", error.kind());
        Problem::new(folder, None, what, "check its permissions")
    };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if path.is_dir() {
            collect(&path, files)?;
        } else if matches!(ending, Some("json" | "jsonl" | "ndjson")) {
            files.push(path);
        }
    }
    Ok(())
}

/// The bodies of a file: the file itself; or each line of it, or each member
/// of it, where that is what can be read.
fn read(name: &str, bytes: &[u8], payloads: &mut Vec<Payload>) {
    let whole = describe(name.to_owned(), bytes);
    if whole.readable {
        payloads.push(whole);
        return;
    }
    let parts = members(name, bytes).or_else(|| lines(name, bytes));
    match parts.filter(|parts| parts.iter().any(|part| part.readable)) {
        Some(parts) => payloads.extend(parts),
        None => payloads.push(whole),
    }
}

fn members(name: &str, bytes: &[u8]) -> Option<Vec<Payload>> {
    let Ok(Value::Object(members)) = serde_json::from_slice(bytes) else {
        return None;
    };
    let describe = |(member, body): (String, Value)| {
        describe(format!("{name}#{member}"), body.to_string().as_bytes())
    };
    Some(members.into_iter().map(describe).collect())
}

fn lines(name: &str, bytes: &[u8]) -> Option<Vec<Payload>> {
    let mut lines = (1_usize..)
        .zip(bytes.split(|byte| *byte == b'\n'))
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .peekable();
    let first = lines.next()?;
    lines.peek()?;
    let describe = |(number, line)| describe(format!("{name}#{number}"), line);
    Some(std::iter::once(first).chain(lines).map(describe).collect())
}

fn describe(file: String, body: &[u8]) -> Payload {
    let mut told = webhook::updates::describe(body);
    let updates = match told["updates"].take() {
        Value::Array(updates) => updates,
        _ => Vec::new(),
    };
    Payload {
        file,
        readable: told["readable"] == Value::Bool(true),
        reason: told.get("reason").cloned(),
        updates,
    }
}

pub(super) fn page(answer: &Answer) -> String {
    let mut page = format!(
        "{} bodies, {} of them unreadable, {} updates\n",
        answer.payloads, answer.unreadable, answer.updates
    );
    for Payload {
        file,
        reason,
        updates,
        ..
    } in &answer.files
    {
        let reason = reason.as_ref().and_then(Value::as_str);
        writeln!(
            page,
            "{file}{}",
            reason.map_or(String::new(), |r| format!(": {r}"))
        )
        .expect("a string grows");
        for update in updates {
            let word = |name: &str| update[name].as_str();
            let details = ["content", "status", "event", "change", "asks"];
            let words: Vec<&str> = ["kind"]
                .into_iter()
                .chain(details)
                .filter_map(word)
                .collect();
            let ignored = word("ignored").map_or(String::new(), |why| format!(" (ignored: {why})"));
            writeln!(page, "  {}{ignored}", words.join(" ")).expect("a string grows");
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::{complaint, fixture, json};

    fn bodies() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions/webhook/fixtures")
    }

    #[test]
    fn a_folder_is_read_whole_and_says_nothing_of_anybody() {
        let told = json(check(&bodies()));
        assert_eq!(told["payloads"], told["files"].as_array().unwrap().len());
        let updates = told["updates"].as_u64().unwrap();
        assert!(updates >= 100, "{updates}");
        let text = told.to_string();
        for personal in ["6281234567890", "1349120865", "Sari"] {
            assert!(!text.contains(personal), "{personal}");
        }
    }

    #[test]
    fn a_stop_is_told_with_who_and_what() {
        let told = json(check(&bodies().join("text_user_id_only.json")));
        let update = &told["files"][0]["updates"][0];
        assert_eq!(update["kind"], "message");
        assert_eq!(update["optout"], true);
        assert_eq!(update["resume"], false);
        assert_eq!(update["person"]["bsuid"], true);
        assert_eq!(update["person"]["phone"], false);
        assert_eq!(update["ignored"], Value::Null);
    }

    #[test]
    fn several_bodies_may_share_a_file() {
        let body = |text: &str| {
            serde_json::json!({"entry": [{"id": "1", "changes": [{"field": "messages", "value":
                {"messages": [{"from": "6281234567890", "text": {"body": text}}]}}]}]})
        };
        let (stop, other) = (body("STOP"), body("halo"));
        let named = serde_json::json!({"one": stop, "two": other}).to_string();
        let lined = format!("{stop}\n\n{other}\n");
        for (bytes, names) in [(named, ["f#one", "f#two"]), (lined, ["f#1", "f#3"])] {
            let mut payloads = Vec::new();
            read("f", bytes.as_bytes(), &mut payloads);
            let found: Vec<&str> = payloads.iter().map(|body| body.file.as_str()).collect();
            assert_eq!(found, names);
            assert_eq!(payloads[0].updates[0]["optout"], true);
            assert_eq!(payloads[1].updates[0]["optout"], false);
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let told = json(check(&bodies().join("cut_short.json")));
        assert_eq!(told["unreadable"], 1);
        assert_eq!(told["files"][0]["reason"], "body is not JSON");
        assert_eq!(
            complaint(check(&fixture("nobody.json"))),
            "nobody.json: there is no such file; check the path"
        );
    }
}
