/** Why a TLS connection does not come about: gRPC says only that it did not before its deadline. */
import { connect, type ConnectionOptions } from 'node:tls';
import type { TLSConfig } from '@temporalio/client';

/** A server that wants a certificate says so only after the handshake, by ending the connection. */
const SETTLED_MS = 500;
const GIVE_UP_MS = 3_000;

/** The reason in OpenSSL's words, `null` where a connection stands: then it is not TLS. */
export function tlsProblem(address: string, tls: TLSConfig): Promise<string | null> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  const pair = tls.clientCertPair;
  const bytes = (given: Uint8Array): Buffer => Buffer.from(given);
  const options: ConnectionOptions = {
    host,
    port: Number(address.slice(colon + 1)),
    servername: tls.serverNameOverride ?? host,
    ALPNProtocols: ['h2'],
    ...(tls.serverRootCACertificate == null ? {} : { ca: bytes(tls.serverRootCACertificate) }),
    ...(pair == null ? {} : { cert: bytes(pair.crt), key: bytes(pair.key) }),
  };
  return new Promise((resolve) => {
    const socket = connect(options);
    const end = (problem: string | null): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(problem);
    };
    let timer = setTimeout(() => end('no TLS handshake within 3 s'), GIVE_UP_MS);
    socket.once('error', (error) => end(error.message));
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      timer = setTimeout(() => end(null), SETTLED_MS);
    });
  });
}
