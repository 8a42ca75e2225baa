/** Temporal's official download, asked as the SDK's testing package asks it: a JSON answer names the archive and the file in it. */
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { elapsed } from './progress.mjs';

const DOWNLOAD_BASE = 'https://temporal.download';
/** A machine without internet shall move on to the next way at once. */
const CONNECT_MS = 5_000;
/** A transfer that brings no byte for this long is given up. */
const STALL_MS = 30_000;
const BLOCK = 512;

/**
 * @typedef {object} Wanted
 * @property {string} artifact `cli` or `temporal-test-server`
 * @property {string} version
 * @property {Readonly<Record<string, string>>} [parameters]
 * @property {string} target file to write
 * @property {(text: string) => void} note
 * @property {string} [base] another server, for tests
 */

/** @param {Wanted} wanted @returns {Promise<string>} '' or why it failed */
export async function download({ artifact, version, parameters = {}, target, note, base = DOWNLOAD_BASE }) {
  const platform = { win32: 'windows', darwin: 'darwin', linux: 'linux' }[
    /** @type {string} */ (process.platform)
  ];
  const arch = { x64: 'amd64', arm64: 'arm64' }[/** @type {string} */ (process.arch)];
  if (platform === undefined || arch === undefined)
    return `no build for ${process.platform} on ${process.arch}`;
  const query = new URLSearchParams({ arch, platform, format: 'tar.gz', ...parameters });
  try {
    const answer = await get(`${base}/${artifact}/${version}?${query.toString()}`);
    const info = /** @type {{ archiveUrl?: unknown, fileToExtract?: unknown }} */ (
      await answer.response.json()
    );
    answer.stop();
    if (typeof info.archiveUrl !== 'string' || typeof info.fileToExtract !== 'string') {
      return 'its answer names no archiveUrl and fileToExtract';
    }
    return await extract(info.archiveUrl, info.fileToExtract, target, note);
  } catch (error) {
    return reason(error);
  }
}

/**
 * @param {string} url
 * @returns {Promise<{ response: Response, alive: () => void, stop: () => void }>}
 */
async function get(url) {
  const controller = new AbortController();
  const give = (/** @type {number} */ ms, /** @type {string} */ why) =>
    setTimeout(() => controller.abort(new Error(why)), ms);
  let timer = give(CONNECT_MS, `no answer within ${CONNECT_MS / 1000} s`);
  const alive = () => {
    clearTimeout(timer);
    timer = give(STALL_MS, `nothing received for ${STALL_MS / 1000} s`);
  };
  try {
    const response = await fetch(url, { signal: controller.signal });
    if (!response.ok) throw new Error(`HTTP ${response.status} from ${url}`);
    alive();
    const stop = () => {
      clearTimeout(timer);
      controller.abort();
    };
    return { response, alive, stop };
  } catch (error) {
    clearTimeout(timer);
    throw error;
  }
}

/** @param {string} url @param {string} file @param {string} target @param {(text: string) => void} note @returns {Promise<string>} */
async function extract(url, file, target, note) {
  const { response, alive, stop } = await get(url);
  const began = Date.now();
  let bytes = 0;
  try {
    if (response.body === null) return `an empty answer from ${url}`;
    const gunzip = createGunzip();
    const pump = (async () => {
      for await (const chunk of /** @type {AsyncIterable<Uint8Array>} */ (response.body)) {
        alive();
        bytes += chunk.length;
        note(`${(bytes / 1e6).toFixed(1)} MB in ${elapsed(Date.now() - began)}`);
        if (!gunzip.write(chunk)) await once(gunzip, 'drain');
      }
      gunzip.end();
    })();
    pump.catch((/** @type {Error} */ error) => gunzip.destroy(error));
    return (await untar(gunzip, file, target)) ? '' : `${file} is not in the archive ${url}`;
  } finally {
    stop();
  }
}

/**
 * Reads a tar stream and writes one file of it, executable.
 * @param {AsyncIterable<Buffer>} stream @param {string} wanted @param {string} target @returns {Promise<boolean>} whether it was there
 */
async function untar(stream, wanted, target) {
  /** @type {import('node:fs/promises').FileHandle | undefined} */
  let out;
  let found = false;
  let left = 0;
  let padding = 0;
  /** @type {Buffer} */
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of stream) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (rest.length > 0) {
        if (left > 0) {
          const part = rest.subarray(0, left);
          await out?.appendFile(part);
          left -= part.length;
          rest = rest.subarray(part.length);
          if (left === 0 && out !== undefined) {
            await out.close();
            out = undefined;
            found = true;
          }
        } else if (padding > 0) {
          const skip = Math.min(padding, rest.length);
          padding -= skip;
          rest = rest.subarray(skip);
        } else if (rest.length < BLOCK) {
          break;
        } else {
          const header = rest.subarray(0, BLOCK);
          rest = rest.subarray(BLOCK);
          left = Number.parseInt(text(header, 124, 12), 8) || 0;
          padding = (BLOCK - (left % BLOCK)) % BLOCK;
          if (left > 0 && isFile(header, wanted)) out = await open(target, 'w', 0o755);
        }
      }
    }
    if (out !== undefined) throw new Error('the archive ends in the middle of the file');
    return found;
  } finally {
    // Opened and closed by await: a stream would open the file later, perhaps after its folder is gone.
    await out?.close();
  }
}

/** @param {Buffer} header @param {string} wanted */
function isFile(header, wanted) {
  const kind = text(header, 156, 1);
  return (kind === '0' || kind === '') && text(header, 0, 100).replace(/^\.\//u, '') === wanted;
}

/** @param {Buffer} header @param {number} from @param {number} length */
function text(header, from, length) {
  const field = header.subarray(from, from + length);
  const end = field.indexOf(0);
  return field
    .subarray(0, end === -1 ? length : end)
    .toString('utf8')
    .trim();
}

/** The cause says what happened; fetch's own words are only "fetch failed". @param {unknown} error @returns {string} */
function reason(error) {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
