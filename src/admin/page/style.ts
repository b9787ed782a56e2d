/** The page's style sheet: system fonts, light and dark colour schemes, widths from 320 pixels. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #ffffff; --ink: #16191d; --soft: #565d66; --line: #e1e4e9; --edge: #7a828d; --accent: #1d5fd1;
  --up: #14673a; --up-ground: #dcf3e5; --degraded: #7a4b00; --degraded-ground: #fdeecb; --down: #a01c22; --down-ground: #fbe0e1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #101216; --card: #191c22; --ink: #e8eaed; --soft: #a3abb6; --line: #2b3038; --edge: #79828f; --accent: #85b2ff;
    --up: #86dfaa; --up-ground: #143423; --degraded: #f7cd79; --degraded-ground: #3b2c0b; --down: #ff9a9e; --down-ground: #431a1d;
  }
}
* { box-sizing: border-box; margin: 0; }
[hidden] { display: none !important; }
body { background: var(--ground); color: var(--ink); font: 14px/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums; padding: .5rem 0 1.5rem; }
header, main, footer, #lost, #login, #none { max-width: 78rem; margin: 0 auto; padding: .6rem 1rem; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .35rem .8rem; }
h1 { font-size: 1.15rem; letter-spacing: -.01em; }
h2 { font-size: 1rem; overflow-wrap: anywhere; min-width: 0; }
h3, dt { font-size: .8rem; font-weight: 500; color: var(--soft); }
dd { margin: 0; }
#config, #none, footer, .brief, .quiet, .note, .value span { color: var(--soft); font-size: .8rem; }
.filter { display: flex; align-items: center; gap: .5rem; margin-left: auto; color: var(--soft); font-size: .8rem; white-space: nowrap; }
input, button { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--edge); border-radius: .4rem; min-height: 2rem; padding: .2rem .65rem; }
input { min-width: 0; width: 100%; }
#login input { width: 18rem; }
button { cursor: pointer; }
button:hover { background: var(--ground); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
kbd { font: inherit; border: 1px solid var(--edge); border-radius: .25rem; padding: 0 .35rem; }
ul { list-style: none; padding: 0; }
.badge { border: 1px solid transparent; border-radius: 1rem; padding: 0 .55rem; font-size: .8rem; font-weight: 600; white-space: nowrap; }
.up { color: var(--up); background: var(--up-ground); }
.degraded { color: var(--degraded); background: var(--degraded-ground); }
.down { color: var(--down); background: var(--down-ground); }
#lost { position: sticky; top: 0; z-index: 1; color: var(--down); background: var(--down-ground); border-radius: .4rem; font-weight: 600; }
#login { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
#login p { color: var(--down); width: 100%; }
main { display: grid; gap: .75rem; }
.client { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .7rem 1rem; min-width: 0; }
.client[open] { padding-bottom: .9rem; }
summary { display: flex; flex-wrap: wrap; align-items: center; gap: .2rem .6rem; cursor: pointer; list-style: none; border-radius: .3rem; }
summary::-webkit-details-marker { display: none; }
summary::before { content: ""; width: .4rem; height: .4rem; margin: 0 .15rem 0 .1rem; border: solid var(--soft); border-width: 0 1.5px 1.5px 0; rotate: -45deg; }
[open] > summary::before { rotate: 45deg; }
.brief { margin-left: auto; }
[open] > summary .brief { display: none; }
.reasons { color: var(--degraded); padding: .2rem 0 0 1.25rem; overflow-wrap: anywhere; }
.plotted { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 1.5rem; padding: .8rem 0; }
.value { min-height: 1.9rem; }
.value b { font-size: 1.35rem; font-weight: 600; letter-spacing: -.01em; }
.value .second { font-size: 1rem; margin-left: .5rem; }
.value .dashed { border-bottom: 2px dashed var(--soft); }
.plot { position: relative; height: 3.25rem; color: var(--accent); border-bottom: 1px solid var(--line); }
.plot.bad { color: var(--down); }
.plot svg { width: 100%; height: 100%; display: block; overflow: visible; }
.line { fill: none; stroke: currentColor; stroke-width: 1.5; stroke-linejoin: round; stroke-linecap: round; }
.line.dashed { stroke: var(--soft); stroke-dasharray: 3 3; }
.area { fill: currentColor; opacity: .1; }
.most { position: absolute; top: -1.3rem; right: 0; color: var(--soft); font-size: .75rem; }
.facts { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: .7rem 1.5rem; border-top: 1px solid var(--line); padding-top: .7rem; }
.facts dd { overflow-wrap: anywhere; }
.facts dd:not(.note) { font-size: 1rem; font-weight: 600; }
.destinations { display: grid; grid-template-columns: 1fr auto; align-items: center; gap: .4rem 1rem; border-top: 1px solid var(--line); margin-top: .8rem; padding-top: .7rem; }
.destinations ul, .told { grid-column: 1 / -1; }
.destinations ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: .35rem 1.5rem; }
.destinations li { display: flex; flex-wrap: wrap; gap: 0 .6rem; align-items: center; }
.address { overflow-wrap: anywhere; width: 100%; }
.told { color: var(--down); }
.told:empty { display: none; }
.force { display: flex; align-items: center; }
.force span { margin-right: .6rem; }
.force button { border-radius: 0; margin-left: -1px; font-size: .85rem; }
.force button:first-of-type { margin-left: 0; border-radius: .4rem 0 0 .4rem; }
.force button:last-of-type { border-radius: 0 .4rem .4rem 0; }
.force button:focus-visible { position: relative; }
button[aria-pressed=true] { background: var(--ink); color: var(--card); border-color: var(--ink); }
@media (max-width: 46rem) {
  .filter { margin-left: 0; width: 100%; }
  .filter kbd { display: none; }
  .plotted { grid-template-columns: minmax(0, 1fr); gap: .9rem; }
  .plotted > div { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 0 1rem; align-items: end; }
  .plotted dt { grid-column: 1 / -1; }
  .plot { height: 2.5rem; }
  .facts { grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .6rem .8rem; }
  .destinations { grid-template-columns: minmax(0, 1fr); }
  .force { display: grid; grid-template-columns: repeat(3, auto); }
  .force span { grid-column: 1 / -1; }
  .value .second { margin-left: 0; }
  .force button { padding: .2rem .3rem; min-height: 2.5rem; }
  .brief { margin-left: 1.25rem; width: 100%; }
}
@media (prefers-reduced-motion: no-preference) { .badge { transition: background-color .2s; } }
`;
