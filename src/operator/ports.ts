/** Ports of this machine: the usual one where it is free, any other free one where it is not. */
import { createServer } from 'node:net';

/** `preferred` if nothing listens there on the loopback address, else a port that the system picks. */
export async function freePort(preferred: number | null): Promise<number> {
  if (preferred !== null) {
    const port = await tryPort(preferred, '127.0.0.1');
    if (port !== null) return port;
  }
  const port = await tryPort(0, '127.0.0.1');
  if (port === null) throw new Error('the system has no free port on 127.0.0.1');
  return port;
}

export async function isFree(port: number, host: string): Promise<boolean> {
  return (await tryPort(port, host)) !== null;
}

/** The port that could be listened on and is free again; `null` where it could not. */
function tryPort(port: number, host: string): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, host, () => {
      const address = server.address();
      const found = address === null || typeof address === 'string' ? null : address.port;
      server.close(() => resolve(found));
    });
  });
}
