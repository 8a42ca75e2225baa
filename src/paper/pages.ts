/** Pages of a list: a cursor names the last row that was sent, in characters that no client encodes. */
import { Refusal } from './records.ts';
import { integerOf, textOf, badParameter, type Parameters } from './request.ts';

export interface Page<T> {
  readonly rows: readonly T[];
  /** `""` on the last page. */
  readonly nextPageCursor: string;
}

/** The page size that a call asks for; outside 1 to `most` it is refused. */
export function limitOf(parameters: Parameters, standard: number, most: number): number {
  const limit = integerOf(parameters, 'limit') ?? standard;
  if (limit < 1 || limit > most) throw badParameter('limit invalid');
  return limit;
}

/** The page of `rows` behind the call's cursor; `keyOf` must be unique in the list. */
export function pageOf<T>(
  rows: readonly T[],
  parameters: Parameters,
  limit: number,
  keyOf: (row: T) => string,
): Page<T> {
  const cursor = textOf(parameters, 'cursor');
  const from = cursor === '' ? 0 : startAfter(rows, decoded(cursor), keyOf);
  const page = rows.slice(from, from + limit);
  const last = page.at(-1);
  const more = last !== undefined && from + limit < rows.length;
  return {
    rows: page,
    nextPageCursor: more ? Buffer.from(`p:${from + limit}:${keyOf(last)}`).toString('base64url') : '',
  };
}

interface Place {
  readonly index: number;
  readonly key: string;
}

function decoded(cursor: string): Place {
  const match = /^p:(\d+):(.+)$/.exec(Buffer.from(cursor, 'base64url').toString('utf8'));
  const [, index, key] = match ?? [];
  if (index === undefined || key === undefined)
    throw new Refusal(10016, 'System error. Please try again later.');
  return { index: Number(index), key };
}

/** Behind the named row; when it has gone meanwhile, at the place where it was. */
function startAfter<T>(rows: readonly T[], place: Place, keyOf: (row: T) => string): number {
  const at = rows.findIndex((row) => keyOf(row) === place.key);
  return at < 0 ? place.index : at + 1;
}
