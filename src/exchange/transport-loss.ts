/** Decides from a socket's error whether a request can have reached the venue (I3). Pure. */

export interface Loss {
  /** False only where the request certainly never left this machine. */
  readonly sent: boolean;
  readonly detail: string;
}

/** Steps that come before the first byte of a request. */
const BEFORE_SENDING = new Set(['connect', 'getaddrinfo', 'queryA', 'queryAaaa']);
/** Handshake and certificate refusals: the request had not been written. */
const HANDSHAKE =
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|ERR_TLS_|ERR_SSL_WRONG_VERSION|ERR_SSL_.*HANDSHAKE|UND_ERR_CONNECT_TIMEOUT|UND_ERR_INVALID_ARG)/;

/** Follows the causes of a failed `fetch` to the socket's own error. */
export function describeLoss(error: unknown): Loss {
  const root = rootCause(error);
  if (root instanceof AggregateError && root.errors.length > 0) {
    const each = root.errors.map(describeLoss);
    return {
      sent: each.some((loss) => loss.sent),
      detail: [...new Set(each.map((loss) => loss.detail))].join('; '),
    };
  }
  const code = field(root, 'code');
  const syscall = field(root, 'syscall');
  const sent = !(BEFORE_SENDING.has(syscall ?? '') || HANDSHAKE.test(code ?? ''));
  const message = root instanceof Error ? root.message : String(root);
  return { sent, detail: code !== null && !message.includes(code) ? `${code} ${message}` : message };
}

function rootCause(error: unknown): unknown {
  let current = error;
  // Bounded: a chain that refers to itself must not hang.
  for (let depth = 0; depth < 5 && current instanceof Error && current.cause instanceof Error; depth += 1)
    current = current.cause;
  return current;
}

function field(value: unknown, name: 'code' | 'syscall'): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const found: unknown = Reflect.get(value, name);
  return typeof found === 'string' ? found : null;
}
