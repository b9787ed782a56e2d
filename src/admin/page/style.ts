/** How the page looks: system fonts, both colour schemes, from 320 pixels on. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #ffffff; --ink: #16191d; --soft: #565d66; --line: #d9dde3; --accent: #1d5fd1;
  --up: #14673a; --up-ground: #dcf3e5; --degraded: #7a4b00; --degraded-ground: #fdeecb; --down: #a01c22; --down-ground: #fbe0e1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #101216; --card: #191c22; --ink: #e8eaed; --soft: #a3abb6; --line: #30353e; --accent: #85b2ff;
    --up: #86dfaa; --up-ground: #143423; --degraded: #f7cd79; --degraded-ground: #3b2c0b; --down: #ff9a9e; --down-ground: #431a1d;
  }
}
* { box-sizing: border-box; margin: 0; }
body { background: var(--ground); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
header, main, footer, #lost, #login { max-width: 76rem; margin: 0 auto; padding: .75rem 1rem; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .35rem .9rem; }
h1 { font-size: 1.2rem; }
h2 { font-size: 1.05rem; overflow-wrap: anywhere; }
h3 { font-size: .8rem; font-weight: 600; color: var(--soft); }
#config, footer, .brief { color: var(--soft); font-size: .85rem; }
.filter { margin-left: auto; color: var(--soft); font-size: .85rem; }
input, button { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--soft); border-radius: .35rem; padding: .3rem .6rem; }
button { cursor: pointer; min-height: 2rem; }
button[aria-pressed=true] { background: var(--ink); color: var(--card); border-color: var(--ink); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
kbd { border: 1px solid var(--line); border-radius: .25rem; padding: 0 .3rem; }
.badge { border-radius: 1rem; padding: .05rem .65rem; font-size: .85rem; font-weight: 600; white-space: nowrap; }
.up { color: var(--up); background: var(--up-ground); }
.degraded { color: var(--degraded); background: var(--degraded-ground); }
.down { color: var(--down); background: var(--down-ground); }
#lost { color: var(--down); font-weight: 600; }
#login { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
#login p { color: var(--down); width: 100%; }
[hidden] { display: none !important; }
main { display: grid; gap: .9rem; }
.client { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem; min-width: 0; }
summary { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .7rem; cursor: pointer; list-style: none; border-radius: .3rem; }
summary::-webkit-details-marker { display: none; }
summary::before { content: "\\25b8"; color: var(--soft); width: .8rem; }
[open] > summary::before { content: "\\25be"; }
.brief { margin-left: auto; }
[open] > summary .brief { visibility: hidden; }
ul { list-style: none; padding: 0; }
.reasons { color: var(--degraded); padding: .35rem 0 0 1.5rem; }
.figures { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: .9rem 1.2rem; padding: .8rem 0 .2rem; }
.figures .wide { grid-column: span 2; }
dt { color: var(--soft); font-size: .8rem; }
dd[data-figure] { font-size: 1.05rem; font-weight: 600; overflow-wrap: anywhere; }
.wide dd[data-figure] { font-size: 1.4rem; }
.plot { height: 3rem; color: var(--accent); }
.plot.bad { color: var(--down); }
.plot svg { width: 100%; height: 100%; display: block; border-bottom: 1px solid var(--line); }
section { border-top: 1px solid var(--line); margin-top: .8rem; padding-top: .6rem; }
section li { display: flex; flex-wrap: wrap; gap: .1rem .7rem; align-items: center; padding: .15rem 0; overflow-wrap: anywhere; }
section li small { color: var(--soft); }
.force { display: flex; flex-wrap: wrap; gap: .4rem; padding-top: .5rem; }
@media (max-width: 44rem) {
  .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .figures .wide { display: grid; grid-template-columns: 2fr 3fr; align-items: end; }
  .wide dt { grid-column: span 2; }
  .plot { height: 2.2rem; }
  .filter { margin-left: 0; width: 100%; }
  .filter input { width: 60%; }
  .brief { display: none; }
}
@media (prefers-reduced-motion: no-preference) { .badge { transition: background-color .2s; } }
`;
