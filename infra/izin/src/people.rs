//! Fictional people as a shop's export would list them: names and number forms
//! as they come in Indonesia, and everything that goes wrong in such files.
//!
//! Every name and number is made up by chance from a seed.

use std::fmt::Write as _;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

/// The file that the demo ships: `people::csv(1_000, 1)`.
pub const SHIPPED: &str = include_str!("../data/people.csv");

const HEADER: &str =
    "nama,no hp,kota,tanggal persetujuan,cara persetujuan,berlaku sampai,opt out\n";

const GIVEN: [&str; 40] = [
    "Sari", "Budi", "Dewi", "Agus", "Putri", "Rizky", "Wulan", "Eko", "Ayu", "Bayu", "Citra",
    "Dimas", "Fitri", "Galih", "Hana", "Indra", "Joko", "Kartika", "Lestari", "Made", "Nadia",
    "Oka", "Ratna", "Slamet", "Tuti", "Umar", "Vina", "Wahyu", "Yanti", "Zainal", "Ni Luh",
    "Komang", "Asep", "Euis", "Ucok", "Butet", "Yohanes", "Maria", "Siti", "Muhammad",
];

const FAMILY: [&str; 30] = [
    "Wijaya",
    "Santoso",
    "Lestari",
    "Pratama",
    "Hidayat",
    "Nugroho",
    "Saputra",
    "Rahayu",
    "Kusuma",
    "Siregar",
    "Simatupang",
    "Halim",
    "Gunawan",
    "Maharani",
    "Permana",
    "Utami",
    "Setiawan",
    "Anggraini",
    "Hakim",
    "Purnama",
    "Suryani",
    "Wibowo",
    "Nasution",
    "Harahap",
    "Manurung",
    "Tanjung",
    "Susanti",
    "Firmansyah",
    "Ramadhan",
    "Kurniawan",
];

const TOWNS: [&str; 12] = [
    "Jakarta",
    "Bandung",
    "Surabaya",
    "Yogyakarta",
    "Semarang",
    "Medan",
    "Makassar",
    "Denpasar",
    "Palembang",
    "Balikpapan",
    "Malang",
    "Jayapura",
];

/// Mobile prefixes after the 8, with how many digits follow.
const PREFIXES: [&str; 12] = [
    "12", "13", "21", "22", "52", "57", "58", "77", "78", "95", "96", "31",
];

const METHODS: [&str; 4] = ["formulir web", "kasir", "acara", "kata kunci WA"];

/// A CSV of `rows` rows; the same for the same `seed`.
///
/// Of every hundred rows about 70 are good; the rest are duplicates, numbers
/// that are none, people without consent, with an expired one, and people who
/// said stop.
pub fn csv(rows: usize, seed: u64) -> String {
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut text = String::from(HEADER);
    let mut numbers: Vec<String> = Vec::with_capacity(rows);
    for _ in 0..rows {
        let row = row(&mut rng, &mut numbers);
        text.push_str(&row);
        text.push('\n');
    }
    text
}

fn row(rng: &mut SmallRng, numbers: &mut Vec<String>) -> String {
    let pick = |rng: &mut SmallRng, from: &[&str]| -> String {
        (*from.choose(rng).expect("the tables are not empty")).to_owned()
    };
    let name = format!("{} {}", pick(rng, &GIVEN), pick(rng, &FAMILY));
    let town = pick(rng, &TOWNS);
    let fate = rng.random_range(0..1000);
    let number = match fate {
        // Somebody who stands in the file already.
        0..50 if !numbers.is_empty() => numbers.choose(rng).expect("not empty").clone(),
        _ => {
            let number = mobile(rng);
            numbers.push(number.clone());
            number
        }
    };
    let number = match fate {
        50..100 => damaged(rng, &number),
        _ => spelled(rng, &number),
    };
    let consent = format!(
        "{:04}-{:02}-{:02} {:02}:{:02}",
        rng.random_range(2025..=2026),
        rng.random_range(1..=10),
        rng.random_range(1..=28),
        rng.random_range(8..=20),
        rng.random_range(0..60),
    );
    let method = pick(rng, &METHODS);
    let (consent, method, until, opt_out) = match fate {
        100..180 => (String::new(), String::new(), String::new(), String::new()),
        180..240 => {
            let year = rng.random_range(2021..=2023);
            let month = rng.random_range(1..=9);
            let given = format!("{year}-{month:02}-10 10:00");
            (
                given,
                method,
                format!("{}-{month:02}-10", year + 2),
                String::new(),
            )
        }
        240..280 => {
            let day = format!("2026-10-{:02}", rng.random_range(1..=28));
            (consent, method, String::new(), day)
        }
        _ => (consent, method, String::new(), String::new()),
    };
    let mut row = String::new();
    write!(
        row,
        "{name},{number},{town},{consent},{method},{until},{opt_out}"
    )
    .expect("a string grows");
    row
}

/// The national digits of a mobile number: `8…`, 10 to 11 of them.
fn mobile(rng: &mut SmallRng) -> String {
    let prefix = PREFIXES.choose(rng).expect("not empty");
    let length = if rng.random_bool(0.7) { 8 } else { 7 };
    let mut number = format!("8{prefix}");
    for _ in 0..length {
        number.push(char::from(b'0' + rng.random_range(0..10_u8)));
    }
    number
}

/// A number as people write it.
fn spelled(rng: &mut SmallRng, number: &str) -> String {
    let (a, rest) = number.split_at(3);
    let (b, c) = rest.split_at(4);
    match rng.random_range(0..6) {
        0 => format!("+62{number}"),
        1 => format!("62{number}"),
        2 => format!("+62 {a}-{b}-{c}"),
        3 => format!("0{a}-{b}-{c}"),
        4 => format!("0{a} {b} {c}"),
        _ => format!("0{number}"),
    }
}

/// A number that is none any more.
fn damaged(rng: &mut SmallRng, number: &str) -> String {
    match rng.random_range(0..4) {
        0 => format!("{}.{}E+12", &number[..1], &number[1..4]),
        1 => format!("0{}", &number[..5]),
        2 => String::new(),
        _ => format!("0{} x", &number[..9]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_follows_from_its_seed() {
        assert_eq!(SHIPPED, csv(1_000, 1));
    }
}
