//! What one sub-test leaves in a browser, and what the next one sees of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Html;
use axum::routing::get;
use reqwest::Url;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;

const LIMIT: Duration = Duration::from_secs(10);

const PAGE: &str = "<!doctype html><title>Page</title><h1>Page</h1>";

/// Leaves something wherever a page can.
const LEAVE: &str = "(async () => {
  document.cookie = 'left=cookie; max-age=600; path=/';
  localStorage.setItem('left', 'local');
  sessionStorage.setItem('left', 'session');
  await new Promise((done, failed) => {
    const opening = indexedDB.open('left', 1);
    opening.onsuccess = done;
    opening.onerror = failed;
  });
  await navigator.serviceWorker.register('/worker.js');
  await navigator.serviceWorker.ready;
  await (await caches.open('left')).put('/left', new Response('cached'));
  const root = await navigator.storage.getDirectory();
  await root.getFileHandle('left', { create: true });
  await (await fetch('/kept')).text();
  history.pushState({}, '', '/left');
  console.error('left on the console');
  addEventListener('beforeunload', event => event.preventDefault());
  return globalThis.injected;
})()";

/// Returns what there is.
const LOOK: &str = "(async () => {
  const root = await navigator.storage.getDirectory();
  const files = [];
  for await (const name of root.keys()) files.push(name);
  return {
    cookie: document.cookie,
    local: localStorage.length,
    session: sessionStorage.length,
    databases: (await indexedDB.databases()).length,
    workers: (await navigator.serviceWorker.getRegistrations()).length,
    controller: navigator.serviceWorker.controller !== null,
    caches: (await caches.keys()).length,
    files: files.length,
    history: history.length,
    opener: window.opener !== null,
    injected: globalThis.injected ?? null,
    geolocation: (await navigator.permissions.query({ name: 'geolocation' })).state,
    size: [outerWidth, outerHeight],
    kept: await (await fetch('/kept')).text(),
  };
})()";

/// Serves pages, a service worker, and a number that browsers may keep.
async fn serve() -> Url {
    let asked = Arc::new(AtomicUsize::new(0));
    let kept = move || {
        let count = asked.fetch_add(1, Ordering::Relaxed) + 1;
        async move { ([(CACHE_CONTROL, "max-age=600")], count.to_string()) }
    };
    let worker = || async {
        let script = "addEventListener('activate', event => event.waitUntil(clients.claim()))";
        ([(CONTENT_TYPE, "text/javascript")], script)
    };
    let routes = Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/kept", get(kept))
        .route("/worker.js", get(worker));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    url
}

async fn look(browser: &mut Browser, url: &Url) -> Value {
    browser.open_page(url, LIMIT).await.unwrap().unwrap();
    browser.evaluate(LOOK).await.unwrap()
}

/// Leaves all that a sub-test can, the last of it a question that nobody answers.
async fn leave_everything(browser: &mut Browser, url: &Url) {
    let script = json!({ "source": "globalThis.injected = 'left'" });
    browser.cdp("Page.addScriptToEvaluateOnNewDocument", script).await.unwrap();
    browser.open_page(url, LIMIT).await.unwrap().unwrap();
    assert_eq!(browser.evaluate(LEAVE).await.unwrap(), "left", "the script was injected");
    let permission = json!({
        "permission": { "name": "geolocation" },
        "setting": "granted",
        "browserContextId": browser.context(),
    });
    assert!(browser.devtools("Browser.setPermission", permission).await);
    browser.post("window/rect", json!({ "width": 700, "height": 600 })).await.unwrap();
    browser.evaluate("window.open('/?second', 'second').name = 'left'").await.unwrap();
    browser.evaluate("setTimeout(() => alert('left open'))").await.unwrap();
    let begun = Instant::now();
    while browser.question().await.unwrap().is_none() {
        assert!(begun.elapsed() < LIMIT, "the page asks nothing");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium and chromium-driver"]
async fn a_sub_test_sees_nothing_of_the_one_before() {
    let (url, browsers) = (serve().await, Browsers::at_most(1));
    let mut first = browsers.open().await.unwrap();
    let mut fresh = look(&mut first, &url).await;
    let chromium = first.chromium();
    first.close().await;

    for round in 1..=3 {
        let mut leaving = browsers.open().await.unwrap();
        leave_everything(&mut leaving, &url).await;
        leaving.close().await;

        let mut next = browsers.open().await.unwrap();
        assert_eq!(next.chromium(), chromium, "the same browser serves them in turn");
        assert_eq!(next.question().await.unwrap(), None);
        let seen = next.seen().await.unwrap();
        assert!(seen.requests.is_empty() && seen.console.is_empty() && seen.date.is_none(), "{seen:?}");
        let found = look(&mut next, &url).await;
        // Whoever has asked before, the number comes from the server.
        fresh["kept"] = json!((1 + 2 * round).to_string());
        assert_eq!(found, fresh);
        let windows = next.windows().await;
        assert_eq!(windows.len(), 2, "Chromium's first window and the sub-test's: {windows:?}");
        next.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium and chromium-driver"]
async fn what_is_left_would_be_seen_in_the_same_profile() {
    let (url, browsers) = (serve().await, Browsers::at_most(1));
    let mut browser = browsers.open().await.unwrap();
    let fresh = look(&mut browser, &url).await;
    leave_everything(&mut browser, &url).await;
    browser.accept().await.unwrap();
    browser.evaluate("onbeforeunload = null; location.replace('/')").await.unwrap();
    let found = loop {
        if browser.question().await.unwrap().is_some() {
            browser.accept().await.unwrap();
        }
        let found = browser.evaluate_or_null(LOOK).await.unwrap();
        if found["controller"] == true {
            break found;
        }
    };
    for (fact, value) in fresh.as_object().unwrap() {
        match fact.as_str() {
            // The first window has none in any case.
            "opener" => {}
            // Asked of the cache, not of the server.
            "kept" => assert_eq!(&found[fact], value),
            fact => assert_ne!(&found[fact], value, "{fact} is as in a fresh profile: {found}"),
        }
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium and chromium-driver"]
async fn a_browser_that_crashes_or_cannot_be_cleaned_is_replaced() {
    let (url, browsers) = (serve().await, Browsers::at_most(1));
    let mut before = String::new();
    for harm in ["the page crashes", "Chromium crashes", "a window is left outside of the profile"] {
        let mut browser = browsers.open().await.unwrap();
        assert_ne!(browser.chromium(), before, "{harm}");
        assert_eq!(look(&mut browser, &url).await["local"], 0);
        before = browser.chromium();
        let died = match harm {
            "the page crashes" => {
                let crash = Url::parse("chrome://crash").unwrap();
                browser.open_page(&crash, LIMIT).await.map(drop)
            }
            "Chromium crashes" => {
                browser.devtools("Browser.crash", json!({})).await;
                browser.location().await.map(drop)
            }
            _ => {
                browser.post("window/new", json!({ "type": "window" })).await.unwrap();
                Ok(())
            }
        };
        let is_sound = harm.starts_with("a window");
        assert_eq!(matches!(died, Err(BrowserError::Died { .. })), !is_sound, "{harm}: {died:?}");
        browser.close().await;
    }
    let last = browsers.open().await.unwrap();
    assert_ne!(last.chromium(), before);
    last.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium and chromium-driver"]
async fn a_browser_that_died_while_nobody_used_it_is_replaced() {
    let (url, browsers) = (serve().await, Browsers::at_most(1));
    let first = browsers.open().await.unwrap();
    let (chromium, path) = (first.chromium(), first.session_url());
    first.close().await;
    reqwest::Client::new().delete(path).send().await.unwrap();
    let mut next = browsers.open().await.unwrap();
    assert_ne!(next.chromium(), chromium);
    assert_eq!(look(&mut next, &url).await["local"], 0);
    next.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium and chromium-driver"]
async fn a_prepared_browser_is_the_one_that_is_opened() {
    let (url, browsers) = (serve().await, Browsers::at_most(1));
    browsers.prepare(1);
    for _ in 0..2 {
        let mut browser = browsers.open().await.unwrap();
        assert_eq!(look(&mut browser, &url).await["local"], 0);
        browser.close().await;
    }
}
