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
    // Looking at every byte once, and at nothing else.
    let bare = speed(plain, |text| {
        text.bytes().filter(|b| b".:@/".contains(b)).count()
    });
    for (name, text) in [("link-free", plain), ("one link", linked)] {
        let judged = speed(text, |text| check(text, &Context::NONE).findings.len());
        println!(
            "{name}: {judged:.0} texts/s of one core, {:.1} times as long as a bare scan",
            bare / judged
        );
    }
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

/// Texts a second of this thread's own time, so that a busy machine does not
/// count.
fn speed(text: &str, judge: impl Fn(&str) -> usize) -> f64 {
    black_box(judge(text));
    let (begun, busy) = (Instant::now(), busy_time());
    let mut texts = 0_u32;
    while begun.elapsed() < SPAN {
        for _ in 0..100 {
            black_box(judge(black_box(text)));
        }
        texts += 100;
    }
    let spent = match (busy, busy_time()) {
        (Some(before), Some(after)) => after - before,
        _ => begun.elapsed(),
    };
    f64::from(texts) / spent.as_secs_f64()
}

/// How long this thread has run so far, where Linux tells it.
fn busy_time() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = told.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}
