use super::*;

#[test]
fn print_figures() {
    for file in std::env::args().skip(1).filter(|a| a.ends_with(".tsv")) {
        let rows = parse_rows(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let report = evaluate(&rows);
        println!("{file} {} {:?}", report.n, report.optout);
    }
}
