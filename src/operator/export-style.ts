/** Style of an exported page: light and dark as the reader's system is, colours that differ also for the colour-blind. */

export const PAGE_STYLE = `
:root { color-scheme: light dark; --bg: #ffffff; --ink: #1c2430; --soft: #5b6675; --rule: #d9dee6; --band: #f4f6f9;
  --price: #1c2430; --stop: #c2410c; --trigger: #6d28d9; --best: #0f766e; --warn: #b45309; --bad: #b91c1c; --good: #15803d; }
@media (prefers-color-scheme: dark) { :root { --bg: #11161d; --ink: #e6eaf0; --soft: #9aa5b4; --rule: #2c3542; --band: #19202a;
  --price: #e6eaf0; --stop: #fb923c; --trigger: #b79cfb; --best: #2dd4bf; --warn: #fbbf24; --bad: #f87171; --good: #4ade80; } }
body { margin: 0 auto; max-width: 1180px; padding: 24px; background: var(--bg); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 24px; margin: 0; } h2 { font-size: 18px; margin: 28px 0 8px; }
.lead { color: var(--soft); margin: 4px 0 16px; }
dl { display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 0 0 12px; } dt { color: var(--soft); font-size: 13px; }
dd { margin: 0; font-size: 17px; font-variant-numeric: tabular-nums; }
figure { margin: 0; } figure > svg { width: 100%; height: auto; display: block; }
figcaption { display: flex; flex-wrap: wrap; gap: 4px 20px; color: var(--soft); font-size: 13px; }
.key { width: 28px; height: 10px; margin-right: 6px; vertical-align: middle; } .key.small { width: 14px; height: 14px; }
.grid { stroke: var(--rule); stroke-width: 1; } .tick { fill: var(--soft); font-size: 13px; }
.line { fill: none; stroke-width: 2; } .line.price { stroke: var(--price); stroke-width: 1.6; }
.line.stop { stroke: var(--stop); stroke-width: 2.4; } .line.trigger { stroke: var(--trigger); stroke-dasharray: 7 5; }
.line.best { stroke: var(--best); stroke-dasharray: 2 4; }
.name { font-size: 14px; } .name.price { fill: var(--price); } .name.stop { fill: var(--stop); font-weight: 600; }
.name.trigger { fill: var(--trigger); } .name.best { fill: var(--best); }
.sent { fill: var(--bg); stroke: var(--stop); stroke-width: 2; } .sent.bad { stroke: var(--bad); fill: var(--bad); }
.alert { fill: var(--warn); } .alert.critical, .alert.emergency { fill: var(--bad); } .alert.resolved, .alert.info { fill: var(--good); }
.message { fill: var(--trigger); } .end { stroke: var(--soft); stroke-dasharray: 3 3; } .end-label { fill: var(--soft); font-size: 13px; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th { text-align: left; color: var(--soft); font-weight: 600; } th, td { padding: 4px 10px 4px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
td:first-child { white-space: nowrap; } .figure { font-variant-numeric: tabular-nums; }
tr.event td { background: var(--band); } tr.critical td, tr.emergency td { color: var(--bad); } tr.warning td { color: var(--warn); }
tr.resolved td { color: var(--good); } tr.unprotected td:nth-child(2), tr.uncertain td:nth-child(2), tr.blind td:nth-child(2) { color: var(--bad); }
@media print { body { max-width: none; } }
`;
