/** Everything random in the paper exchange: a pure function of the scenario's seed and a name, so that runs repeat. */
import { createHash } from 'node:crypto';

/** A number in [0, 1) that depends only on its arguments; used for walks and synthetic history. */
export function unitFrom(seed: number, name: string, index: number): number {
  let hash = (seed ^ 0x9e3779b9) >>> 0;
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193) >>> 0;
  hash = (hash + Math.imul(index | 0, 0x6d2b79f5)) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 15), hash | 1) >>> 0;
  hash = (hash ^ (hash + Math.imul(hash ^ (hash >>> 7), hash | 61))) >>> 0;
  return ((hash ^ (hash >>> 14)) >>> 0) / 4294967296;
}

/** An id in the venue's UUID form, unique for each `(seed, kind, count)`. */
export function idFrom(seed: number, kind: string, count: number): string {
  const hex = createHash('sha256').update(`${seed}:${kind}:${count}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
