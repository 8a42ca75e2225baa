/** Wallet, key and market rows as the venue sends them. */
import { amount, paddedTo, rounded, text, type Amount } from './decimals.ts';
import { nextFundingMs } from './funding.ts';
import type { Instrument } from './instruments.ts';
import { settleCoins, type AccountMargin } from './margin.ts';
import { touchPrice } from './orders.ts';
import type { Row } from './rows.ts';
import type { Venue } from './venue.ts';

const dayMs = 86_400_000;

/** The one element of wallet-balance's list, with what the scenario lays over it. */
export function walletRow(venue: Venue, margin: AccountMargin, coins: readonly string[]): Row {
  const mode = venue.account.marginMode;
  const balance = margin.wallet.plus(margin.unrealised);
  const asked = coins.length > 0 ? settleCoins.filter((coin) => coins.includes(coin)) : settleCoins;
  const shown = asked.filter((coin) => coins.length > 0 || hasAssets(margin, coin));
  const free = balance.minus(margin.initial).minus(margin.orderInitial);
  const available = free.lt(0) ? amount('0') : free;
  const risk =
    mode === 'ISOLATED_MARGIN'
      ? riskFields('', '', '', '', '', '')
      : riskFields(
          ratio(margin.initial.plus(margin.orderInitial), balance),
          ratio(margin.maintenance, balance),
          money(balance),
          money(margin.initial.plus(margin.orderInitial)),
          money(margin.maintenance),
          money(available),
        );
  const row: Row = {
    accountType: 'UNIFIED',
    accountLTV: mode === 'ISOLATED_MARGIN' ? '' : '0',
    ...risk,
    totalEquity: text(balance),
    totalWalletBalance: text(margin.wallet),
    totalPerpUPL: text(margin.unrealised),
    coin: shown.map((coin) => coinRow(venue, margin, coin)),
  };
  return overlaid(venue, row);
}

function riskFields(
  im: string,
  mm: string,
  balance: string,
  initial: string,
  maintenance: string,
  free: string,
): Row {
  return {
    accountIMRate: im,
    accountIMRateByMp: im,
    accountMMRate: mm,
    accountMMRateByMp: mm,
    totalMarginBalance: balance,
    totalInitialMargin: initial,
    totalInitialMarginByMp: initial,
    totalMaintenanceMargin: maintenance,
    totalMaintenanceMarginByMp: maintenance,
    totalAvailableBalance: free,
  };
}

function hasAssets(margin: AccountMargin, coin: string): boolean {
  const of = margin.coins.get(coin);
  return of !== undefined && !(of.wallet.eq(0) && of.unrealised.eq(0) && of.initial.eq(0));
}

function coinRow(venue: Venue, margin: AccountMargin, coin: string): Row {
  const of = margin.coins.get(coin);
  const zero = amount('0');
  const wallet = of?.wallet ?? zero;
  const unrealised = of?.unrealised ?? zero;
  const portfolio = venue.account.marginMode === 'PORTFOLIO_MARGIN';
  return {
    coin,
    walletBalance: text(wallet),
    equity: text(wallet.plus(unrealised)),
    usdValue: text(wallet.plus(unrealised)),
    unrealisedPnl: text(unrealised),
    cumRealisedPnl: venue.wallet(coin).cumRealisedPnl,
    totalPositionIM: portfolio ? '' : money(of?.initial ?? zero),
    totalPositionMM: portfolio ? '' : money(of?.maintenance ?? zero),
    totalOrderIM: portfolio ? '' : money(of?.orderInitial ?? zero),
    bonus: '0',
    locked: '0',
    borrowAmount: '0',
    spotBorrow: '0',
    accruedInterest: '0',
    availableToBorrow: '',
    availableToWithdraw: '',
    marginCollateral: true,
    collateralSwitch: true,
    spotHedgingQty: '0',
  };
}

function money(value: Amount): string {
  return rounded(value, 8);
}

function ratio(part: Amount, whole: Amount): string {
  return whole.lte(0) ? '0' : rounded(part.div(whole), 4);
}

/** Scenario's `walletFields` over the row: a string replaces, `null` removes. */
function overlaid(venue: Venue, row: Row): Row {
  const { coin, ...fields } = venue.setup.scenario.account.walletFields;
  const coins = (row['coin'] as readonly Row[]).map((entry) =>
    patched(entry, coin?.[String(entry['coin'])] ?? {}),
  );
  return { ...patched(row, fields), coin: coins };
}

function patched(row: Row, fields: Readonly<Record<string, unknown>>): Row {
  const entries = Object.entries({ ...row, ...fields }).filter(([, value]) => value !== null);
  return Object.fromEntries(entries);
}

/** The answer of user/query-api. */
export function keyRow(venue: Venue): Row {
  const { key, apiKey } = venue.setup.scenario.account;
  const has = (permission: (typeof key.permissions)[number]): boolean => key.permissions.includes(permission);
  const contract = (['Order', 'Position'] as const).filter(has);
  const wallet = (['AccountTransfer', 'SubMemberTransfer', 'Withdraw'] as const).filter(has);
  const bound = key.ips.length > 0 && !key.ips.includes('*');
  const expiresMs = key.expiresAt === null ? undefined : Date.parse(key.expiresAt);
  return {
    id: '1000001',
    note: 'paper',
    apiKey,
    readOnly: key.readOnly,
    secret: '',
    permissions: {
      ContractTrade: contract,
      Spot: [],
      Wallet: wallet,
      Options: [],
      Derivatives: contract.length === 2 ? ['DerivativesTrade'] : [],
      CopyTrading: [],
      BlockTrade: [],
      Exchange: [],
      NFT: [],
      Affiliate: [],
      Earn: [],
      FiatP2P: [],
      FiatConvertBroker: [],
      FiatGlobalPay: [],
      FiatBitPay: [],
      BitCard: [],
      ByXPost: [],
    },
    ips: key.ips,
    type: 1,
    deadlineDay:
      bound || expiresMs === undefined ? -2 : Math.max(0, Math.ceil((expiresMs - venue.timeMs) / dayMs)),
    expiredAt: expiresMs === undefined ? '1970-01-01T00:00:00Z' : secondsOf(expiresMs),
    createdAt: secondsOf(venue.account.startedMs - 30 * dayMs),
    unified: 0,
    uta: 1,
    userID: 1000001,
    inviterID: 0,
    vipLevel: 'No VIP',
    mktMakerLevel: '0',
    affiliateID: 0,
    rsaPublicKey: '',
    isMaster: true,
    parentUid: '0',
    kycLevel: 'LEVEL_1',
    kycRegion: 'PPR',
    userIDInt64: '1000001',
    inviterIDInt64: '0',
    affiliateIDInt64: '0',
  };
}

function secondsOf(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** A row of market/instruments-info. */
export function instrumentRow(instrument: Instrument): Row {
  const preListing = instrument.status === 'PreLaunch';
  return {
    symbol: instrument.symbol,
    symbolId: instrument.symbolId,
    contractType: instrument.contractType,
    status: instrument.status,
    baseCoin: instrument.baseCoin,
    quoteCoin: instrument.quoteCoin,
    launchTime: String(instrument.launchTime),
    deliveryTime: String(instrument.deliveryTime),
    deliveryFeeRate: '',
    priceScale: String(instrument.tickSize.split('.')[1]?.length ?? 0),
    leverageFilter: { minLeverage: '1', maxLeverage: instrument.maxLeverage, leverageStep: '0.01' },
    priceFilter: {
      minPrice: instrument.minPrice,
      maxPrice: instrument.maxPrice,
      tickSize: instrument.tickSize,
    },
    lotSizeFilter: {
      maxOrderQty: instrument.maxOrderQty,
      minOrderQty: instrument.minOrderQty,
      qtyStep: instrument.qtyStep,
      postOnlyMaxOrderQty: instrument.maxOrderQty,
      maxMktOrderQty: instrument.maxMktOrderQty,
      minNotionalValue: instrument.minNotionalValue,
    },
    unifiedMarginTrade: true,
    fundingInterval: instrument.fundingInterval,
    settleCoin: instrument.settleCoin,
    copyTrading: 'none',
    upperFundingRate: '0.00375',
    lowerFundingRate: '-0.00375',
    isPreListing: preListing,
    preListingInfo: preListing
      ? {
          curAuctionPhase: 'CallAuction',
          phases: [{ phase: 'CallAuction', startTime: String(instrument.launchTime), endTime: '' }],
          auctionFeeInfo: { auctionFeeRate: '0', takerFeeRate: '0.001', makerFeeRate: '0.0004' },
        }
      : null,
    riskParameters: { priceLimitRatioX: '0.05', priceLimitRatioY: '0.1' },
    symbolType: '',
    displayName: '',
    forbidUplWithdrawal: false,
  };
}

/** A row of market/tickers; day figures are what the start price makes of them. */
export function tickerRow(venue: Venue, instrument: Instrument): Row {
  const price = venue.price(instrument.symbol);
  const padded = (value: string): string => paddedTo(value, instrument.tickSize);
  const dayBefore = instrument.price;
  const change = rounded(amount(price.last).minus(dayBefore).div(dayBefore), 6);
  const high = amount(price.last).gt(dayBefore) ? price.last : dayBefore;
  const low = amount(price.last).lt(dayBefore) ? price.last : dayBefore;
  const futures = instrument.contractType === 'LinearFutures';
  return {
    symbol: instrument.symbol,
    lastPrice: padded(price.last),
    indexPrice: padded(price.index),
    markPrice: padded(price.mark),
    prevPrice24h: padded(dayBefore),
    price24hPcnt: change,
    highPrice24h: padded(high),
    lowPrice24h: padded(low),
    prevPrice1h: padded(dayBefore),
    openInterest: '100000',
    openInterestValue: text(amount(price.mark).times('100000')),
    singleOpenInterest: '50000',
    singleOpenInterestValue: text(amount(price.mark).times('50000')),
    turnover24h: text(amount(price.last).times('250000')),
    volume24h: '250000',
    fundingRate: futures ? '' : instrument.fundingRate,
    nextFundingTime: futures ? '0' : String(nextFundingMs(venue, instrument.symbol, venue.timeMs)),
    predictedDeliveryPrice: '',
    basisRate: '',
    deliveryFeeRate: '',
    deliveryTime: String(instrument.deliveryTime),
    ask1Size: '100',
    bid1Price: padded(touchPrice(venue, instrument.symbol, 'Sell')),
    ask1Price: padded(touchPrice(venue, instrument.symbol, 'Buy')),
    bid1Size: '100',
    basis: '',
    preOpenPrice: '',
    preQty: '',
    curPreListingPhase: '',
    fundingIntervalHour: String(instrument.fundingInterval / 60),
    basisRateYear: '',
    fundingCap: '0.005',
  };
}
