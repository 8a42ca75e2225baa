/** Keeps keys, secrets and signatures out of every text that leaves the exchange layer (I9). */

/** Hex HMACs and base64 RSA signatures are at least this long; prices, ids and cursors are shorter. */
const SIGNATURE = /\b[0-9a-f]{64}\b|[A-Za-z0-9+/]{86,}={0,2}/gi;

/** A function that blanks the given secrets, signed strings that the venue echoes (10004) and anything like a signature. */
export function createRedactor(secrets: readonly string[]): (text: string) => string {
  const needles = [...new Set(secrets.flatMap((secret) => [secret, encodeURIComponent(secret)]))]
    .filter((needle) => needle.length > 0)
    .toSorted((a, b) => b.length - a.length);
  return (text) => {
    let clean = text;
    for (const needle of needles) clean = clean.replaceAll(needle, '[redacted]');
    return clean.replace(/origin_string\[.*$/is, 'origin_string[redacted]').replace(SIGNATURE, '[redacted]');
  };
}
