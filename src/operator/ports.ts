/** Ports of this machine: the usual one where it is free, any other free one where it is not. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below what systems give to outgoing connections and to whoever asks for any port: such a port may be gone before it is listened on. */
const OTHERS = { from: 15_000, below: 30_000 } as const;
const ATTEMPTS = 100;
/** Each process goes on from where it likes, so that it is never given the same one twice and seldom another one's. */
let next = randomInt(OTHERS.from, OTHERS.below);

/** `preferred` if nothing listens there on the loopback address, else another port on which nothing does; throws where none is found. */
export async function freePort(preferred: number | null): Promise<number> {
  if (preferred !== null && (await isFree(preferred, '127.0.0.1'))) return preferred;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = next;
    next = port + 1 < OTHERS.below ? port + 1 : OTHERS.from;
    if (await isFree(port, '127.0.0.1')) return port;
  }
  throw new Error(`no free port found on 127.0.0.1 from ${OTHERS.from} to ${OTHERS.below - 1}`);
}

/** Whether it could be listened on a moment ago. */
export function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
