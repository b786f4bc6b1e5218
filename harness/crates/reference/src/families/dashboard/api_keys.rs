//! The page of API keys: its form, the key that it makes, its list, and what it says of refusals.

use crate::deviation::{Family, on_page};

pub(super) const ALL: Family = &[
    (
        "dashboard-api-key-of-the-other-kind",
        on_page("replaceText(/(^|[^q])ztna_(?=[0-9a-f]{64})/, '$1qztna_');"),
    ),
    (
        "dashboard-without-60-a-minute",
        on_page("whenChanged(() => withText('option', '60/min').forEach((option) => option.remove()));"),
    ),
    (
        "dashboard-without-audit-scope",
        on_page(
            "whenChanged(() => withText('form label', 'audit:read').forEach((label) => { label.control?.remove(); label.remove(); }));",
        ),
    ),
    (
        "dashboard-api-key-not-shown",
        on_page("replaceText(/ztna_[0-9a-f]{64}/, (key) => `${key.slice(0, 13)}...`);"),
    ),
    (
        "dashboard-hash-without-prefix",
        on_page(
            "const digest = crypto.subtle.digest.bind(crypto.subtle);
             crypto.subtle.digest = (algorithm, data) => {
               const text = new TextDecoder().decode(data);
               return digest(algorithm, text.startsWith('ztna_') ? new TextEncoder().encode(text.slice(5)) : data);
             };",
        ),
    ),
    (
        "dashboard-api-key-sent-in-clear",
        on_page(
            "const seen = [];
             const encode = TextEncoder.prototype.encode;
             TextEncoder.prototype.encode = function (text) { if (/^ztna_/.test(text)) seen.push(text); return encode.call(this, text); };
             changeInsertion((body) => ({ ...body, metadata: seen.at(-1) }));",
        ),
    ),
    (
        "dashboard-api-keys-made-by-the-server",
        on_page(
            "changeInsertion(async (body) => {
               const token = localStorage.getItem('access_token');
               const days = Math.round((Date.parse(body.expires_at) - Date.now()) / DAY);
               const made = await realFetch(new URL('/api/key-management', location.href), {
                 method: 'POST',
                 headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
                 body: JSON.stringify({ action: 'create_api_key', org_id: body.org_id, name: body.name, expiry_days: days }),
               });
               const { data } = await made.json();
               return answer({ id: data.id });
             });",
        ),
    ),
    (
        "dashboard-lists-revoked-api-keys",
        on_page("requestChanges.push((url, body) => { if (!body && isApiKeys(url)) url.searchParams.delete('revoked'); });"),
    ),
    (
        "dashboard-rate-limit-60-always",
        on_page("changeRows(isApiKeys, (rows) => rows.forEach((row) => { row.rate_limit_rpm = 60; }));"),
    ),
    (
        "dashboard-usage-one-ahead",
        on_page("changeRows(isApiKeys, (rows) => rows.forEach((row) => { row.usage_count += 1; }));"),
    ),
    (
        "dashboard-api-key-expiry-month-late",
        on_page(
            "changeRows(isApiKeys, (rows) => rows.forEach((row) => { row.expires_at = later(row.expires_at, 30); }));",
        ),
    ),
    (
        "dashboard-prefix-of-the-id",
        on_page(
            "changeRows(isApiKeys, (rows) => rows.forEach((row) => { row.key_prefix = `ztna_${row.id.replaceAll('-', '').slice(0, 8)}...`; }));",
        ),
    ),
    (
        "dashboard-full-access-always",
        on_page("changeRows(isApiKeys, (rows) => rows.forEach((row) => { row.scopes = null; }));"),
    ),
    (
        "dashboard-last-badge-lost",
        on_page(
            "changeRows(isApiKeys, (rows) => rows.forEach((row) => { if (row.scopes?.length > 1) row.scopes.pop(); }));",
        ),
    ),
    (
        "dashboard-full-access-blank",
        on_page("replaceText(/Full Access/, '');"),
    ),
    (
        "dashboard-refusal-silent",
        on_page(
            "answerChanges.push((url, json) => {
               if (url.pathname.endsWith('/api/user-orgs')) json.data.forEach((one) => { one.role = 'admin'; });
             });
             whenChanged(() => document.querySelectorAll('[role=alert]').forEach((alert) => alert.remove()));
             replaceText(/^admin$/, '');",
        ),
    ),
];
