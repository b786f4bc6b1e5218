// The rows of the API, as its OpenAPI document has them.

/**
 * @typedef {{ org_id: string, name: string, role: "owner" | "admin" | "member" }} Organisation
 *
 * @typedef {{
 *   id: string, name: string, tailnet_ip: string, status: "online" | "offline" | "pending" | "quarantined",
 *   tags: string[] | null, ephemeral: boolean, os: string | null, version: string | null,
 *   created_at: string, last_seen: string | null,
 * }} Machine
 *
 * @typedef {{
 *   id: string, name: string, key_prefix: string, reusable: boolean, ephemeral: boolean, used_count: number,
 *   expires_at: string, revoked: boolean, allowed_tags: string[] | null, allowed_cidrs: string[] | null,
 *   tags: string[] | null, description: string | null, created_at: string,
 * }} AuthKey
 *
 * @typedef {{
 *   id: string, name: string, key_prefix: string, scopes: string[] | null, rate_limit_rpm: number,
 *   usage_count: number, expires_at: string, revoked: boolean, last_used_at: string | null, created_at: string,
 * }} ApiKey
 *
 * @typedef {{
 *   id: string, actor: string, action: string, target: string, details: unknown, created_at: string,
 * }} AuditEntry
 */

/**
 * What a page is given to show itself.
 *
 * @typedef {{
 *   main: HTMLElement,
 *   organisation: Organisation,
 *   isAdmin: boolean,
 *   path: string,
 *   signal: AbortSignal,
 * }} PageContext
 *
 * @typedef {{ title: string, section: string, show: (context: PageContext) => void | Promise<void> }} Page
 */

export {};
