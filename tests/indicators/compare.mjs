// Every indicator of the market room, after every bar of a recorded month, against two independent
// JavaScript libraries:
//
//     node tests/indicators/compare.mjs path/to/dump_indicators
//
// Exit code 0: all agree within 1e-9; 1: they do not; 77: skipped, and why.
//
// Each check says from which bar on it counts. Where library and host start an average in the same
// way that is the first bar with a value, and the host must have one from exactly that bar on.
// Where they start differently it is the bar from which the start no longer weighs 1e-12:
// an average that keeps the share r per bar needs log(1e-12) / log(r) bars.
//
// Differences by definition, where a library is not taken as it is:
//
//   trading-signals EMA, MACD      start with the first price, not with a mean
//   trading-signals ATR            the first true range is the first bar's high less low
//   trading-signals DX, ADX        equal moves up and down count as both, here as none
//   trading-signals CHOP           range of true highs and lows, here of highs and lows
//   trading-signals StochasticRSI  a K of 0 never reaches D; so RSI, extremes and means are combined
//   trading-signals TTMSqueeze     one length for the Keltner EMA and ATR, here 20 and 10
//   technicalindicators RSI        rounded to two places, so the one of trading-signals is taken
//   technicalindicators VWAP       never ends a session, so a new one is made every day
//   both, in a market that stands still: RSI 100 (here 50), directional index NaN (here 0),
//   stochastic RSI 0 or 100 (here 50); unit tests cover that, the recorded bars always move.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const TOLERANCE = 1e-9;
const START_WEIGHT = 1e-12;
const FILE = 'btc_perp_1m_2022-01.csv';
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;
const here = dirname(fileURLToPath(import.meta.url));
const data = process.env.TRIPLEGAIN_SHARED
  ? join(process.env.TRIPLEGAIN_SHARED, 'data')
  : resolve(here, '../../../shared/data');

function skip(reason) {
  console.log(`skipped: ${reason}`);
  process.exit(77);
}

if (process.argv.length !== 3) {
  console.error('usage: node compare.mjs path/to/dump_indicators');
  process.exit(1);
}
const program = process.argv[2];
const path = join(data, FILE);
if (!existsSync(path)) skip(`${FILE} is not in the folder of TRIPLEGAIN_SHARED`);
let ti, ts;
try {
  ti = (await import('technicalindicators')).default;
  ts = await import('trading-signals');
} catch (error) {
  skip(`npm ci has not been run in tests/indicators (${error.code})`);
}

// ---- input ------------------------------------------------------------------------------------

const bars = readFileSync(path, 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [time, ...numbers] = line.split(',');
    const [open, high, low, close, volume] = numbers.map(Number);
    return { day: time.slice(0, 10), open, high, low, close, volume };
  });

const output = execFileSync(program, [path], { encoding: 'utf8', maxBuffer: OUTPUT_BYTES_MAX });
const [header, ...rows] = output.trim().split('\n');
const names = header.split(',').slice(1);
const host = Object.fromEntries(names.map((name) => [name, []]));
for (const row of rows) {
  const values = row.split(',').slice(1);
  names.forEach((name, i) => host[name].push(values[i] === '' ? undefined : Number(values[i])));
}
if (rows.length !== bars.length) {
  console.error(`${rows.length} rows for ${bars.length} bars`);
  process.exit(1);
}

// ---- references -------------------------------------------------------------------------------

const closes = bars.map((bar) => bar.close);
const volumes = bars.map((bar) => bar.volume);
const columns = {
  open: bars.map((bar) => bar.open),
  high: bars.map((bar) => bar.high),
  low: bars.map((bar) => bar.low),
  close: closes,
  volume: volumes,
};

// A list that begins when the indicator is warm, put beside the bars.
const late = (list) => Array(bars.length - list.length).fill(undefined).concat(list);
const pick = (list, key) => list.map((item) => item?.[key]);
// An indicator of trading-signals over inputs; undefined inputs are before its start.
const run = (indicator, inputs) =>
  inputs.map((input) => {
    if (input === undefined) return undefined;
    indicator.update(input, false);
    return indicator.isStable ? indicator.getResultOrThrow() : undefined;
  });
const combine = (f, ...lists) =>
  lists[0].map((_, i) => (lists.some((list) => list[i] === undefined) ? undefined
    : f(...lists.map((list) => list[i]))));

const ema = (period) => late(ti.EMA.calculate({ period, values: closes }));
const sma = (period, values) => late(ti.SMA.calculate({ period, values }));
const macd = late(ti.MACD.calculate({ values: closes, fastPeriod: 12, slowPeriod: 26,
  signalPeriod: 9, SimpleMAOscillator: false, SimpleMASignal: false }));
const atr14 = late(ti.ATR.calculate({ ...columns, period: 14 }));
const adx = late(ti.ADX.calculate({ ...columns, period: 14 }));
const bollinger = late(ti.BollingerBands.calculate({ period: 20, values: closes, stdDev: 2 }));
const keltner = late(ti.KeltnerChannels.calculate({ ...columns, maPeriod: 20, atrPeriod: 10,
  useSMA: false, multiplier: 2 }));
const ranges = late(ti.TrueRange.calculate({ ...columns }));

const rsi = run(new ts.RSI(14), closes);
const extremes = run(new ts.Period(14), rsi);
const stochastic = combine((value, { lowest, highest }) =>
  100 * (value - lowest) / (highest - lowest), rsi, extremes);
const k = run(new ts.SMA(3), stochastic);
const d = run(new ts.SMA(3), k);

function sessionVwap() {
  let session, day;
  return bars.map((bar) => {
    if (bar.day !== day) {
      day = bar.day;
      session = new ti.VWAP({ open: [], high: [], low: [], close: [], volume: [] });
    }
    return session.nextValue(bar);
  });
}

function choppiness() {
  const high = run(new ts.Period(14), columns.high);
  const low = run(new ts.Period(14), columns.low);
  const sum = run(new ts.SMA(14), ranges).map((mean) => (mean === undefined ? undefined : 14 * mean));
  return combine((total, top, bottom) =>
    100 * Math.log10(total / (top.highest - bottom.lowest)) / Math.log10(14), sum, high, low);
}

function supertrend() {
  const indicator = new ts.SuperTrend({ interval: 10, multiplier: 3 });
  return bars.map((bar) => indicator.update(bar, false) ?? undefined);
}
const trend = supertrend();

const tsEma = (period) => run(new ts.EMA(period), closes);
const tsKeltner = run(new ts.KeltnerChannels({ emaInterval: 20, atrInterval: 10, multiplier: 2 }),
  bars);
const tsBollinger = run(new ts.BollingerBands(20, 2), closes);
const tsMacd = run(new ts.MACD(new ts.EMA(12), new ts.EMA(26), new ts.EMA(9)), closes);

// ---- checks -----------------------------------------------------------------------------------

const decayed = (kept) => Math.ceil(Math.log(START_WEIGHT) / Math.log(kept));
const emaDecayed = (period) => period + decayed(1 - 2 / (period + 1));
const wilderDecayed = (period) => period + decayed(1 - 1 / period);
// Differences of prices and rates cross zero: the error is then compared with the floor instead.
const PRICE = 46000;

// [indicator, reference, series, { from: the first bar that counts, bars count from 1; without it,
// where the library starts, and there the host must start too; floor: smallest size to compare
// with }]
const checks = [
  ...[9, 21, 50, 200].map((n) => [`ema${n}`, 'technicalindicators EMA', ema(n)]),
  ...[9, 21, 50, 200].map((n) => [`ema${n}`, 'trading-signals EMA', tsEma(n),
    { from: emaDecayed(n) }]),
  ...[20, 50, 200].map((n) => [`sma${n}`, 'technicalindicators SMA', sma(n, closes)]),
  ...[20, 50, 200].map((n) => [`sma${n}`, 'trading-signals SMA', run(new ts.SMA(n), closes)]),
  ['rsi14', 'trading-signals RSI', rsi],
  ['macd', 'technicalindicators MACD', pick(macd, 'MACD'), { floor: PRICE * 1e-6 }],
  ['macd_signal', 'technicalindicators MACD', pick(macd, 'signal'), { floor: PRICE * 1e-6 }],
  ['macd_histogram', 'technicalindicators MACD', pick(macd, 'histogram'), { floor: PRICE * 1e-6 }],
  ['macd', 'trading-signals MACD', pick(tsMacd, 'macd'),
    { from: emaDecayed(26), floor: PRICE * 1e-6 }],
  ['macd_signal', 'trading-signals MACD', pick(tsMacd, 'signal'),
    { from: 2 * emaDecayed(26), floor: PRICE * 1e-6 }],
  ['atr14', 'technicalindicators ATR', atr14],
  ['atr14', 'trading-signals ATR', run(new ts.ATR(14), bars), { from: wilderDecayed(14) }],
  ['atr14_mean20', 'trading-signals SMA of technicalindicators ATR', run(new ts.SMA(20), atr14)],
  ['adx14', 'technicalindicators ADX', pick(adx, 'adx')],
  // The library shows the directional indicators with the first ADX only.
  ['plus_di14', 'technicalindicators ADX', pick(adx, 'pdi'), { from: 28 }],
  ['minus_di14', 'technicalindicators ADX', pick(adx, 'mdi'), { from: 28 }],
  ...['middle', 'upper', 'lower'].map((band) =>
    [`bollinger_${band}`, 'technicalindicators BollingerBands', pick(bollinger, band)]),
  ...['middle', 'upper', 'lower'].map((band) =>
    [`bollinger_${band}`, 'trading-signals BollingerBands', pick(tsBollinger, band)]),
  ...['middle', 'upper', 'lower'].map((band) =>
    [`keltner_${band}`, 'technicalindicators KeltnerChannels', pick(keltner, band)]),
  ...['middle', 'upper', 'lower'].map((band) =>
    [`keltner_${band}`, 'trading-signals KeltnerChannels', pick(tsKeltner, band),
      { from: Math.max(emaDecayed(20), wilderDecayed(10)) }]),
  ['obv', 'technicalindicators OBV', late(ti.OBV.calculate({ close: closes, volume: volumes })),
    { floor: 1e6 }],
  ['vwap', 'technicalindicators VWAP, one a day', sessionVwap()],
  ['choppiness14', 'combined from both libraries', choppiness()],
  ['stochastic_rsi', 'combined from trading-signals', stochastic, { floor: 1 }],
  ['stochastic_rsi_k', 'combined from trading-signals', k, { floor: 1 }],
  ['stochastic_rsi_d', 'combined from trading-signals', d, { floor: 1 }],
  ['roc10', 'technicalindicators ROC', late(ti.ROC.calculate({ period: 10, values: closes })),
    { floor: 1e-3 }],
  ['supertrend', 'trading-signals SuperTrend', pick(trend, 'supertrend'),
    { from: 5 * wilderDecayed(10) }],
  ['supertrend_direction', 'trading-signals SuperTrend',
    trend.map((item) => item && (item.trend === ts.TradingSignal.BULLISH ? 1 : -1)),
    { from: 5 * wilderDecayed(10) }],
  ['squeeze', 'both bands of technicalindicators', combine((b, c) =>
    Number(b.upper < c.upper && b.lower > c.lower), bollinger, keltner)],
  ['volume_sma20', 'trading-signals SMA', run(new ts.SMA(20), volumes)],
];

function check([name, reference, series, { from, floor = 0 } = {}]) {
  const first = series.findIndex((value) => value !== undefined);
  const start = from === undefined ? first : from - 1;
  const result = { name, reference, from: start + 1, bars: 0, worst: 0, failures: [] };
  const firstHost = host[name].findIndex((value) => value !== undefined);

  if (from === undefined && firstHost !== first)
    result.failures.push(`starts at bar ${firstHost + 1}, the reference at ${first + 1}`);
  for (let i = start; i < bars.length; i++) {
    const expected = series[i];
    const value = host[name][i];
    const size = Math.max(Math.abs(expected), Math.abs(value), floor);
    const error = size === 0 ? 0 : Math.abs(value - expected) / size;

    result.bars++;
    if (error > result.worst) result.worst = error;
    if (!(error <= TOLERANCE)) result.failures.push(`bar ${i + 1}: ${value}, not ${expected}`);
  }
  if (result.bars < bars.length / 2) result.failures.push('too few bars compared');
  return result;
}

// Not assertions: how far a library's other definition leads from ours, on average.
function meanDifference(name, series, from) {
  let sum = 0;
  for (let i = from; i < bars.length; i++) sum += Math.abs(host[name][i] - series[i]);
  return sum / (bars.length - from);
}

const results = checks.map(check);
for (const name of names)
  if (!results.some((result) => result.name === name))
    results.push({ name, reference: 'none', from: 0, bars: 0, worst: NaN,
      failures: ['is not compared with anything'] });

const line = (...cells) => console.log(`${cells[0].padEnd(22)}${cells[1].padEnd(50)}` +
  cells.slice(2).map((cell) => String(cell).padStart(10)).join(''));
line('indicator', 'reference', 'from bar', 'bars', 'worst', '');
for (const { name, reference, from, bars: count, worst, failures } of results) {
  line(name, reference, from, count, worst.toExponential(1), failures.length ? 'DIFFERS' : 'ok');
  for (const failure of failures.slice(0, 3)) console.log(`    ${failure}`);
  if (failures.length > 3) console.log(`    and ${failures.length - 3} more`);
}

console.log('\ndifferences by definition (mean over all bars, in points of the indicator):');
const tsAdx = run(new ts.ADX(14), bars);
const tsStochastic = new ts.StochasticRSI(14);
const tsD = closes.map((close) => {
  tsStochastic.update(close, false);
  return tsStochastic.smoothing.d.isStable ? 100 * tsStochastic.smoothing.d.getResultOrThrow()
    : undefined;
});
const differences = [
  ['adx14', 'equal moves count as both up and down', tsAdx],
  ['choppiness14', 'range of true highs and lows', run(new ts.CHOP(14), bars)],
  ['stochastic_rsi_d', 'a K of 0 is left out of D', tsD],
  ['rsi14', 'rounded to two places', late(ti.RSI.calculate({ period: 14, values: closes }))],
];
for (const [name, what, series] of differences)
  line(name, what, '', '', meanDifference(name, series, 1000).toExponential(1));

const failed = results.filter((result) => result.failures.length > 0).length;
console.log(`\n${results.length - failed} of ${results.length} comparisons agree within ` +
  `${TOLERANCE} over ${bars.length} bars`);
process.exit(failed === 0 ? 0 : 1);
