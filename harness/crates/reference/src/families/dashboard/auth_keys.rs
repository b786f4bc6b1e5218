//! The page of auth keys: its list, its form, the key that it shows once, and revocation.

use crate::deviation::{Family, on_page};

pub(super) const ALL: Family = &[
    ("dashboard-count-missing", on_page("removeColumn('Used');")),
    (
        "dashboard-count-stale",
        // What was read first is shown until the browser is closed.
        on_page(
            "changeRows(isAuthKeys, (rows) => rows.forEach((row) => {
               const known = sessionStorage.getItem(row.id);
               if (known === null) sessionStorage.setItem(row.id, row.used_count);
               else row.used_count = Number(known);
             }));",
        ),
    ),
    (
        "dashboard-count-of-first-key",
        on_page(
            "changeRows(isAuthKeys, (rows) => rows.forEach((row) => { row.used_count = rows[0].used_count; }));",
        ),
    ),
    (
        "dashboard-count-is-a-flag",
        on_page(
            "changeRows(isAuthKeys, (rows) => rows.forEach((row) => { row.used_count = Math.min(1, row.used_count); }));",
        ),
    ),
    (
        "dashboard-count-one-ahead",
        on_page("changeRows(isAuthKeys, (rows) => rows.forEach((row) => { row.used_count += 1; }));"),
    ),
    (
        "dashboard-unused-keys-hidden",
        on_page("changeRows(isAuthKeys, (rows) => rows.filter((row) => row.used_count > 0));"),
    ),
    (
        "dashboard-reusable-inverted",
        on_page("changeRows(isAuthKeys, (rows) => rows.forEach((row) => { row.reusable = !row.reusable; }));"),
    ),
    (
        "dashboard-auth-key-expiry-month-late",
        on_page(
            "changeRows(isAuthKeys, (rows) => rows.forEach((row) => { row.expires_at = later(row.expires_at, 30); }));",
        ),
    ),
    (
        "dashboard-key-shown-again",
        on_page(
            "answerChanges.push((url, json, body) => {
               if (body?.action === 'create_auth_key' && json.data?.key) sessionStorage.setItem('last', json.data.key);
             });
             whenChanged(() => {
               const [last, main] = [sessionStorage.getItem('last'), document.querySelector('main section')];
               const isReloaded = performance.getEntriesByType('navigation')[0]?.type === 'reload';
               if (!last || !main || !isReloaded || document.getElementById('last-key')) return;
               main.append(Object.assign(document.createElement('p'), { id: 'last-key', textContent: last }));
             });",
        ),
    ),
    (
        "dashboard-key-kept-in-storage",
        on_page(
            "answerChanges.push((url, json, body) => {
               if (body?.action === 'create_auth_key' && json.data?.key) localStorage.setItem('last_key', json.data.key);
             });",
        ),
    ),
    (
        "dashboard-auth-key-cut",
        on_page("replaceText(/(tskey-auth-[0-9a-f]{16})[0-9a-f]{48}/, '$1');"),
    ),
    (
        "dashboard-without-generate-button",
        on_page(
            "whenChanged(() => ['Generate Auth Key', 'Create auth key'].forEach((name) => withText('main button', name).forEach((button) => button.remove())));",
        ),
    ),
    (
        "dashboard-reusable-dropped",
        on_page("changeAction('create_auth_key', (body) => ({ ...body, reusable: false }));"),
    ),
    ("dashboard-form-without-tags", on_page("removeField('Tags');")),
    (
        "dashboard-description-dropped",
        on_page("changeAction('create_auth_key', ({ description, ...body }) => body);"),
    ),
    (
        "dashboard-ephemeral-dropped",
        on_page("changeAction('create_auth_key', (body) => ({ ...body, ephemeral: false }));"),
    ),
    (
        "dashboard-revocation-hides-the-row",
        on_page(
            "const hidden = new Set();
             changeAction('revoke_auth_key', (body) => { hidden.add(body.key_id); return answer({ id: body.key_id, revoked: true }); });
             changeRows(isAuthKeys, (rows) => rows.filter((row) => !hidden.has(row.id)));",
        ),
    ),
    (
        "dashboard-revokes-another-key",
        on_page(
            "let known = [];
             changeRows(isAuthKeys, (rows) => { known = rows.map((row) => row.id); });
             changeAction('revoke_auth_key', (body) => ({ ...body, key_id: known.find((id) => id !== body.key_id) ?? body.key_id }));",
        ),
    ),
    (
        "dashboard-without-revocation",
        on_page("whenChanged(() => withText('main button', 'Revoke').forEach((button) => button.remove()));"),
    ),
];
