use std::fs;

use super::*;

#[test]
fn dev_report() {
    let Ok(path) = std::env::var("LINKS_TSV") else {
        return;
    };
    let e = evaluate(&fs::read_to_string(path).unwrap()).unwrap();
    for miss in &e.errors {
        eprintln!(
            "{} {:?} want {:?} got {:?} {:?}",
            miss.row, miss.text, miss.expected, miss.got, miss.reasons
        );
    }
    eprintln!("{:?} {:?} {:?}", e.block, e.allow, e.confusion);
}
