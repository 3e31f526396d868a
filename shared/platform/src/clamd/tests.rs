//! With a real clamd, its own small set of signatures and the test file of
//! the scanners.

use super::daemon::{Daemon, STREAM_MAX, test_virus};
use super::*;

#[tokio::test]
async fn a_real_clamd_is_understood() {
    let Some(mut daemon) = Daemon::asleep().unwrap() else {
        // Past the test runner's capture, which hides what a passing test prints.
        let _ = std::io::Write::write_all(
            &mut std::io::stdout().lock(),
            b"\nSKIPPED the scans by clamd: it is not installed; remedy: apt-get install clamav-daemon\n",
        );
        return;
    };
    daemon.wake().await.unwrap();
    let clamd = daemon.clamd();
    assert_eq!(clamd.scan(b"Selamat pagi").await.unwrap(), Scan::Clean);
    let found = Scan::Found("Own.Eicar.UNOFFICIAL".to_owned());
    assert_eq!(clamd.scan(&test_virus()).await.unwrap(), found);
    let zeros = vec![0; STREAM_MAX + 1];
    assert_eq!(clamd.scan(&zeros).await.unwrap(), Scan::TooLarge);
    // It still answers.
    assert_eq!(clamd.scan(&test_virus()).await.unwrap(), found);
}

#[tokio::test]
async fn a_clamd_that_is_down_says_nothing_of_the_file() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let fault = Clamd::new(address).scan(b"abc").await.unwrap_err();
    assert!(fault.is_passing());
}

#[test]
fn an_answer_is_read_or_is_no_verdict() {
    assert_eq!(read("stream: OK\0").unwrap(), Scan::Clean);
    assert_eq!(
        read("stream: A.B FOUND\0").unwrap(),
        Scan::Found("A.B".to_owned())
    );
    let limit = "INSTREAM size limit exceeded. ERROR\0";
    assert_eq!(read(limit).unwrap(), Scan::TooLarge);
    for other in ["", "stream: lstat() failed ERROR\0", "OKAY"] {
        assert!(read(other).is_err(), "{other}");
    }
}
