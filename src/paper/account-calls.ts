/** Signed calls about the account: key, settings, wallet, coins, margin mode. */
import { keyRow, walletRow } from './account-rows.ts';
import { settleCoins } from './margin.ts';
import { Refusal, type MarginMode } from './records.ts';
import { badParameter, oneOf, textOf, type Parameters } from './request.ts';
import type { Row } from './rows.ts';
import type { Venue } from './venue.ts';
import type { Views } from './views.ts';

/** GET /v5/user/query-api. */
export function queryApi(venue: Venue): Row {
  return keyRow(venue);
}

/** GET /v5/account/info: a unified account 2.0 pro. */
export function accountInfo(venue: Venue): Row {
  const { marginMode, marginModeUpdatedMs } = venue.account;
  return {
    marginMode,
    updatedTime: String(marginModeUpdatedMs),
    unifiedMarginStatus: 6,
    dcpStatus: 'OFF',
    timeWindow: 10,
    smpGroup: 0,
    isMasterTrader: false,
    spotHedgingStatus: 'OFF',
  };
}

/** GET /v5/account/wallet-balance. */
export function walletBalance(venue: Venue, views: Views, parameters: Parameters): Row {
  if (textOf(parameters, 'accountType') !== 'UNIFIED') throw badParameter('accountType invalid');
  const coins = textOf(parameters, 'coin')
    .split(',')
    .filter((coin) => coin !== '');
  return { list: [walletRow(venue, views.account(), coins)] };
}

/** GET /v5/asset/coin/query-info: what a client needs to name the settle coins. */
export function coinInfo(parameters: Parameters): Row {
  const asked = textOf(parameters, 'coin');
  const rows = settleCoins
    .filter((coin) => asked === '' || asked === coin)
    .map((coin) => ({
      name: coin,
      coin,
      remainAmount: '10000000',
      chains: [
        {
          chainType: 'Ethereum (ERC20)',
          confirmation: '6',
          withdrawFee: '3',
          depositMin: '0',
          withdrawMin: '10',
          chain: 'ETH',
          chainDeposit: '1',
          chainWithdraw: '1',
          minAccuracy: '6',
          withdrawPercentageFee: '0',
          contractAddress: '',
        },
      ],
    }));
  return { rows };
}

/** POST /v5/account/set-margin-mode: refused while positions are open in or for portfolio margin. */
export function setMarginMode(venue: Venue, parameters: Parameters): Row {
  const wanted: MarginMode | '' = oneOf(parameters, 'setMarginMode', [
    'REGULAR_MARGIN',
    'ISOLATED_MARGIN',
    'PORTFOLIO_MARGIN',
  ]);
  if (wanted === '') throw badParameter('setMarginMode invalid');
  if (wanted === venue.account.marginMode)
    throw new Refusal(110026, 'Cross/isolated margin mode is not modified');
  if (wanted === 'PORTFOLIO_MARGIN' && venue.held().length > 0) {
    const reasons = [{ reasonCode: '3400001', reasonMsg: 'Close all positions first' }];
    throw new Refusal(3400045, 'Set margin mode failed', { reasons });
  }
  venue.setAccount({ marginMode: wanted, marginModeUpdatedMs: venue.timeMs });
  return { reasons: [] };
}
