/** Position, order, execution and closing rows as the venue sends them: every number a string, padded as the contract is. */
import { amount, compare, isZero, minus, paddedTo, rounded, text } from './decimals.ts';
import type { Instrument } from './instruments.ts';
import { legMargin, liquidationPrice, type AccountMargin } from './margin.ts';
import { fullStopOf } from './position-stops.ts';
import type { ClosedPnl, Execution, Leg, Order } from './records.ts';
import { entryPriceOf } from './trades.ts';
import type { Venue } from './venue.ts';

/** A row as it is sent. */
export type Row = Readonly<Record<string, unknown>>;

/** A row of position/list. */
export function positionRow(venue: Venue, leg: Leg, account: AccountMargin): Row {
  const contract = venue.contract(leg.symbol);
  const portfolio = venue.account.marginMode === 'PORTFOLIO_MARGIN';
  return {
    positionIdx: leg.positionIdx,
    riskId: contract.symbolId,
    riskLimitValue: '2000000',
    symbol: leg.symbol,
    side: leg.side,
    size: leg.side === '' ? '0' : paddedTo(leg.size, contract.qtyStep),
    avgPrice: entryPriceOf(leg),
    ...marginFields(venue, leg, portfolio),
    tradeMode: 0,
    positionStatus: leg.status,
    autoAddMargin: 0,
    adlRankIndicator: leg.side === '' ? 0 : leg.status === 'Adl' ? 5 : 2,
    leverage: portfolio ? '' : leg.leverage,
    breakEvenPrice: breakEvenPrice(venue, leg),
    positionBalance: '0',
    markPrice: paddedTo(venue.price(leg.symbol).mark, contract.tickSize),
    liqPrice: leg.side === '' ? '0' : padded(liquidationPrice(venue, leg, account), contract),
    bustPrice: '',
    tpslMode: 'Full',
    takeProfit: stopPrice(venue, leg, 'TakeProfit', contract),
    stopLoss: stopPrice(venue, leg, 'StopLoss', contract),
    trailingStop: leg.trailingId === '' ? '0' : (venue.order(leg.trailingId)?.trailing?.distance ?? '0'),
    curRealisedPnl: leg.curRealisedPnl,
    cumRealisedPnl: leg.cumRealisedPnl,
    seq: leg.seq,
    isReduceOnly: false,
    mmrSysUpdateTime: '',
    leverageSysUpdatedTime: '',
    sessionAvgPrice: '',
    createdTime: String(leg.createdTime),
    updatedTime: String(leg.updatedTime),
    openTime: leg.openTime,
  };
}

function marginFields(venue: Venue, leg: Leg, portfolio: boolean): Row {
  if (leg.side === '') {
    const none = portfolio ? '' : '0';
    return {
      positionValue: '0',
      positionIM: none,
      positionIMByMp: none,
      positionMM: none,
      positionMMByMp: none,
      unrealisedPnl: '0',
    };
  }
  const margin = legMargin(venue, leg);
  const initial = portfolio ? '' : rounded(margin.initial, 8);
  const maintenance = portfolio ? '' : rounded(margin.maintenance, 8);
  return {
    positionValue: text(margin.value),
    positionIM: initial,
    positionIMByMp: initial,
    positionMM: maintenance,
    positionMMByMp: maintenance,
    unrealisedPnl: text(margin.unrealised),
  };
}

/** (entry value − realised) ÷ (size less the fee of closing), signed by side: the reference's formula. */
function breakEvenPrice(venue: Venue, leg: Leg): string {
  if (leg.side === '') return '0';
  const { takerFeeRate } = venue.setup.scenario.account;
  const rate = compare(takerFeeRate, '0.00055') > 0 ? takerFeeRate : '0.00055';
  const signed = leg.side === 'Buy' ? amount(leg.size) : amount(leg.size).neg();
  const cost = leg.side === 'Buy' ? amount(leg.entryValue) : amount(leg.entryValue).neg();
  return rounded(cost.minus(leg.curRealisedPnl).div(signed.minus(amount(leg.size).times(rate))), 8);
}

function stopPrice(venue: Venue, leg: Leg, type: 'StopLoss' | 'TakeProfit', contract: Instrument): string {
  const order = fullStopOf(venue, leg, type);
  return order === undefined ? venue.setup.scenario.quirks.noStop : padded(order.triggerPrice, contract);
}

function padded(price: string, contract: Instrument): string {
  return price === '' ? '' : paddedTo(price, contract.tickSize);
}

/** A row of order/realtime and order/history. */
export function orderRow(venue: Venue, order: Order): Row {
  const contract = venue.contract(order.symbol);
  const qty = order.qty === '' ? venue.leg(order.symbol, order.positionIdx).size : order.qty;
  const open = order.status === 'Untriggered' || order.status === 'New' || order.status === 'PartiallyFilled';
  const leaves = open || order.status === 'Triggered' ? minus(qty, order.cumExecQty) : '0';
  const filled = !isZero(order.cumExecQty);
  return {
    orderId: order.orderId,
    orderLinkId: order.orderLinkId,
    blockTradeId: '',
    parentOrderLinkId: '',
    symbol: order.symbol,
    side: order.side,
    positionIdx: order.positionIdx,
    orderStatus: order.status,
    createType: order.createType,
    cancelType: order.cancelType,
    rejectReason: order.rejectReason,
    orderType: order.orderType,
    stopOrderType: order.stopOrderType === '' ? 'UNKNOWN' : order.stopOrderType,
    timeInForce: order.timeInForce,
    price: isZero(order.price) ? '0' : paddedTo(order.price, contract.tickSize),
    qty: paddedTo(qty, contract.qtyStep),
    leavesQty: paddedTo(leaves, contract.qtyStep),
    leavesValue: text(amount(leaves).times(order.price)),
    cumExecQty: paddedTo(order.cumExecQty, contract.qtyStep),
    cumExecValue: order.cumExecValue,
    cumExecFee: order.cumExecFee,
    cumFeeDetail: filled ? { [contract.settleCoin]: order.cumExecFee } : {},
    avgPrice: filled ? rounded(amount(order.cumExecValue).div(order.cumExecQty), 8) : '',
    triggerPrice: order.triggerPrice === '' ? '' : paddedTo(order.triggerPrice, contract.tickSize),
    triggerBy: order.triggerBy === '' ? 'UNKNOWN' : order.triggerBy,
    triggerDirection: order.triggerDirection,
    takeProfit: order.attached?.takeProfit ?? '',
    stopLoss: order.attached?.stopLoss ?? '',
    tpTriggerBy:
      order.attached !== null && order.attached.takeProfit !== '' ? order.attached.tpTriggerBy : '',
    slTriggerBy: order.attached !== null && order.attached.stopLoss !== '' ? order.attached.slTriggerBy : '',
    tpslMode: order.tpslMode,
    tpLimitPrice: '',
    slLimitPrice: '',
    reduceOnly: order.reduceOnly,
    closeOnTrigger: order.closeOnTrigger,
    lastPriceOnCreated: paddedTo(order.lastPriceOnCreated, contract.tickSize),
    isLeverage: '',
    orderIv: '',
    placeType: '',
    smpType: 'None',
    smpGroup: 0,
    smpOrderId: '',
    slippageToleranceType: 'UNKNOWN',
    slippageTolerance: '',
    extraFees: '',
    rpiTakerAccess: false,
    rpiMatchedQty: '0',
    createdTime: String(order.createdTime),
    updatedTime: String(order.updatedTime),
  };
}

/** A row of execution/list. */
export function executionRow(venue: Venue, execution: Execution): Row {
  const contract = venue.contract(execution.symbol);
  return {
    symbol: execution.symbol,
    orderId: execution.orderId,
    orderLinkId: execution.orderLinkId,
    side: execution.side,
    execId: execution.execId,
    execPrice: paddedTo(execution.execPrice, contract.tickSize),
    execQty: paddedTo(execution.execQty, contract.qtyStep),
    execValue: execution.execValue,
    execFee: execution.execFee,
    feeRate: execution.feeRate,
    feeCurrency: execution.feeCurrency,
    execType: execution.execType,
    execTime: String(execution.execTime),
    isMaker: execution.isMaker,
    orderPrice: execution.orderPrice,
    orderQty: paddedTo(execution.orderQty, contract.qtyStep),
    leavesQty: paddedTo(execution.leavesQty, contract.qtyStep),
    orderType: execution.orderType,
    stopOrderType: execution.stopOrderType === '' ? 'UNKNOWN' : execution.stopOrderType,
    createType: execution.createType,
    closedSize: paddedTo(execution.closedSize, contract.qtyStep),
    markPrice: paddedTo(execution.markPrice, contract.tickSize),
    indexPrice: paddedTo(execution.indexPrice, contract.tickSize),
    markIv: '',
    tradeIv: '',
    underlyingPrice: '',
    blockTradeId: '',
    extraFees: '',
    seq: execution.seq,
  };
}

/** A row of position/closed-pnl. */
export function closedPnlRow(venue: Venue, record: ClosedPnl): Row {
  const contract = venue.contract(record.symbol);
  return {
    symbol: record.symbol,
    orderId: record.orderId,
    side: record.side,
    qty: paddedTo(record.qty, contract.qtyStep),
    orderPrice: paddedTo(record.orderPrice, contract.tickSize),
    orderType: record.orderType,
    execType: record.execType === 'AdlTrade' ? 'Trade' : record.execType,
    closedSize: paddedTo(record.closedSize, contract.qtyStep),
    cumEntryValue: record.cumEntryValue,
    avgEntryPrice: rounded(amount(record.cumEntryValue).div(record.closedSize), 8),
    cumExitValue: record.cumExitValue,
    avgExitPrice: rounded(amount(record.cumExitValue).div(record.closedSize), 8),
    closedPnl: record.closedPnl,
    openFee: record.openFee,
    closeFee: record.closeFee,
    fillCount: String(record.fillCount),
    leverage: record.leverage,
    createdTime: String(record.createdTime),
    updatedTime: String(record.updatedTime),
  };
}
