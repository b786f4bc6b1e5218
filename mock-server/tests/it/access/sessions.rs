//! Access tokens: given out, believed, and no longer believed.

use serde_json::json;

use crate::access::plane::{ACME, ADMIN, GLOBEX, MEMBER, OUTSIDER, Plane};

#[tokio::test]
async fn login_gives_a_token_that_works_until_it_expires() {
    let plane = Plane::start().await;
    let body = json!({ "email": "Admin@Acme.example", "password": "ada-runs-acme" });
    let session = plane.post("/api/auth/login", "", &body).await.data();
    let token = session["access_token"].as_str().expect("a token");
    assert_eq!(session["expires_in"], 43_200);

    let organisations = plane.get("/api/user-orgs", token).await.data();
    assert_eq!(organisations, json!([{ "org_id": ACME, "name": "Acme", "role": "admin" }]));
    plane.advance(43_190);
    assert_eq!(plane.get("/api/user-orgs", token).await.status, 200);
    plane.advance(10);
    assert_eq!(plane.get("/api/user-orgs", token).await.refusal(), (401, "UNAUTHORIZED".into()));
}

#[tokio::test]
async fn bad_logins() {
    let plane = Plane::start().await;
    let wrong = (401, "INVALID_CREDENTIALS".to_owned());
    let cases = [
        (r#"{"email": "admin@acme.example", "password": "ada-runs-acm"}"#, wrong.clone()),
        (r#"{"email": "nobody@acme.example", "password": "ada-runs-acme"}"#, wrong.clone()),
        (r#"{"email": "' OR 1=1 --", "password": "x"}"#, wrong),
        (r#"{"password": "x"}"#, (400, "MISSING_FIELDS".to_owned())),
        (r#"{"email": "admin@acme.example"}"#, (400, "MISSING_FIELDS".to_owned())),
        (r#"{"email": 1, "password": "x"}"#, (400, "INVALID_INPUT".to_owned())),
        (r#"{"email": "a\u0000", "password": "x"}"#, (400, "INVALID_INPUT".to_owned())),
        ("{", (400, "INVALID_JSON".to_owned())),
        ("[]", (400, "INVALID_JSON".to_owned())),
    ];
    for (body, expected) in cases {
        let answer = plane.send("POST", "/api/auth/login", "", body).await;
        assert_eq!(answer.refusal(), expected, "{body}");
        assert!(!answer.text.contains("ada-runs"), "{}", answer.text);
    }
}

#[tokio::test]
async fn without_a_genuine_bearer_nothing_is_answered() {
    let plane = Plane::start().await;
    let token = plane.token(ADMIN).await;
    let machine_token = format!("ztm_{}", "0".repeat(64));
    let api_key = format!("qztna_{}", "0".repeat(64));
    let broken = format!("{}A", &token[..token.len() - 2]);
    for bearer in ["", "x", &broken, &token[..token.len() - 5], &machine_token, &api_key, "ztna_", "a.b.c"] {
        for path in
            ["/api/user-orgs", "/api/db/auth_keys", "/api/db/no_such_table", "/api/db/machines?x=eq.1"]
        {
            assert_eq!(
                plane.get(path, bearer).await.refusal(),
                (401, "UNAUTHORIZED".into()),
                "{bearer} {path}"
            );
        }
        let answer = plane.send("POST", "/api/auth/device/approve", bearer, "{").await;
        assert_eq!(answer.refusal(), (401, "UNAUTHORIZED".into()), "{bearer}");
    }
}

#[tokio::test]
async fn roles_are_those_of_each_organisation_and_of_now() {
    let plane = Plane::start().await;
    let (member, outsider) = (plane.token(MEMBER).await, plane.token(OUTSIDER).await);
    assert_eq!(plane.get("/api/user-orgs", &member).await.data()[0]["role"], "member");
    assert_eq!(plane.get("/api/user-orgs", &outsider).await.data()[0]["org_id"], GLOBEX);

    let path = format!("/api/db/auth_keys?org_id={ACME}");
    let admin = plane.token(ADMIN).await;
    assert_eq!(plane.get(&path, &admin).await.status, 200);
    plane
        .in_store(|tx| {
            let sql = "UPDATE memberships SET role = 'member'
                       WHERE user_id = (SELECT id FROM users WHERE email = 'admin@acme.example')";
            tx.execute(sql, &[])?;
            Ok(())
        })
        .await;
    assert_eq!(plane.get(&path, &admin).await.refusal(), (403, "FORBIDDEN".into()));
}
