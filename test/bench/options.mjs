/** What the command line of `npm run bench` asks for. */
import { fileURLToPath } from 'node:url';
import { positive, readArguments, selection } from './arguments.mjs';
import { cases } from './cases.mjs';
import { studies } from './studies.mjs';
import { variants } from './variants.mjs';

const results = fileURLToPath(new URL('results.json', import.meta.url));
const studyNames = Object.keys(studies);

const known = {
  ...{ rounds: { type: 'string' }, seconds: { type: 'string' } },
  ...{ cases: { type: 'string' }, variants: { type: 'string' } },
  ...{ quick: { type: 'boolean', default: false }, json: { type: 'string' }, minutes: { type: 'string' } },
};

export const readOptions = () =>
  readArguments(known, ({ quick, ...values }) => {
    const whole = !quick && values.cases === undefined && values.variants === undefined;
    // The README shows what is kept: a part of a run must not take its place.
    const json = values.json ?? (whole ? results : undefined);
    const names = selection('cases', values.cases, [...cases.map(({ name }) => name), ...studyNames]);
    return {
      quick,
      rounds: positive('rounds', values.rounds ?? (quick ? '1' : '3')),
      seconds: positive('seconds', values.seconds ?? (quick ? '0.2' : '1.5'), { whole: false }),
      // After so many requests a client is as fast as it becomes, whichever it is.
      warmth: quick ? 0 : 8000,
      // They are not counted: while a process waits for the other to warm up, V8 gives back memory of its young generation.
      leadingTurns: quick ? 0 : 4,
      minutes: positive('minutes', values.minutes ?? '1', { whole: false }),
      cases: cases.filter(({ name }) => names.includes(name)),
      studies: studyNames.filter((name) => names.includes(name)),
      variants: selection('variants', values.variants, Object.keys(variants)),
      json,
      svg: json?.replace(/(\.json)?$/, '.svg'),
    };
  });
