/** What a guard shows of itself: search attributes, its page in the UI, and the log lines of its trail (DESIGN §5, §7). */
import { log, setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import { guardDetails } from '../domain/guard-details.ts';
import { unprotectedSince, type GuardBook } from '../domain/guard-state.ts';
import { guardStatus, protectionState } from '../domain/guard-view.ts';

const ATTRIBUTES = {
  state: defineSearchAttributeKey('ProtectionState', 'KEYWORD'),
  side: defineSearchAttributeKey('PositionSide', 'KEYWORD'),
  trailing: defineSearchAttributeKey('TrailingActive', 'BOOL'),
  since: defineSearchAttributeKey('UnprotectedSince', 'DATETIME'),
};

export class GuardFace {
  readonly #attributes: boolean;
  #shown = '';
  #released = false;

  constructor(attributes: boolean) {
    this.#attributes = attributes;
  }

  show(book: GuardBook, facts: { readonly checks: number; readonly nextCheckAt: number }): void {
    const status = guardStatus(book, { ...facts, now: Date.now() });
    setCurrentDetails(guardDetails(status, book.log, workflowInfo().workflowId));
    if (!this.#attributes || this.#released) return;
    const since = unprotectedSince(book.state);
    const trailing = book.episode !== null && book.episode.trailing !== null;
    const shown = JSON.stringify([status.state, status.side, trailing, since]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    upsertSearchAttributes([
      { key: ATTRIBUTES.state, value: protectionState(book) },
      { key: ATTRIBUTES.trailing, value: trailing },
      { key: ATTRIBUTES.since, value: since === null ? null : new Date(since) },
      ...(book.episode === null ? [] : [{ key: ATTRIBUTES.side, value: book.episode.side }]),
    ]);
  }

  released(): void {
    if (this.#attributes) upsertSearchAttributes([{ key: ATTRIBUTES.state, value: 'RELEASED' }]);
    this.#released = true;
  }
}

/** `trailing.started` and `trailing.moved`. */
export function logTrailing(before: GuardBook, { account, leg, state, episode, seen }: GuardBook): void {
  const fields = { account, ...leg };
  if (episode?.trailing != null && before.episode?.trailing == null) {
    log.info('trailing.started', { ...fields, best: episode.trailing.best });
  }
  const old = before.episode?.floor?.stop;
  const moved =
    state.kind === 'protected' && state.stopKind === 'trailing' && old !== undefined && old !== state.stop;
  if (moved)
    log.info('trailing.moved', {
      ...fields,
      best: episode?.trailing?.best,
      stop: state.stop,
      price: seen?.price,
    });
}
