/** Reads every page of a list, or fails: half a list proves nothing (I4). */
import type { Params } from './bybit-client.ts';
import { ENDPOINTS, type EndpointName } from './endpoints.ts';
import type { Rank } from './limiter.ts';
import { listPage, problemsOf } from './schemas.ts';
import type { VenueCalls } from './venue-calls.ts';
import { unavailable } from './verdict.ts';

export interface CompleteList {
  readonly rows: readonly unknown[];
  readonly requests: number;
  /** Oldest envelope time among the pages, ms of the venue's clock; `null` where a page had none. */
  readonly venueTime: number | null;
}

/** More pages than any account can fill: a cursor that never ends must not be followed for ever. */
const MOST_PAGES = 200;

/** Throws `VenueError` if any page fails, is not a list, or the cursor goes in circles. */
export async function readAllPages(
  calls: VenueCalls,
  name: EndpointName,
  params: Params,
  rank?: Rank,
): Promise<CompleteList> {
  const where = `${ENDPOINTS[name].method} ${ENDPOINTS[name].path}`;
  const rows: unknown[] = [];
  const cursors = new Set<string>();
  let venueTime: number | null = Number.POSITIVE_INFINITY;
  let cursor = '';
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const answer = await calls.read(name, cursor === '' ? params : { ...params, cursor }, rank);
    const read = listPage.safeParse(answer.result);
    if (!read.success) throw unavailable(`${where}, page ${page}: ${problemsOf(read.error)}`);
    rows.push(...read.data.list);
    venueTime = venueTime === null || answer.time === null ? null : Math.min(venueTime, answer.time);
    const next = read.data.nextPageCursor;
    const full = typeof params['limit'] === 'number' && read.data.list.length >= params['limit'];
    if ((next ?? null) === null && full)
      throw unavailable(`${where}, page ${page}: a full page without a cursor, so the list may go on`);
    cursor = next ?? '';
    if (cursor === '') return { rows, requests: page, venueTime };
    if (cursors.has(cursor)) throw unavailable(`${where}, page ${page}: the cursor came a second time`);
    cursors.add(cursor);
  }
  throw unavailable(`${where}: more than ${MOST_PAGES} pages`);
}
