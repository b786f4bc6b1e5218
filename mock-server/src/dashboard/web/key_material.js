// Makes API keys in the browser, so that the server never sees one before its first use.

/**
 * Whether this page may compute hashes: browsers offer WebCrypto over HTTPS and on localhost only.
 *
 * @returns {boolean}
 */
export function canMakeKeys() {
  return isSecureContext && crypto.subtle !== undefined;
}

/**
 * Makes a key of 32 random bytes. The hash is that of the whole key, with its prefix.
 *
 * @returns {Promise<{ key: string, prefix: string, hash: string }>}
 */
export async function makeKey() {
  const secret = hex(crypto.getRandomValues(new Uint8Array(32)));
  const key = `ztna_${secret}`;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key));
  return { key, prefix: `ztna_${secret.slice(0, 8)}...`, hash: hex(new Uint8Array(digest)) };
}

/** @param {Uint8Array} bytes */
function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
