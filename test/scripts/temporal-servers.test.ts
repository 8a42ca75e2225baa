/** Finding and getting the Temporal programs, with stand-ins for the download server, Go and Maven. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SetupError } from '../../scripts/setup-error.mjs';
import { findTemporalCli } from '../../scripts/temporal-cli.mjs';
import { findTestServer } from '../../scripts/test-server.mjs';
import { scratchFolder, writeScript, writeText } from '../support/scratch.ts';

const GOOD = ['echo "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"'];
const OLD = ['echo "temporal version 0.10.0 (Server 1.22.0, UI 2.20.0)"'];
/** Nothing listens there: the connection is refused at once. */
const NOWHERE = 'http://127.0.0.1:1';

/** A machine with an empty cache and a PATH that holds only what the test puts there (and a shell's own programs). */
function machine() {
  const home = scratchFolder();
  const bin = join(home, 'bin');
  mkdirSync(bin);
  const cache = join(home, 'cache');
  return { home, bin, cache, env: { PATH: bin, XDG_CACHE_HOME: cache, HOME: home } };
}

async function refusal(find: Promise<string>): Promise<SetupError> {
  const error: unknown = await find.then(
    (path) => `found ${path}`,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SetupError)) throw new Error(`expected a SetupError, got ${String(error)}`);
  return error;
}

describe('the Temporal CLI', () => {
  it('that STOPKEEPER_TEMPORAL_CLI names comes first', async () => {
    const { home, bin, env } = machine();
    writeScript(join(bin, 'temporal'), GOOD);
    const mine = writeScript(join(home, 'mine'), GOOD);
    expect(
      await findTemporalCli({ env: { ...env, STOPKEEPER_TEMPORAL_CLI: mine }, downloadBase: NOWHERE }),
    ).toBe(mine);
  });

  it('that STOPKEEPER_TEMPORAL_CLI names but that does not run is an error, not a reason to look elsewhere', async () => {
    const { home, bin, env } = machine();
    writeScript(join(bin, 'temporal'), GOOD);
    const mine = writeScript(join(home, 'mine'), ['echo broken >&2', 'exit 3']);
    const error = await refusal(
      findTemporalCli({ env: { ...env, STOPKEEPER_TEMPORAL_CLI: mine }, downloadBase: NOWHERE }),
    );
    expect(error.message).toContain(mine);
    expect(error.message).toContain('exit code 3');
    expect(error.message).toContain('unset it');
  });

  it('on the PATH is used as it is', async () => {
    const { bin, cache, env } = machine();
    const there = writeScript(join(bin, 'temporal'), GOOD);
    expect(await findTemporalCli({ env, downloadBase: NOWHERE })).toBe(there);
    expect(existsSync(cache)).toBe(false);
  });

  it('is downloaded, cached by version, and found there without the network the next time', async () => {
    const { cache, env } = machine();
    const base = await downloads({ temporal: script(GOOD) });
    const path = await findTemporalCli({ env, downloadBase: base.url });
    expect(path).toBe(join(cache, 'stopkeeper', 'temporal-cli', '1.5.1', 'temporal'));
    expect(readFileSync(path, 'utf8')).toBe(script(GOOD));
    expect(base.asked[0]).toMatch(
      /^\/cli\/v1\.5\.1\?arch=(amd64|arm64)&platform=(linux|darwin)&format=tar\.gz$/u,
    );
    expect(await findTemporalCli({ env, downloadBase: NOWHERE })).toBe(path);
    expect(leftovers(cache)).toEqual([]);
  });

  it('is asked for once by two runs at once', async () => {
    const { env } = machine();
    const base = await downloads({ temporal: script(GOOD) });
    const [one, two] = await Promise.all([1, 2].map(() => findTemporalCli({ env, downloadBase: base.url })));
    expect(one).toBe(two);
    expect(base.asked.filter((url) => url.startsWith('/archive'))).toHaveLength(1);
  });

  it('is built with Go when the download cannot be reached, aside and then renamed', async () => {
    const { bin, cache, env } = machine();
    writeScript(join(bin, 'go'), [
      `echo "$@ into $GOBIN" > ${join(cache, 'seen')}`,
      `printf '%s\\n' '#!/bin/sh' ${GOOD.map((line) => `'${line}'`).join(' ')} > "$GOBIN/temporal"`,
      `/bin/chmod +x "$GOBIN/temporal"`,
    ]);
    const path = await findTemporalCli({ env, downloadBase: NOWHERE });
    expect(path).toBe(join(cache, 'stopkeeper', 'temporal-cli', '1.5.1', 'temporal'));
    expect(readFileSync(join(cache, 'seen'), 'utf8')).toMatch(
      /^install github\.com\/temporalio\/cli\/cmd\/temporal@v1\.5\.1 into .*\.aside-/u,
    );
    expect(leftovers(cache)).toEqual([]);
  });

  it('that was half-written when a run was killed is never used, and its leftovers go', async () => {
    const { cache, env } = machine();
    const folder = join(cache, 'stopkeeper', 'temporal-cli');
    writeText(join(folder, '.aside-dead', 'temporal'), 'half', 0o755);
    writeText(
      join(folder, 'lock'),
      JSON.stringify({
        id: 'x',
        pid: 2 ** 22 + 1,
        host: (await import('node:os')).hostname(),
        bornAt: '',
        since: 'then',
      }),
    );
    const base = await downloads({ temporal: script(GOOD) });
    const path = await findTemporalCli({ env, downloadBase: base.url });
    expect(readFileSync(path, 'utf8')).toBe(script(GOOD));
    expect(leftovers(cache)).toEqual([]);
  });

  it('whose transfer breaks off is not used', async () => {
    const { bin, cache, env } = machine();
    writeScript(join(bin, 'go'), ['echo "no module proxy" >&2', 'exit 1']);
    const base = await downloads({ temporal: script(GOOD) }, { cut: true });
    const error = await refusal(findTemporalCli({ env, downloadBase: base.url }));
    expect(error.tried.map(({ way }) => way)).toContain('the official download of temporal 1.5.1');
    expect(existsSync(join(cache, 'stopkeeper', 'temporal-cli', '1.5.1'))).toBe(false);
    expect(leftovers(cache)).toEqual([]);
  });

  it('that nothing can give: the error names each way, why it failed and what to do', async () => {
    const { bin, cache, env } = machine();
    writeScript(join(bin, 'temporal'), OLD);
    writeScript(join(bin, 'go'), ['echo "go: module lookup failed" >&2', 'exit 1']);
    const error = await refusal(findTemporalCli({ env, downloadBase: NOWHERE }));
    const text = error.message.replaceAll(bin, 'BIN').replaceAll(cache, 'CACHE');
    expect(text).toContain('1. STOPKEEPER_TEMPORAL_CLI: not set');
    expect(text).toContain(
      '2. `temporal` on the PATH (BIN/temporal): is too old: server 1.22, wanted 1.29 or newer',
    );
    expect(text).toContain('3. the cache CACHE/stopkeeper/temporal-cli: empty');
    expect(text).toMatch(/4\. the official download of temporal 1\.5\.1: fetch failed \(.+\)/u);
    expect(text).toMatch(
      /5\. go install github\.com\/temporalio\/cli\/cmd\/temporal@v1\.5\.1: exit code 1\n\s+go: module lookup failed/u,
    );
    expect(text).toContain('What to do, any one of these:');
    expect(text).toContain('TEMPORAL_ADDRESS');
    expect(text.split('\n').length).toBeLessThan(24);
  });

  it('without Go says so', async () => {
    const { env } = machine();
    const error = await refusal(findTemporalCli({ env, downloadBase: NOWHERE }));
    expect(error.message).toContain('`go` is not on the PATH');
  });
});

describe('the time-skipping test server', () => {
  it('that nothing can give: the error names each way and what to install', async () => {
    const { env } = machine();
    const error = await refusal(findTestServer({ env, downloadBase: NOWHERE }));
    expect(error.message).toMatch(/the download that the SDK 1\.\d+\.\d+ performs: fetch failed/u);
    expect(error.message).toContain(
      'Maven, io.temporal:temporal-test-server:1.31.0: `mvn` is not on the PATH',
    );
    expect(error.message).toContain('install Java 17 or newer and Maven');
  });

  it('that is downloaded but does not listen is not used', async () => {
    const { cache, env } = machine();
    const base = await downloads({
      'temporal-test-server': script(['echo "wrong processor" >&2', 'exit 126']),
    });
    const error = await refusal(findTestServer({ env, downloadBase: base.url }));
    expect(error.message).toContain('it ended at once (exit code 126)');
    expect(error.message).toContain('wrong processor');
    expect(base.asked[0]).toMatch(
      /^\/temporal-test-server\/default\?.*sdk-name=sdk-typescript&sdk-version=1\./u,
    );
    expect(leftovers(cache)).toEqual([]);
  });

  it('is put together with Maven, and counts once it has listened', async () => {
    const { bin, cache, env } = machine();
    const listen = `require('node:net').createServer().listen(Number(process.argv.at(-1)), '127.0.0.1')`;
    writeScript(join(bin, 'java'), [`exec "${process.execPath}" -e "${listen}" -- "$@"`]);
    writeScript(join(bin, 'dirname'), [`exec /usr/bin/dirname "$@"`]);
    writeScript(join(bin, 'mvn'), [`echo "$@" > ${join(cache, 'seen')}`]);
    const path = await findTestServer({ env, downloadBase: NOWHERE });
    expect(path).toBe(
      join(cache, 'stopkeeper', 'temporal-test-server', 'maven-1.31.0', 'temporal-test-server'),
    );
    expect(readFileSync(path, 'utf8')).toContain('exec "$java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp');
    expect(readFileSync(join(cache, 'seen'), 'utf8')).toContain('dependency:copy-dependencies');
  });

  it('that STOPKEEPER_TEST_SERVER names wrongly is an error', async () => {
    const { env } = machine();
    const error = await refusal(
      findTestServer({ env: { ...env, STOPKEEPER_TEST_SERVER: '/no/such' }, downloadBase: NOWHERE }),
    );
    expect(error.message).toContain('STOPKEEPER_TEST_SERVER is "/no/such"');
  });
});

function script(lines: readonly string[]): string {
  return `#!/bin/sh\n${lines.join('\n')}\n`;
}

/** What should not be there after a run: locks and folders of half-made programs. */
function leftovers(cache: string): readonly string[] {
  return readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.aside-|lock/u.test(name),
  );
}

/** A download server: the JSON answer, then a tar archive that holds one program among others. */
async function downloads(
  files: Readonly<Record<string, string>>,
  { cut = false } = {},
): Promise<{ readonly url: string; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const [name = '', text = ''] = Object.entries(files)[0] ?? [];
  const archive = gzipSync(
    tar([
      ['LICENSE', 'a licence'],
      [name, text],
    ]),
  );
  const url = await listen((request, response) => {
    asked.push(request.url ?? '');
    if (request.url?.startsWith('/archive') !== true) {
      response.end(JSON.stringify({ archiveUrl: `${url}/archive.tar.gz`, fileToExtract: name }));
    } else if (cut) {
      response.writeHead(200, { 'content-length': archive.length });
      response.write(archive.subarray(0, archive.length - 40), () => response.destroy());
    } else {
      response.end(archive);
    }
  });
  return { url, asked };
}

async function listen(handler: RequestListener): Promise<string> {
  const server: Server = createServer(handler);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}

/** A tar archive: a header block for each file, its content padded to 512 bytes, two empty blocks at the end. */
function tar(files: readonly (readonly [string, string])[]): Buffer {
  const blocks = files.flatMap(([name, text]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write('0000755\0', 100);
    header.write(`${Buffer.byteLength(text).toString(8).padStart(11, '0')}\0`, 124);
    header.write('0', 156);
    const content = Buffer.alloc(Math.ceil(Buffer.byteLength(text) / 512) * 512);
    content.write(text);
    return [header, content];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

it('leaves a downloaded program executable', async () => {
  const { env } = machine();
  const base = await downloads({ temporal: script(GOOD) });
  const path = await findTemporalCli({ env, downloadBase: base.url });
  expect(statSync(path).mode & 0o111).not.toBe(0);
});
