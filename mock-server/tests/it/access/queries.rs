//! `GET /api/db/TABLE`: filters, their errors, and rows that they must not show.

use std::time::Duration;

use serde_json::{Value, json};

use crate::test_server::{ACME, ADMIN, GLOBEX, MEMBER, OUTSIDER, TestServer};

fn names(rows: &Value) -> Vec<&str> {
    rows.as_array().expect("rows").iter().map(|row| row["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn filters_select_matching_rows() {
    let server = TestServer::start().await;
    let token = server.token(ADMIN).await;
    server.stored_auth_key(ACME, "alpha", true).await;
    server.advance_clock(Duration::from_secs(10));
    server.stored_auth_key(ACME, "Beta", false).await;
    server.advance_clock(Duration::from_secs(10));
    server.stored_auth_key(ACME, "gamma [1*]", true).await;
    server.stored_auth_key(GLOBEX, "alpha", true).await;

    let cases: [(&str, &[&str]); 35] = [
        ("", &["alpha", "Beta", "gamma [1*]"]),
        ("org_id=org_9fX2kR", &["alpha", "Beta", "gamma [1*]"]),
        ("org_id=eq.org_9fX2kR&name=eq.alpha", &["alpha"]),
        ("name=alpha", &["alpha"]),
        ("name=neq.alpha", &["Beta", "gamma [1*]"]),
        ("name=not.eq.alpha", &["Beta", "gamma [1*]"]),
        ("name=gt.Beta&name=lt.b", &["alpha"]),
        ("name=in.(alpha,%22gamma%20[1*]%22)", &["alpha", "gamma [1*]"]),
        ("name=in.()", &[]),
        ("name=not.in.()", &["alpha", "Beta", "gamma [1*]"]),
        ("name=like.*a", &["alpha", "Beta"]),
        ("name=like.b*", &[]),
        ("name=ilike.b*", &["Beta"]),
        ("name=like.*[1%5C*]", &[]),
        ("name=like.gamma%20[1%25]", &["gamma [1*]"]),
        ("name=like._eta", &["Beta"]),
        ("name=like.%5C_eta", &[]),
        ("name=ilike.%25%5C", &[]),
        ("name=not.like.*a", &["gamma [1*]"]),
        ("reusable=eq.true", &["alpha", "gamma [1*]"]),
        ("reusable=is.false", &["Beta"]),
        ("reusable=not.is.true", &["Beta"]),
        ("used_count=eq.0&used_count=lte.0&used_count=gte.0", &["alpha", "Beta", "gamma [1*]"]),
        ("used_count=gt.0", &[]),
        ("allowed_tags=is.null", &["Beta"]),
        ("allowed_tags=not.is.null", &["alpha", "gamma [1*]"]),
        ("allowed_tags=cs.{server}", &["alpha", "gamma [1*]"]),
        ("allowed_tags=cs.{server,%22production%22}", &["alpha", "gamma [1*]"]),
        ("allowed_tags=cs.{serve}", &[]),
        ("allowed_tags=cs.{%22,%22}", &[]),
        ("expires_at=gt.2001-01-01&created_at=gt.2001-01-01T00:00:00Z", &["alpha", "Beta", "gamma [1*]"]),
        ("created_at=lt.2001-01-01", &[]),
        ("order=name.desc", &["gamma [1*]", "alpha", "Beta"]),
        ("order=reusable.asc,created_at.desc&limit=2", &["Beta", "gamma [1*]"]),
        ("offset=1&limit=1", &["Beta"]),
    ];
    for (query, expected) in cases {
        let rows = server.get(&format!("/api/db/auth_keys?{query}"), &token).await.into_data();
        assert_eq!(names(&rows), expected, "{query}");
    }
}

#[tokio::test]
async fn rows_keep_json_types() {
    let server = TestServer::start().await;
    let token = server.token(ADMIN).await;
    let id = server.stored_auth_key(ACME, "alpha", true).await;
    let row = server.get(&format!("/api/db/auth_keys?id=eq.{id}"), &token).await.into_data()[0].clone();
    assert_eq!(row["used_count"], json!(0));
    assert_eq!((&row["reusable"], &row["revoked"]), (&json!(true), &json!(false)));
    assert_eq!(row["allowed_tags"], json!(["server", "production"]));
    assert_eq!(row["allowed_cidrs"], Value::Null);
    let created = row["created_at"].as_str().expect("text");
    assert!(created.len() == 24 && created.ends_with('Z'), "{created}");

    let path = format!("/api/db/auth_keys?id=eq.{id}&select=used_count,name");
    assert_eq!(
        server.get(&path, &token).await.body["data"].to_string(),
        r#"[{"used_count":0,"name":"alpha"}]"#
    );
}

#[tokio::test]
async fn bad_queries_name_the_mistake() {
    let server = TestServer::start().await;
    let token = server.token(ADMIN).await;
    let cases = [
        ("no_such_table", 404, "NOT_FOUND", "Endpoint"),
        ("users", 404, "NOT_FOUND", "Endpoint"),
        ("%FF", 404, "NOT_FOUND", "Endpoint"),
        ("sqlite_master", 404, "NOT_FOUND", "Endpoint"),
        ("auth_keys;drop%20table%20users", 404, "NOT_FOUND", "Endpoint"),
        ("auth_keys?key_hash=eq.x", 400, "INVALID_FILTER", "unknown column 'key_hash'"),
        ("auth_keys?select=id,key_hash", 400, "INVALID_FILTER", "unknown column 'key_hash'"),
        ("auth_keys?select=count(*)", 400, "INVALID_FILTER", "unknown column 'count(*)'"),
        ("auth_keys?order=id;drop", 400, "INVALID_FILTER", "unknown column 'id;drop'"),
        ("auth_keys?id)%20OR%201=1=eq.x", 400, "INVALID_FILTER", "unknown column"),
        ("auth_keys?id=same.x", 400, "INVALID_FILTER", "unknown operator 'same'"),
        ("auth_keys?used_count=eq.x", 400, "INVALID_FILTER", "invalid value 'x' for column 'used_count'"),
        ("auth_keys?used_count=eq.1%20OR%201=1", 400, "INVALID_FILTER", "a whole number"),
        ("auth_keys?id=eq.%00", 400, "INVALID_FILTER", "NUL"),
        ("auth_keys?limit=x", 400, "INVALID_FILTER", "'limit'"),
    ];
    for (path, status, code, words) in cases {
        let answer = server.get(&format!("/api/db/{path}"), &token).await;
        assert_eq!(answer.status_and_code(), (status, code), "{path}");
        assert!(answer.message().contains(words), "{path}: {}", answer.message());
    }
}

#[tokio::test]
async fn filter_values_are_never_read_as_sql() {
    let server = TestServer::start().await;
    let token = server.token(ADMIN).await;
    server.stored_auth_key(ACME, "alpha", true).await;
    for value in [
        "eq.'%20OR%201=1%20--",
        "'%20OR%20'1'='1",
        "in.(%22')%20OR%201=1--%22)",
        "like.'%20OR%201=1--",
        "eq.?1",
    ] {
        let rows = server.get(&format!("/api/db/auth_keys?id={value}"), &token).await.into_data();
        assert_eq!(rows, json!([]), "{value}");
    }
    let many = (0..32).map(|n| format!("name=neq.{n}&")).collect::<String>();
    assert_eq!(names(&server.get(&format!("/api/db/auth_keys?{many}"), &token).await.into_data()), ["alpha"]);
    // As a member once stopped all other reads for 13 s.
    let costly = "name=not.ilike.*a*b*&".repeat(400);
    let refused = server.get(&format!("/api/db/auth_keys?{costly}"), &token).await;
    assert_eq!(refused.status_and_code(), (400, "INVALID_FILTER"));
    let list = format!("name=in.({}alpha)", "x,".repeat(499));
    assert_eq!(names(&server.get(&format!("/api/db/auth_keys?{list}"), &token).await.into_data()), ["alpha"]);
}

#[tokio::test]
async fn rows_of_other_organisations_are_hidden() {
    let server = TestServer::start().await;
    server.stored_auth_key(ACME, "ours", true).await;
    let theirs = server.stored_auth_key(GLOBEX, "theirs", true).await;
    let (admin, member, outsider) =
        (server.token(ADMIN).await, server.token(MEMBER).await, server.token(OUTSIDER).await);

    for query in
        ["name=neq.x", "org_id=neq.org_9fX2kR", "org_id=not.eq.x", "org_id=like.*", "org_id=not.is.null"]
    {
        let rows = server.get(&format!("/api/db/auth_keys?{query}"), &admin).await.into_data();
        assert!(!names(&rows).contains(&"theirs"), "{query}");
    }
    assert_eq!(server.get(&format!("/api/db/auth_keys?id=eq.{theirs}"), &admin).await.into_data(), json!([]));
    assert_eq!(names(&server.get("/api/db/auth_keys", &outsider).await.into_data()), ["theirs"]);
    for query in [
        format!("org_id={GLOBEX}"),
        format!("org_id=eq.{ACME}&org_id=eq.{GLOBEX}"),
        format!("org_id=in.({ACME},{GLOBEX})"),
        "org_id=eq.no-such-organisation".to_owned(),
    ] {
        let answer = server.get(&format!("/api/db/auth_keys?{query}"), &admin).await;
        assert_eq!(answer.status_and_code(), (403, "FORBIDDEN"), "{query}");
    }
    for table in ["auth_keys", "api_keys", "audit_logs"] {
        for query in [String::new(), format!("?org_id={ACME}")] {
            let answer = server.get(&format!("/api/db/{table}{query}"), &member).await;
            assert_eq!(answer.status_and_code(), (403, "FORBIDDEN"), "{table}{query}");
            assert_eq!(answer.message(), "Admin required");
        }
    }
}

#[tokio::test]
async fn members_list_machines_and_silent_ones_are_offline() {
    let server = TestServer::start().await;
    server.stored_machine(ACME, "linux-c", "100.64.0.1").await;
    server.stored_machine(GLOBEX, "elsewhere", "100.64.0.1").await;
    let member = server.token(MEMBER).await;
    let rows = server.get("/api/db/machines?select=name,status,tags,ephemeral", &member).await.into_data();
    assert_eq!(rows, json!([{ "name": "linux-c", "status": "online", "tags": ["web"], "ephemeral": false }]));
    assert_eq!(
        names(&server.get("/api/db/machines?tailnet_ip=100.64.0.1", &member).await.into_data()),
        ["linux-c"]
    );

    server.advance_clock(Duration::from_secs(80));
    assert_eq!(names(&server.get("/api/db/machines?status=online", &member).await.into_data()), ["linux-c"]);
    server.advance_clock(Duration::from_secs(10));
    assert_eq!(server.get("/api/db/machines?status=eq.online", &member).await.into_data(), json!([]));
    let silent =
        server.get("/api/db/machines?status=in.(offline,x)&order=status.desc", &member).await.into_data();
    assert_eq!(silent[0]["status"], "offline");
}
