//! Prints how many texts a second one core judges for links.
//!
//! `cargo run --release -p policy --example links_speed`
#![expect(clippy::print_stdout, reason = "it prints its figures")]
#![expect(clippy::disallowed_methods, reason = "it measures real time")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use policy::links::{Context, check};

const SPAN: Duration = Duration::from_secs(1);

fn main() {
    let plain = "Halo Kak Rina, promo akhir tahun! Diskon s.d. 50% mulai Rp.50.000 untuk semua kopi, \
                 jam 10.00-12.00 di Jl. Melati No.5. Ketik STOP untuk berhenti berlangganan.";
    let linked = "Halo Kak Rina, cek katalog baru kami di https://toko.kopisenja.co.id/katalog?ref=wa \
                  ya. Ketik STOP untuk berhenti berlangganan.";
    println!("link-free: {:.0} texts/s", speed(plain));
    println!("one link:  {:.0} texts/s", speed(linked));
    // Twice the text should take twice the time.
    for hostile in [
        "a.b@c:/(",
        "data:",
        "t.top,",
        "bit\u{200B}.ly/",
        "https://a.id/?u=",
        "[.]a.id ",
        "tarif bank\n",
    ] {
        for kib in [64, 128] {
            let text = hostile.repeat(kib * 1_024 / hostile.len());
            let start = Instant::now();
            let _ = black_box(check(&text, &Context::default()));
            println!("{kib} KiB of {hostile:?}: {:?}", start.elapsed());
        }
    }
}

fn speed(text: &str) -> f64 {
    let context = Context::default();
    let _ = black_box(check(text, &context));
    let start = Instant::now();
    let mut texts = 0_u32;
    while start.elapsed() < SPAN {
        for _ in 0..100 {
            let _ = black_box(check(black_box(text), &context));
        }
        texts += 100;
    }
    f64::from(texts) / start.elapsed().as_secs_f64()
}
