//! Lists page by page: the links to the next pages lead through all rows once, whatever changes meanwhile.

use axum::http::HeaderMap;
use serde_json::{Value, json};

use crate::test_server::{ACME, ADMIN, Answer, TestServer};

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

/// The URL of the next page (RFC 8288).
fn next(answer: &Answer) -> Option<String> {
    let link = header(&answer.headers, "link")?;
    Some(link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned())
}

async fn page(server: &TestServer, url: &str) -> (Vec<Value>, Option<String>) {
    let answer = server.get(url, &server.token(ADMIN).await).await;
    (answer.data().as_array().unwrap().clone(), next(&answer))
}

async fn all_pages(server: &TestServer, url: &str) -> Vec<Vec<Value>> {
    let (mut pages, mut url) = (Vec::new(), Some(url.to_owned()));
    while let Some(asked) = url {
        let (rows, next) = page(server, &asked).await;
        pages.push(rows);
        url = next;
    }
    pages
}

async fn machines(server: &TestServer, number: usize) {
    let (_, key) = server.auth_key(json!({ "reusable": true })).await;
    for n in 0..number {
        assert_eq!(server.register(&key, &format!("m{n}")).await.status, 201);
    }
}

/// As from two control planes whose clocks differ: ids are in another order than times, and times are repeated.
async fn shuffle_times(server: &TestServer) {
    let shuffled = "UPDATE machines SET created_at = 1000 + (rowid * 7919) % 5, last_seen = 1";
    server.in_store(move |tx| Ok(tx.execute(shuffled, &[])?)).await;
}

#[tokio::test]
async fn links_lead_through_all_rows_in_every_order() {
    let server = TestServer::start().await;
    machines(&server, 23).await;
    shuffle_times(&server).await;
    for order in [
        "",
        "order=created_at",
        "order=created_at.desc",
        "order=created_at.desc,id.desc",
        "order=id",
        "order=id.desc",
        "order=name",
        "order=name.desc,id.desc",
        "order=status",
        "order=os.desc.nullslast",
        "order=last_seen,name.desc",
        "order=name&name=gt.m1&name=neq.m2",
        "order=id&id=neq.x&org_id=eq.org_9fX2kR&select=name",
        "select=os,version&offset=2",
    ] {
        let whole = page(&server, &format!("/api/db/machines?{order}")).await;
        assert_eq!(whole.1, None, "{order}");
        for limit in [1, 5, whole.0.len() - 1, whole.0.len()] {
            let pages = all_pages(&server, &format!("/api/db/machines?{order}&limit={limit}")).await;
            let (last, others) = pages.split_last().unwrap();
            assert!(others.iter().all(|page| page.len() == limit), "{order} {limit}");
            assert!((1..=limit).contains(&last.len()), "{order} {limit}: no page is empty");
            assert_eq!(pages.concat(), whole.0, "{order} {limit}");
        }
    }
    let logged = all_pages(&server, "/api/db/audit_logs?order=created_at.desc&limit=10").await;
    assert_eq!(logged.concat(), page(&server, "/api/db/audit_logs?order=created_at.desc").await.0);
    assert_eq!(logged.len(), 3);
}

#[tokio::test]
async fn rows_that_come_and_go_repeat_and_hide_no_others() {
    let server = TestServer::start().await;
    machines(&server, 12).await;
    shuffle_times(&server).await;
    let (whole, _) = page(&server, "/api/db/machines").await;
    let (first, next) = page(&server, "/api/db/machines?limit=6").await;
    for gone in [&first[0], &first[5]] {
        assert_eq!(server.administer("delete", gone["id"].as_str().unwrap()).await.status, 200);
    }
    let early = "UPDATE machines SET created_at = 1 WHERE name = 'early'";
    let (_, key) = server.auth_key(json!({})).await;
    server.register(&key, "early").await;
    server.in_store(move |tx| Ok(tx.execute(early, &[])?)).await;
    let rest = all_pages(&server, &next.unwrap()).await;
    assert_eq!(rest.concat(), whole[6..]);
}

#[tokio::test]
async fn headers_tell_the_range_and_the_maximum() {
    let server = TestServer::start().await;
    let rows = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1002)
         INSERT INTO audit_logs (id, org_id, actor, action, target, details, created_at)
         SELECT 'id' || n, ?1, 'a', 'b', 'c', '{}', n / 10 FROM n";
    server.in_store(move |tx| Ok(tx.execute(rows, mock_server::values![ACME])?)).await;
    let token = server.token(ADMIN).await;
    for (query, rows, range, more) in [
        ("", 1000, "0-999/*", true),
        ("limit=5000", 1000, "0-999/*", true),
        ("limit=5&offset=7", 5, "7-11/*", true),
        ("offset=1001", 1, "1001-1001/*", false),
        ("offset=2000", 0, "*/*", false),
        ("limit=0", 0, "*/*", false),
    ] {
        let answer = server.get(&format!("/api/db/audit_logs?{query}"), &token).await;
        assert_eq!(answer.data().as_array().unwrap().len(), rows, "{query}");
        let told = ["row-limit", "content-range"].map(|name| header(&answer.headers, name));
        assert_eq!(told, [Some("1000"), Some(range)], "{query}");
        assert_eq!(next(&answer).is_some(), more, "{query}");
    }
    assert_eq!(all_pages(&server, "/api/db/audit_logs?select=id").await.concat().len(), 1002);
}
