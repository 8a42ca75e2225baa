/** Starts the built paper exchange as a process of its own and ends it by the pid that it started. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('../../dist/paper/main.js', import.meta.url));

export interface PaperProcess {
  readonly url: string;
  readonly kill: (signal: 'SIGTERM' | 'SIGKILL') => Promise<number | null>;
}

/** What a start that failed said, and its exit code. */
export interface FailedStart {
  readonly code: number | null;
  readonly stderr: string;
}

/** Resolves when it listens; rejects with what it said when it ends before. */
export async function startPaper(args: readonly string[]): Promise<PaperProcess> {
  const child = spawn(process.execPath, [entry, '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const url = await listening(child);
  return {
    url,
    kill: async (signal) => {
      if (child.exitCode !== null) return child.exitCode;
      const ended = once(child, 'exit');
      child.kill(signal);
      const [code] = (await ended) as [number | null];
      return code;
    },
  };
}

/** Runs a start that is expected to fail. */
export async function failToStart(args: readonly string[]): Promise<FailedStart> {
  const child = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      if (!stdout.includes('\n')) return;
      resolve((JSON.parse(stdout) as { listening: string }).listening);
    });
    child.once('exit', (code) => reject(new Error(`the paper exchange ended with ${code}: ${stderr}`)));
  });
}
