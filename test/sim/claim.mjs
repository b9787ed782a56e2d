/** What a simulation is to show, and whether it does. */

const shown = (value) => String(+Number(value).toPrecision(4));

export function atMost(what, value, bar) {
  return { what, text: `${shown(value)} (at most ${shown(bar)})`, holds: value <= bar };
}

export function atLeast(what, value, bar) {
  return { what, text: `${shown(value)} (at least ${shown(bar)})`, holds: value >= bar };
}
