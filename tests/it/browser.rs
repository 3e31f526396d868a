//! A person's page in a real browser, as a telephone shows it.
//!
//! Needs Chromium and its driver. `IZIN_SCREENSHOTS=<folder>` keeps what the
//! browser saw.

use std::path::PathBuf;
use std::process::Stdio;

use fantoccini::key::Key;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::page::{BAMBANG, LIST, WULANDARI, link};
use crate::skip::skipped;
use crate::world::World;

/// What a newcomer does when the browser is missing.
const REMEDY: &str = "install Chromium with its driver (Debian: apt-get install chromium \
                      chromium-driver)";

/// A browser the size of a telephone; it ends with the driver.
struct Browser {
    client: Client,
    _driver: Child,
}

impl Browser {
    /// `None` if there is no driver on this machine.
    async fn open() -> Option<Self> {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .ok()?;
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = loop {
            let line = lines.next_line().await.unwrap().expect("the driver starts");
            if let Some((_, port)) = line.split_once("successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        let options = json!({
            "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
            "mobileEmulation": {
                "deviceMetrics": {"width": 390, "height": 844, "pixelRatio": 2.0},
            },
        });
        let capabilities = json!({"browserName": "chrome", "goog:chromeOptions": options});
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().unwrap().clone())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("the driver starts a browser");
        Some(Self {
            client,
            _driver: driver,
        })
    }

    async fn text(&self) -> String {
        let body = self.client.find(Locator::Css("body")).await.unwrap();
        body.text().await.unwrap()
    }

    /// What the page says was done, once it does.
    async fn note(&self) -> String {
        let note = self
            .client
            .wait()
            .for_element(Locator::Css("[role=status]"));
        note.await.unwrap().text().await.unwrap()
    }

    async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// What holds for every page that a person sees.
    async fn reads_well(&self) {
        let overflow = "return document.documentElement.scrollWidth - window.innerWidth";
        assert!(
            self.run(overflow).await.as_i64().unwrap() <= 0,
            "it scrolls sideways"
        );
        let low = self.run(LOW_CONTRAST).await;
        assert_eq!(low, json!([]), "text that is hard to read");
        let small = "return [...document.querySelectorAll('button, a')]
            .filter(e => e.getBoundingClientRect().height < 40).map(e => e.textContent)";
        assert_eq!(self.run(small).await, json!([]), "too small for a thumb");
        let unnamed = "return [...document.querySelectorAll('button, a')]
            .filter(e => !e.textContent.trim()).length";
        assert_eq!(self.run(unnamed).await, json!(0));
        let foreign = "return performance.getEntriesByType('resource').length";
        assert_eq!(
            self.run(foreign).await,
            json!(0),
            "something else was loaded"
        );
    }

    async fn keep(&self, name: &str) {
        if let Some(folder) = std::env::var_os("IZIN_SCREENSHOTS") {
            let picture = self.client.screenshot().await.unwrap();
            std::fs::write(PathBuf::from(folder).join(name), picture).unwrap();
        }
    }
}

/// Texts below 4.5 : 1 (WCAG 2.2, success criterion 1.4.3).
const LOW_CONTRAST: &str = r"
    const rgb = c => c.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b]
        .map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = e => {
        for (; e; e = e.parentElement) {
            const c = rgb(getComputedStyle(e).backgroundColor);
            if (c.length === 3 || c[3] > 0) return c;
        }
        return [255, 255, 255];
    };
    return [...document.querySelectorAll('body *')]
        .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
        .filter(e => {
            const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
            return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
        })
        .map(e => e.textContent);";

/// Presses the button that says so, and waits for the page that answers: one that
/// is still on its way would overtake what is opened next.
async fn press(client: &Client, words: &str) {
    let path = format!("//button[contains(., '{words}')]");
    let button = client.wait().for_element(Locator::XPath(&path)).await;
    let mark = "document.documentElement.setAttribute('data-before', '')";
    client.execute(mark, Vec::new()).await.unwrap();
    button.unwrap().click().await.unwrap();
    let answer = Locator::Css("html:not([data-before]) body");
    client.wait().for_element(answer).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_stops_a_running_campaign_on_a_telephone() {
    let Some(browser) = Browser::open().await else {
        skipped("the browser story", REMEDY);
        return;
    };
    let mut world = World::quiet().await;
    let (list, _) = world.import(LIST).await;
    let campaign = world.approved_campaign(&list).await;
    world.start(campaign).await;

    let page = format!(
        "{}/p/{}",
        world.house.front.url,
        link(&world, &list, WULANDARI)
    );
    browser.client.goto(&page).await.unwrap();
    let text = browser.text().await;
    assert!(text.contains("Pesan WhatsApp dari Toko Melati"), "{text}");
    assert!(text.contains("5 Januari 2026"), "{text}");
    browser.reads_well().await;
    browser.keep("page-id.png").await;

    // By keyboard: the first stop in the order of tabs is a button.
    let body = browser.client.find(Locator::Css("body")).await.unwrap();
    body.send_keys(&Key::Tab.to_string()).await.unwrap();
    let focus = browser
        .run("return document.activeElement.textContent")
        .await;
    assert_eq!(focus, "Hentikan: Promosi dan penawaran");
    let button = browser.client.active_element().await.unwrap();
    button.send_keys(&Key::Enter.to_string()).await.unwrap();
    assert!(browser.note().await.contains("Sudah berhenti"));
    browser.reads_well().await;
    browser.keep("page-id-stopped.png").await;

    let page = format!(
        "{}/p/{}",
        world.house.front.url,
        link(&world, &list, BAMBANG)
    );
    browser.client.goto(&page).await.unwrap();
    let text = browser.text().await;
    assert!(
        text.contains("WhatsApp messages from Toko Melati"),
        "{text}"
    );
    browser.reads_well().await;
    browser.keep("page-en.png").await;
    press(&browser.client, "All messages").await;
    assert!(browser.note().await.contains("Stopped"));

    // A copy, and erasure in two steps.
    for (button, picture) in [
        ("Ask for a copy of my data", "page-en-copy.png"),
        ("Delete my data", "page-en-delete.png"),
    ] {
        browser.client.goto(&page).await.unwrap();
        press(&browser.client, button).await;
        browser.reads_well().await;
        browser.keep(picture).await;
    }
    press(&browser.client, "Yes, delete my data").await;
    assert!(browser.note().await.contains("Taken"));
    browser.reads_well().await;
    browser.client.clone().close().await.unwrap();

    let view = world.finish(campaign).await;
    assert_eq!(view["totals"]["excluded"], 2, "{view}");
    assert_eq!(view["totals"]["accepted"], 0, "{view}");
}
