/** What the worker registers: the workflows, and their messages for clients. Nothing else may be exported from here. */
export { guardPosition } from './guard-position.ts';
export {
  allocateMarginUpdate,
  keepLedger,
  newSessionUpdate,
  releaseMarginUpdate,
  reserveMarginUpdate,
  summaryQuery,
  syncBalanceSignal,
  validateNewTradeUpdate,
} from './keep-ledger.ts';
export * from './messages.ts';
export { startSession } from './start-session.ts';
export { watchAccount } from './watch-account.ts';
