/** The instruments that the paper exchange lists by itself, and what an instrument of a scenario starts from. */

/** One linear contract, with the facts that the venue's rules need. */
export interface Instrument {
  readonly symbol: string;
  readonly symbolId: number;
  readonly status: 'PreLaunch' | 'Trading' | 'Delivering' | 'Closed';
  readonly contractType: 'LinearPerpetual' | 'LinearFutures';
  readonly baseCoin: string;
  readonly quoteCoin: string;
  readonly settleCoin: 'USDT' | 'USDC';
  readonly tickSize: string;
  readonly qtyStep: string;
  readonly minOrderQty: string;
  readonly maxOrderQty: string;
  readonly maxMktOrderQty: string;
  readonly minNotionalValue: string;
  readonly minPrice: string;
  readonly maxPrice: string;
  readonly maxLeverage: string;
  /** Share of the position's value at mark that is its maintenance margin. */
  readonly maintenanceMarginRate: string;
  readonly fundingRate: string;
  /** Minutes between fundings. */
  readonly fundingInterval: number;
  readonly launchTime: number;
  /** Venue ms; 0 for perpetuals that stay. */
  readonly deliveryTime: number;
  /** Price before anything moves it. */
  readonly price: string;
}

interface Listed {
  readonly symbol: string;
  readonly tickSize: string;
  readonly qtyStep: string;
  readonly price: string;
  readonly maxOrderQty: string;
  readonly maxMktOrderQty: string;
  readonly maxLeverage: string;
  readonly maintenanceMarginRate?: string;
}

const launchTime = Date.UTC(2020, 2, 30);

/** Steps and limits are plausible for the contract of that name; prices are round. A scenario overrides any of them. */
const listed: readonly Listed[] = [
  {
    symbol: 'BTCUSDT',
    tickSize: '0.10',
    qtyStep: '0.001',
    price: '44000',
    maxOrderQty: '1190.000',
    maxMktOrderQty: '500.000',
    maxLeverage: '100.00',
  },
  {
    symbol: 'ETHUSDT',
    tickSize: '0.01',
    qtyStep: '0.01',
    price: '2600',
    maxOrderQty: '7240.00',
    maxMktOrderQty: '3600.00',
    maxLeverage: '100.00',
  },
  {
    symbol: 'SOLUSDT',
    tickSize: '0.010',
    qtyStep: '0.1',
    price: '150',
    maxOrderQty: '79770.0',
    maxMktOrderQty: '16000.0',
    maxLeverage: '100.00',
    maintenanceMarginRate: '0.01',
  },
  {
    symbol: 'XRPUSDT',
    tickSize: '0.0001',
    qtyStep: '0.1',
    price: '0.6',
    maxOrderQty: '2000000.0',
    maxMktOrderQty: '500000.0',
    maxLeverage: '75.00',
    maintenanceMarginRate: '0.01',
  },
  {
    symbol: 'BNBUSDT',
    tickSize: '0.10',
    qtyStep: '0.01',
    price: '580',
    maxOrderQty: '9000.00',
    maxMktOrderQty: '2000.00',
    maxLeverage: '75.00',
    maintenanceMarginRate: '0.01',
  },
  {
    symbol: 'DOGEUSDT',
    tickSize: '0.00001',
    qtyStep: '1',
    price: '0.14',
    maxOrderQty: '20000000',
    maxMktOrderQty: '5000000',
    maxLeverage: '75.00',
    maintenanceMarginRate: '0.01',
  },
  {
    symbol: 'ADAUSDT',
    tickSize: '0.0001',
    qtyStep: '1',
    price: '0.45',
    maxOrderQty: '3000000',
    maxMktOrderQty: '900000',
    maxLeverage: '75.00',
    maintenanceMarginRate: '0.01',
  },
  {
    symbol: 'LINKUSDT',
    tickSize: '0.001',
    qtyStep: '0.1',
    price: '14',
    maxOrderQty: '150000.0',
    maxMktOrderQty: '40000.0',
    maxLeverage: '75.00',
    maintenanceMarginRate: '0.01',
  },
  {
    symbol: 'AVAXUSDT',
    tickSize: '0.001',
    qtyStep: '0.1',
    price: '30',
    maxOrderQty: '90000.0',
    maxMktOrderQty: '20000.0',
    maxLeverage: '50.00',
    maintenanceMarginRate: '0.01',
  },
  {
    symbol: 'LTCUSDT',
    tickSize: '0.01',
    qtyStep: '0.1',
    price: '80',
    maxOrderQty: '30000.0',
    maxMktOrderQty: '6000.0',
    maxLeverage: '50.00',
    maintenanceMarginRate: '0.01',
  },
  {
    symbol: '1000PEPEUSDT',
    tickSize: '0.0000001',
    qtyStep: '100',
    price: '0.012',
    maxOrderQty: '150000000',
    maxMktOrderQty: '40000000',
    maxLeverage: '50.00',
    maintenanceMarginRate: '0.01',
  },
  {
    symbol: 'BTCPERP',
    tickSize: '0.10',
    qtyStep: '0.001',
    price: '44000',
    maxOrderQty: '230.000',
    maxMktOrderQty: '100.000',
    maxLeverage: '50.00',
  },
  {
    symbol: 'ETHPERP',
    tickSize: '0.01',
    qtyStep: '0.01',
    price: '2600',
    maxOrderQty: '3000.00',
    maxMktOrderQty: '1500.00',
    maxLeverage: '50.00',
  },
];

/** Coins and contract type as a symbol's name tells them: `BTCPERP` settles in USDC, `BTCUSDT-26MAR27` is dated. */
function contractOf(
  symbol: string,
): Pick<Instrument, 'baseCoin' | 'quoteCoin' | 'settleCoin' | 'contractType'> {
  const dated = symbol.includes('-');
  const contractType = dated ? 'LinearFutures' : 'LinearPerpetual';
  const name = symbol.split('-')[0] ?? symbol;
  if (name.endsWith('USDT')) {
    return { baseCoin: name.slice(0, -4), quoteCoin: 'USDT', settleCoin: 'USDT', contractType };
  }
  const baseCoin = name.endsWith('PERP') ? name.slice(0, -4) : name;
  return { baseCoin, quoteCoin: 'USDC', settleCoin: 'USDC', contractType };
}

/** What an instrument is when a scenario says nothing but its symbol: the listed one, or a contract at 100. */
export function standardInstrument(symbol: string, symbolId: number): Instrument {
  const known = listed.find((entry) => entry.symbol === symbol);
  const tickSize = known?.tickSize ?? '0.01';
  return {
    symbol,
    symbolId,
    status: 'Trading',
    ...contractOf(symbol),
    tickSize,
    qtyStep: known?.qtyStep ?? '0.01',
    minOrderQty: known?.qtyStep ?? '0.01',
    maxOrderQty: known?.maxOrderQty ?? '100000.00',
    maxMktOrderQty: known?.maxMktOrderQty ?? '20000.00',
    minNotionalValue: '5',
    minPrice: tickSize,
    maxPrice: '1999999.80',
    maxLeverage: known?.maxLeverage ?? '50.00',
    maintenanceMarginRate: known?.maintenanceMarginRate ?? '0.005',
    fundingRate: '0.0001',
    fundingInterval: 480,
    launchTime,
    deliveryTime: 0,
    price: known?.price ?? '100',
  };
}

/** Symbols that exist on every paper exchange. */
export const listedSymbols: readonly string[] = listed.map((entry) => entry.symbol);
