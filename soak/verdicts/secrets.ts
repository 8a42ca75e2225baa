/** The keys must be nowhere but in the worker's memory: looked for in every byte of logs and of Temporal's database (I9). */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the venue itself keeps, and what the soak gave it. */
const VENUES_OWN = ['paper.json', 'paper.json.tmp', 'scenario.json'];

/** `worker-0.log holds apiKey`, for each secret in each file of the folder. */
export function leakedInFiles(folder: string, secrets: Readonly<Record<string, string>>): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !VENUES_OWN.includes(entry.name))
    .flatMap(({ name }) => {
      const bytes = readFileSync(join(folder, name));
      return Object.entries(secrets)
        .filter(([, secret]) => bytes.includes(secret))
        .map(([secret]) => `${name} holds ${secret}`);
    });
}
